import type { Cpu } from "../../cpu/cpu.ts";
import { timeStamp } from "../../cpu/interrupts.ts";
import { virtualTime } from "../../cpu/virtual-time.ts";
import { gated } from "../../mmu/address-line.ts";
import type { VmmContext } from "../context.ts";
import { nanosecondsOf } from "../paravirtual-clock.ts";

/** Values of the MSRs by number, as hexadecimal text. Plain JSON. */
type Saved = Readonly<Record<number, string>>;

/** What KVM keeps for a guest that knows it: the values of its MSRs, and the way to the guest's memory and clock. */
export class KvmGuest {
  readonly context: VmmContext;
  readonly #cpu: Cpu;
  readonly #values = new Map<number, bigint>();

  constructor(context: VmmContext) {
    this.context = context;
    this.#cpu = context.cpu;
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

  /** False outside the guest's memory: then nothing is written. */
  write(physical: number, bytes: Uint8Array): boolean {
    const at = this.#place(physical, bytes.length);
    if (at === undefined) return false;
    for (const [n, byte] of bytes.entries()) this.#cpu.physical.write(at + n, 1, byte);
    return true;
  }

  save(): Saved {
    return Object.fromEntries([...this.#values].map(([msr, value]) => [msr, value.toString(16)]));
  }

  restore(saved: Saved): void {
    this.#values.clear();
    for (const [msr, value] of Object.entries(saved)) this.#values.set(Number(msr), BigInt(`0x${value}`));
  }
}
