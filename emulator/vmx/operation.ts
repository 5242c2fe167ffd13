import type { CostProfile } from "../../isa/costs.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { VmxCall } from "../../isa/system.ts";
import { waitForSipi } from "../cpu/context.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import { cr4Allowed } from "../cpu/modes.ts";
import { type Virtualization, vmxOperation } from "../cpu/virtualization.ts";
import type { ExitForm, RecordedBody, StopReason } from "../trace/event.ts";
import { fixedCr0, fixedCr4 } from "./capabilities.ts";
import { CheckedVmcs } from "./checked-vmcs.ts";
import { isOn } from "./controls.ts";
import { respects } from "./entry-checks-host.ts";
import { HostMemory } from "./host-memory.ts";
import { SoftwareGuest } from "./software-guest.ts";
import { Vmcs, vmcsBytes } from "./vmcs.ts";
import { executeVmx } from "./vmx-instructions.ts";

/** What VMX is given of its machine. */
export interface VmxContext {
  readonly cpu: Cpu;
  readonly costs: CostProfile;
  /** Records an event and gives its number. */
  readonly record: (body: RecordedBody) => number;
  /** Records an exit: its qualification, and the numbers that explain it, apart from what it shares with others. */
  readonly recordExit: (form: ExitForm, qualification: bigint | number, first: number, second: number) => number;
  /** Fills in the cost of an exit event once an entry follows it. */
  readonly settle: (sequence: number, cost: number) => void;
  /** So many cycles pass beside the steps. */
  readonly spend: (cycles: number) => void;
  readonly stop: (reason: StopReason, text: string) => void;
  /** Something that was held off can act now. */
  readonly attend: () => void;
}

const initHeld = layout.initHeld >> 2;
const operation = layout.vmxOperation >> 2;
const vmxonPointer = layout.vmxonPointer >> 3;
const vmcsPointer = layout.vmcsPointer >> 3;
const noVmcs = 0xffff_ffff_ffff_ffffn;
const fixedPeAndPg = 0x8000_0001n;

/** A VMCS of software, and the guest that runs under it. */
interface Region {
  readonly vmcs: Vmcs;
  readonly checked: CheckedVmcs;
  readonly guest: SoftwareGuest;
}

/**
 * VMX operation of a processor whose hypervisor is software: VMXON to VMXOFF, root and non-root. What lasts is in the state
 * block and in the VMCS regions; what is kept here follows from it.
 */
export class VmxOperation implements Virtualization {
  readonly context: VmxContext;
  readonly cpu: Cpu;
  readonly memory: HostMemory;
  /** By physical address. */
  readonly #regions = new Map<number, Region>();

  constructor(context: VmxContext) {
    this.context = context;
    this.cpu = context.cpu;
    this.memory = new HostMemory(context.cpu);
  }

  execute(call: VmxCall, decoded: Decoded): void {
    executeVmx(this, call, decoded);
  }

  get state(): "off" | "root" | "non-root" {
    return (["off", "root", "non-root"] as const)[this.cpu.r32[operation]!]!;
  }

  get vmxonRegion(): bigint {
    return this.cpu.r64[vmxonPointer]!;
  }

  /** VMXON has succeeded. */
  begin(region: bigint): void {
    this.cpu.r32[operation] = vmxOperation.root;
    this.cpu.r64[vmxonPointer] = region;
    this.cpu.r64[vmcsPointer] = noVmcs;
  }

  /** VMXOFF. */
  end(): void {
    const { cpu } = this;
    cpu.r32[operation] = vmxOperation.off;
    cpu.r64[vmxonPointer] = 0n;
    cpu.r64[vmcsPointer] = 0n;
    if (cpu.nested.gatesLine20) cpu.flushTlb(true, "A20");
    this.context.attend();
  }

  /** Physical address of the current VMCS; all ones if there is none. */
  get pointer(): bigint {
    return this.cpu.r64[vmcsPointer]!;
  }

  /** Makes the VMCS at an address in RAM the current one; none, with undefined. */
  makeCurrent(address: bigint | undefined): void {
    this.cpu.r64[vmcsPointer] = address ?? noVmcs;
  }

  /** The current VMCS; undefined if there is none. */
  get current(): Vmcs | undefined {
    return this.#region?.vmcs;
  }

  /** The entry checks of the current VMCS. */
  get checked(): CheckedVmcs {
    return this.#region!.checked;
  }

  get #region(): Region | undefined {
    if (this.cpu.r32[operation] === vmxOperation.off || this.pointer === noVmcs) return undefined;
    return this.#at(Number(this.pointer));
  }

  #at(address: number): Region {
    const known = this.#regions.get(address);
    if (known) return known;
    const made = this.#open(this.regionAt(address));
    this.#regions.set(address, made);
    return made;
  }

  #open(vmcs: Vmcs): Region {
    return { vmcs, checked: new CheckedVmcs(vmcs), guest: new SoftwareGuest(this, vmcs) };
  }

  /** A region in RAM as a VMCS. */
  regionAt(address: number): Vmcs {
    return this.#regions.get(address)?.vmcs ?? new Vmcs(this.memory.bytes(address, vmcsBytes), address);
  }

  /** The guest of the current VMCS is about to run: what it does is the VMCS's to judge from now on. */
  startGuest(): void {
    const { guest, vmcs } = this.#region!;
    this.cpu.r32[operation] = vmxOperation.nonRoot;
    this.cpu.r32[layout.interruptsLeave >> 2] = isOn(vmcs, "externalInterruptExiting") ? 1 : 0;
    this.cpu.monitor = guest;
  }

  /** The entry is done but for the event that it injects. */
  entered(): void {
    this.#region!.guest.entered();
    if (this.cpu.r32[initHeld] !== 0) this.context.attend();
  }

  /** Back in root operation. */
  stopGuest(): void {
    this.cpu.r32[operation] = vmxOperation.root;
    this.cpu.r32[layout.interruptsLeave >> 2] = 0;
    this.cpu.monitor = undefined;
  }

  allows(register: 0 | 4, value: bigint): boolean {
    if (register === 4) return respects(value, { must: fixedCr4.must, may: BigInt(cr4Allowed(this.cpu)) });
    const { current } = this;
    const free = this.state === "non-root" && current !== undefined && isOn(current, "unrestrictedGuest");
    return respects(value, free ? { ...fixedCr0, must: fixedCr0.must & ~fixedPeAndPg } : fixedCr0);
  }

  /** Root operation holds INIT off, and so does a guest's wait for a start-up message (SDM Vol. 3, 27.7.2). */
  holdsInit(): "pending" | "left" | undefined {
    const { state, cpu } = this;
    const isHeld = state === "root" || (state === "non-root" && cpu.activity === waitForSipi);
    cpu.r32[initHeld] = isHeld ? 1 : 0;
    if (state === "off") return undefined;
    if (isHeld) return "pending";
    this.#region!.guest.onInit();
    return "left";
  }

  onStartUp(vector: number): boolean {
    return this.state === "non-root" && this.#region!.guest.onStartUp(vector);
  }

  review(): void {
    const guest = this.state === "non-root" ? this.#region!.guest : undefined;
    this.cpu.monitor = guest;
    if (guest) guest.review();
    else this.cpu.intercept(undefined);
  }

  /** Another moment has come: nothing is known of the regions, and exits that no entry has followed then have no cost. */
  forget(asides: readonly Uint8Array[]): void {
    this.#regions.clear();
    this.review();
    for (const { buffer, byteOffset } of [this.cpu.f64, ...asides])
      this.context.settle(new DataView(buffer, byteOffset).getFloat64(layout.vmxExit, true), 0);
  }
}
