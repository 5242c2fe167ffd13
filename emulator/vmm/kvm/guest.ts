import type { Cpu } from "../../cpu/cpu.ts";
import { timeStamp } from "../../cpu/interrupts.ts";
import { virtualTime } from "../../cpu/virtual-time.ts";
import { gated } from "../../mmu/address-line.ts";
import type { VmmContext } from "../context.ts";
import { nanosecondsOf } from "../paravirtual-clock.ts";
import type { FeatureName } from "./features.ts";

/** Values of the MSRs by number, as hexadecimal text. Plain JSON. */
interface Saved {
  readonly values: Readonly<Record<number, string>>;
  readonly kicked: boolean;
  readonly stolen: number;
}

/** What KVM keeps for a virtual CPU that knows it: the values of its MSRs, and the way to the guest's memory and clock. */
export class KvmGuest {
  readonly context: VmmContext;
  readonly vcpu: number;
  /** One for each virtual CPU of the guest, by number. */
  readonly siblings: readonly KvmGuest[];
  /** It has been kicked, which ends its present halt or the next one. */
  kicked = false;
  /** Cycles stolen from it that the guest has been told of. */
  stolen = 0;
  readonly #cpu: Cpu;
  readonly #values = new Map<number, bigint>();

  /** Joins `siblings`, behind those of lower numbers. */
  constructor(context: VmmContext, siblings: KvmGuest[]) {
    this.context = context;
    this.vcpu = siblings.push(this) - 1;
    this.siblings = siblings;
    this.#cpu = context.cpu;
  }

  /** Whether the guest has a feature of KVM's interface. */
  has(feature: FeatureName): boolean {
    return this.context.options.withoutFeatures?.includes(feature) !== true;
  }

  /** Takes a kick, if there was one. */
  takeKick(): boolean {
    const { kicked } = this;
    this.kicked = false;
    return kicked;
  }

  value(msr: number, initial = 0n): bigint {
    return this.#values.get(msr) ?? initial;
  }

  setValue(msr: number, value: bigint): void {
    this.#values.set(msr, value);
  }

  /** The guest's time-stamp counter. */
  get ticks(): bigint {
    return timeStamp(this.#cpu);
  }

  /** Nanoseconds since the guest was started. */
  get now(): bigint {
    return nanosecondsOf(virtualTime(this.#cpu));
  }

  /** Host-physical address of `bytes` bytes of guest memory; undefined where not all of them are the guest's. */
  #place(physical: number, bytes: number): number | undefined {
    const { a20, guestBase, guestBytes } = this.context;
    const at = gated(physical, a20);
    return at + bytes <= guestBytes ? at + guestBase : undefined;
  }

  /** An unsigned 32-bit number of the guest's memory; undefined outside it. */
  read32(physical: number): number | undefined {
    const at = this.#place(physical, 4);
    if (at === undefined) return undefined;
    let value = 0;
    for (let n = 3; n >= 0; n--) value = value * 256 + this.#cpu.physical.read(at + n, 1);
    return value;
  }

  /** A byte of the guest's memory; undefined outside it. */
  read8(physical: number): number | undefined {
    const at = this.#place(physical, 1);
    return at === undefined ? undefined : this.#cpu.physical.read(at, 1);
  }

  /** False outside the guest's memory: then nothing is written. */
  write(physical: number, bytes: Uint8Array): boolean {
    const at = this.#place(physical, bytes.length);
    if (at === undefined) return false;
    for (const [n, byte] of bytes.entries()) this.#cpu.physical.write(at + n, 1, byte);
    return true;
  }

  save(): Saved {
    const values = Object.fromEntries([...this.#values].map(([msr, value]) => [msr, value.toString(16)]));
    return { values, kicked: this.kicked, stolen: this.stolen };
  }

  restore({ values, kicked, stolen }: Saved): void {
    this.kicked = kicked;
    this.stolen = stolen;
    this.#values.clear();
    for (const [msr, value] of Object.entries(values)) this.#values.set(Number(msr), BigInt(`0x${value}`));
  }
}
