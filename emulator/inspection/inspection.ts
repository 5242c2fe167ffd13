import { longestInstruction } from "../../isa/cursor.ts";
import { decode } from "../../isa/decode.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { ramBase } from "../cpu/layout.ts";
import type { Monitor } from "../cpu/monitor.ts";
import { bareOutlook } from "../cpu/outlook.ts";
import { localApicView } from "../devices/apic/local-apic-view.ts";
import type { DeviceView } from "../devices/device-view.ts";
import type { Vga } from "../devices/vga.ts";
import type { AddressSpace, RegisterView, TlbEntryView, VmxState } from "../machine-interface.ts";
import { tlbEntries } from "../mmu/tlb-view.ts";
import { explained } from "../mmu/translation.ts";
import { type VmcbView, vmcbView } from "../svm/vmcb-view.ts";
import type { Intervention } from "../time/intervention.ts";
import type { MachineEvent, Outlook } from "../trace/event.ts";
import type { VirtualMachine } from "../virtual-machine/virtual-machine.ts";
import { fieldNamed, type NamedField } from "../vmm/control-fields.ts";
import type { TranslatedUnit } from "../vmm/translation/view.ts";
import { builtIn } from "../vmx/entry-checks.ts";
import { entering } from "../vmx/vm-entry.ts";
import type { Vmcs } from "../vmx/vmcs.ts";
import { type VmcsView, vmcsView } from "../vmx/vmcs-view.ts";
import { vmcsAsVmcb } from "./counterparts/as-vmcb.ts";
import { vmcbAsVmcs } from "./counterparts/as-vmcs.ts";
import type { OtherNames } from "./counterparts/other-names.ts";
import { type Observation, observe } from "./observation.ts";
import { registerValue, registerViews, setRegister } from "./registers.ts";
import { writableOutside } from "./resource-control.ts";

/** What executes a vCPU. */
interface Core {
  readonly cpu: Cpu;
  /** The VM of the vCPU that is in it. */
  readonly vm: VirtualMachine;
}

/** Looks at the vCPU in the core and at its VM. Changes nothing, but by `changeRegister` and `changeMemory`. */
export class Inspection {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  get #cpu(): Cpu {
    return this.#core.cpu;
  }

  get #vm(): VirtualMachine {
    return this.#core.vm;
  }

  get #monitor(): Monitor | undefined {
    return this.#vm.monitor;
  }

  get bits(): 16 | 32 | 64 {
    return this.#cpu.bits;
  }

  get rip(): bigint {
    return BigInt.asUintN(64, BigInt(this.#monitor?.guestPlace?.rip ?? this.#cpu.rip));
  }

  get linearRip(): bigint {
    return BigInt.asUintN(64, BigInt(this.#vm.processors.linear));
  }

  get cpl(): number {
    return this.#cpu.cpl;
  }

  get withinInstruction(): boolean {
    return this.#monitor?.guestPlace?.starts === false;
  }

  /** The guest's physical memory. To compare, not to change. */
  get guestMemory(): Uint8Array {
    const { guestBase, guestBytes } = this.#vm.board;
    return this.#cpu.bytes.subarray(ramBase + guestBase, ramBase + guestBase + guestBytes);
  }

  /** Pages that are not the guest's and that it could write now. */
  get writableOutside(): number {
    const { guestBase, guestBytes } = this.#vm.board;
    return writableOutside(this.#cpu, guestBase, guestBytes);
  }

  /** Guest-physical address of a linear address by the guest's page tables; undefined if it has none. */
  guestPhysical(linear: number): number | undefined {
    return this.#monitor ? this.#monitor.guestPhysical(linear) : this.#cpu.walk(linear, "read", false).physical;
  }

  /** The devices of the VM that have something to show; local APICs by processor. */
  devices(): readonly DeviceView[] {
    const { devices, processors } = this.#vm.board;
    const views = devices.all.flatMap((device) => device.inspect?.() ?? []);
    return [...views, ...processors.apics.map(localApicView)];
  }

  picture(): ReturnType<Vga["picture"]> {
    return this.#vm.board.devices.vga.picture();
  }

  translatedUnits(): readonly TranslatedUnit[] {
    return this.#monitor?.translatedUnits?.() ?? [];
  }

  /** Fills in what the guest could find out about its processor now. */
  observe(into: Observation): Observation {
    return observe(this.#cpu, into);
  }

  registers(): readonly RegisterView[] {
    return registerViews(this.#cpu);
  }

  register(name: string): bigint | undefined {
    return registerValue(this.#cpu, name);
  }

  protected changeRegister({ name, value }: Intervention & { kind: "set-register" }): true | string {
    return setRegister(this.#cpu, name, value, (linear, length) => this.readMemory("linear", linear, length));
  }

  readMemory(space: AddressSpace, address: bigint, length: number): (number | undefined)[] {
    return this.#vm.memory.read(space, address, length);
  }

  protected changeMemory({ space, address, bytes }: Intervention & { kind: "write-memory" }): number {
    const written = this.#vm.memory.write(space, address, bytes);
    if (space === "host-physical") this.#vm.processors.hostMemoryChanged();
    return written;
  }

  #addressOf(linear: bigint): number {
    return this.#cpu.longMode ? Number(BigInt.asIntN(64, linear)) : Number(BigInt.asUintN(32, linear));
  }

  /** The walk of a linear address, as an event has it. */
  protected walked(
    linear: bigint,
  ): Omit<MachineEvent & { kind: "walk" }, "sequence" | "cycle" | "step" | "vm" | "vcpu" | "rip"> {
    const address = this.#addressOf(linear);
    const walked = this.#monitor?.walk?.(address) ?? this.#cpu.walk(address, "read");
    const { physical, host, verdict } = walked;
    const { steps, references } = explained(walked.steps);
    return {
      kind: "walk",
      linear: linear.toString(16),
      ...(physical === undefined ? {} : { physical: physical.toString(16) }),
      ...(host === undefined ? {} : { host: host.toString(16) }),
      references,
      cached: this.#cpu.isCached(address),
      steps,
      verdict,
    };
  }

  guestPhysicalOf(linear: bigint): bigint | undefined {
    const address = this.#addressOf(linear);
    // On the bare machine, a hypervisor of the guest's own may have a guest with guest-physical addresses of its own.
    const found = this.#monitor ? this.guestPhysical(address) : this.#cpu.walk(address, "read", false).host;
    return found === undefined ? undefined : BigInt(found);
  }

  tlbEntries(): readonly TlbEntryView[] {
    return tlbEntries(this.#cpu.tlb);
  }

  get #failedEntry(): boolean {
    return this.#vm.stopped?.reason === "vm-entry-failure";
  }

  get vmx(): VmxState | undefined {
    if (this.#monitor?.vmcs) return { operation: "non-root", hypervisor: "built-in" };
    const own = this.#vm.vmx;
    if (!own) return undefined;
    const { state: operation, vmxonRegion } = own;
    return { operation, hypervisor: "guest", ...(operation === "off" ? {} : { vmxonRegion }) };
  }

  vmcs(): VmcsView | undefined {
    const vmcs = this.#monitor?.vmcs;
    if (vmcs) return vmcsView(vmcs, this.#failedEntry ? builtIn : undefined);
    const own = this.#vm.vmx;
    return own?.current && vmcsView(own.current, own.state === "root" ? entering(own) : undefined);
  }

  vmcb(): VmcbView | undefined {
    const vmcb = this.#monitor?.vmcb;
    return vmcb && vmcbView(vmcb, this.#failedEntry);
  }

  controlField({ block, field }: NamedField): bigint | undefined {
    return block === "vmcs" ? this.#vmcs?.get(field) : this.#monitor?.vmcb?.get(field);
  }

  /** The built-in VMM's, or the current one of a hypervisor of the guest's own. */
  get #vmcs(): Vmcs | undefined {
    return this.#monitor?.vmcs ?? this.#vm.vmx?.current;
  }

  protected changeControlField({ field: name, block, value }: Intervention & { kind: "set-field" }): true | string {
    const field = fieldNamed(block, name);
    if (!field) return `The ${String(block).toUpperCase()} has no field "${name}".`;
    const problem = this.fieldProblem(field, value);
    if (problem !== undefined) return problem;
    if (this.#monitor?.changeControlField) this.#monitor.changeControlField(field, value);
    else if (field.block === "vmcs") this.#vmcs!.set(field.field, value);
    return true;
  }

  /** Why a field cannot be given this value now, as a sentence. */
  protected fieldProblem(field: NamedField, value: bigint): string | undefined {
    if (this.controlField(field) === undefined) return `There is no ${field.block.toUpperCase()} now.`;
    const problem = field.fixed ?? this.#keepsFields;
    if (problem !== undefined || (value >= 0n && value < 1n << BigInt(field.width))) return problem;
    return `The value does not fit in the ${field.width} bits of ${field.name}.`;
  }

  /** Why fields cannot be written now, as a sentence: they can be where a hypervisor could do it. */
  get #keepsFields(): string | undefined {
    const own = this.#vm.vmx;
    if (this.#monitor?.changeControlField)
      return this.#monitor.exitPending
        ? undefined
        : "The guest is running, and the processor holds its state: fields can be changed while a VM exit is pending. Go to the next VM exit first.";
    return own?.state === "root"
      ? undefined
      : "The guest of the hypervisor is running, and the processor holds its state: fields can be changed in VMX root operation. Go to the next VM exit first.";
  }

  otherNames(): OtherNames | undefined {
    const vmcs = this.#vmcs;
    if (vmcs) return vmcsAsVmcb(vmcs, vmcsView(vmcs, undefined));
    const vmcb = this.#monitor?.vmcb;
    return vmcb && vmcbAsVmcs(vmcb, vmcbView(vmcb, false));
  }

  /** What becomes of the instruction about to run, no exit being pending. */
  protected outlook(): Outlook | undefined {
    const cpu = this.#cpu;
    const bytes = this.readMemory("linear", this.linearRip, longestInstruction);
    const decoded = decode((offset) => bytes[offset] ?? -1, 0, cpu.bits);
    if (typeof decoded === "string") return undefined;
    const { next } = cpu;
    cpu.next = cpu.sequential(decoded.length);
    try {
      return cpu.monitor?.why?.(decoded) ?? bareOutlook(cpu, decoded);
    } finally {
      cpu.next = next;
    }
  }
}
