import { isVmExit } from "../../../emulator/cpu/fault.ts";
import { layout } from "../../../emulator/cpu/layout.ts";
import type { Access, Fault, Monitor, NestedAccess } from "../../../emulator/cpu/monitor.ts";
import type { TaskSwitch } from "../../../emulator/cpu/task-switch.ts";
import { virtualTime } from "../../../emulator/cpu/virtual-time.ts";
import { Engine } from "../../../emulator/engine/interpreter.ts";
import { resolved } from "../../../emulator/trace/event.ts";
import { adjust, type allowedControls } from "../../../emulator/vmx/capabilities.ts";
import { type ControlName, controls, isOn } from "../../../emulator/vmx/controls.ts";
import { injectedEvent } from "../../../emulator/vmx/entry.ts";
import { checkEntry, entryFailureText } from "../../../emulator/vmx/entry-checks.ts";
import { exitReasonNamed } from "../../../emulator/vmx/exit-reasons.ts";
import { loadGuest, saveGuest } from "../../../emulator/vmx/guest-state.ts";
import { HostMemory } from "../../../emulator/vmx/host-memory.ts";
import { NonRoot } from "../../../emulator/vmx/non-root.ts";
import type { Exit } from "../../../emulator/vmx/non-root-guest.ts";
import { Vmcs, vmcsBytes } from "../../../emulator/vmx/vmcs.ts";
import type { VmcsField } from "../../../emulator/vmx/vmcs-fields.ts";
import type { Decoded } from "../../../isa/operands.ts";
import { type Processor, processor, protectedMode } from "../cpu/processor.ts";
import { assembled } from "../machine/program.ts";

/** Where the tests keep what a VMM has: the VMCS, and pages for whatever a control needs. */
export const vmmPage = { vmcs: 0x10_0000, first: 0x10_1000 } as const;
export const codeAt = 0x400;

export type Fields = Partial<Record<VmcsField, bigint | number>>;

/** An exit as the VMM of a test sees it. */
export interface Left {
  readonly reason: string;
  /** Guest RIP. */
  readonly rip: number;
  readonly qualification: bigint;
  readonly rule: string;
}

export interface Setting {
  readonly controls?: readonly ControlName[];
  readonly fields?: Fields;
  /** What the VMM does at an exit before it enters again; by default it passes over the instruction that exited, if one did. */
  readonly handle?: (vmm: SmallVmm, exit: Left) => void;
  /** Before the first entry. */
  readonly prepare?: (vmm: SmallVmm) => void;
}

const words = ["pinControls", "primaryControls", "secondaryControls", "exitControls", "entryControls"] as const;

/** The least VMM: a guest in flat 32-bit protected mode, without EPT unless asked for, under the controls of a test. */
export class SmallVmm implements Monitor {
  readonly processor: Processor = processor();
  readonly vmcs: Vmcs;
  readonly memory: HostMemory;
  readonly nonRoot: NonRoot;
  readonly engine: Engine;
  readonly exits: Left[] = [];
  readonly #handle: NonNullable<Setting["handle"]>;
  exitPending = false;

  constructor(source: string, { controls: names = [], fields = {}, handle = passOver, prepare }: Setting = {}) {
    const { cpu, ram } = this.processor;
    protectedMode(this.processor);
    new Uint8Array(ram.buffer, ram.byteOffset + codeAt).set(assembled(`bits 32\norg ${codeAt}\n${source}`).bytes);
    this.memory = new HostMemory(cpu);
    this.vmcs = new Vmcs(this.memory.bytes(vmmPage.vmcs, vmcsBytes), vmmPage.vmcs);
    this.engine = new Engine(cpu);
    this.#handle = handle;
    this.#setUp(names, fields);
    this.nonRoot = new NonRoot(cpu, this.vmcs, this.memory, (exit) => this.#left(exit));
    prepare?.(this);
    cpu.monitor = this;
    this.enter();
  }

  get cpu() {
    return this.processor.cpu;
  }

  #setUp(names: readonly ControlName[], fields: Fields): void {
    const { vmcs, cpu } = this;
    vmcs.clear();
    vmcs.set("guestCr0", 0);
    for (const word of words) vmcs.set(word, adjust(word, 0));
    for (const name of ["hostAddressSpaceSize", "secondaryControls", "unrestrictedGuest", "ept", ...names] as const)
      this.control(name, true);
    if (!names.includes("ept")) for (const name of ["unrestrictedGuest", "ept"] as const) this.control(name, false);
    const host = { hostCr0: 0x8005_0033n, hostCr4: 0x2020n, hostCsSelector: 8, hostSsSelector: 16, hostTrSelector: 24 };
    cpu.r64[layout.cr4 >> 3]! |= 0x2000n;
    // Without unrestricted guest only paged guests can be entered.
    if (!names.includes("ept")) identityPaging(this.processor);
    saveGuest(cpu, vmcs);
    const given: Fields = { ...host, vmcsLinkPointer: 0xffff_ffff_ffff_ffffn, guestDr7: 0x400, ...fields };
    for (const [field, value] of Object.entries(given)) vmcs.set(field as VmcsField, value);
  }

  control(name: ControlName, on: boolean): void {
    const { field, bit } = controls[name];
    this.vmcs.setBit(field as keyof typeof allowedControls, bit, on);
  }

  /** VMRESUME. */
  enter(): void {
    const failure = checkEntry(this.vmcs);
    if (failure) throw new Error(entryFailureText(this.vmcs, failure));
    const event = injectedEvent(this.vmcs);
    loadGuest(this.cpu, this.vmcs);
    this.cpu.refresh();
    this.cpu.attention = true;
    this.nonRoot.entered();
    if (!event) return;
    try {
      if (event.kind === "interrupt") this.cpu.interrupt(event.vector);
      else this.cpu.inject(event);
    } catch (thrown) {
      if (!isVmExit(thrown)) throw thrown;
    }
  }

  #left(exit: Exit): void {
    this.exitPending = true;
    const qualification = this.vmcs.get("exitQualification");
    const { rule } = resolved(exit.why, { qualification, first: exit.first ?? 0, second: exit.second ?? 0 });
    this.exits.push({ reason: exit.reason, rip: this.vmcs.number("guestRip"), qualification, rule });
  }

  handleExit(): void {
    this.exitPending = false;
    this.#handle(this, this.exits.at(-1)!);
    if (!this.exitPending) this.enter();
  }

  /** Runs until there are so many exits, or for so many steps. Gives the reasons of all exits. */
  run(exits: number, steps = 1000): string[] {
    const { cpu } = this;
    for (let n = 0; n < steps && this.exits.length < exits; n++) {
      const deadline = cpu.f64[layout.preemptionDeadline >> 3]!;
      // What the machine does at a deadline.
      if (deadline !== 0 && virtualTime(cpu) >= deadline - 1) cpu.attention = true;
      const stop = this.engine.step();
      if (stop.kind === "idle") cpu.f64[layout.extraCycles >> 3]! += 1;
      if (stop.kind === "shutdown" || stop.kind === "unsupported") throw new Error(`the guest ended: ${stop.kind}`);
    }
    return this.exits.map(({ reason }) => reason);
  }

  beforeInstruction(instruction: Decoded): boolean {
    return this.nonRoot.beforeInstruction(instruction);
  }
  beforePrivilege(instruction: Decoded): boolean {
    return this.nonRoot.beforePrivilege(instruction);
  }
  onException(fault: Fault): boolean {
    return this.nonRoot.onException(fault);
  }
  onInterrupt(): boolean {
    return this.nonRoot.onInterrupt();
  }
  get ownsInterrupts(): boolean {
    return isOn(this.vmcs, "externalInterruptExiting");
  }
  onTaskSwitch(request: TaskSwitch): void {
    this.nonRoot.onTaskSwitch(request);
  }
  onNmi(): boolean {
    return this.nonRoot.onNmi();
  }
  nmiBlocking() {
    return this.nonRoot.nmiBlocking();
  }
  onTripleFault(): boolean {
    this.nonRoot.onTripleFault();
    return true;
  }
  beforeTraps(): boolean {
    return this.nonRoot.beforeTraps();
  }
  atBoundary(): boolean {
    return this.nonRoot.atBoundary();
  }
  taskPriority(): number | undefined {
    return this.nonRoot.taskPriority();
  }
  setTaskPriority(priority: number): boolean {
    return this.nonRoot.setTaskPriority(priority);
  }
  vmFunction(): void {
    this.nonRoot.vmFunction();
  }
  translate(guestPhysical: number, access: Access, options: NestedAccess): number | undefined {
    return this.nonRoot.translate(guestPhysical, access, options);
  }
  readControl(number: 0 | 4, real: bigint): bigint {
    return this.nonRoot.readControl(number, real);
  }
  hostOwned(number: 0 | 4): bigint {
    return this.nonRoot.hostOwned(number);
  }
  guestPhysical(linear: number): number | undefined {
    return linear;
  }
  viewGuest<T>(look: () => T): T {
    return look();
  }
  changeGuest(change: () => true | string): true | string {
    return change();
  }
  save(): unknown {
    return null;
  }
  restore(): void {}
}

/** After an exit of an instruction the VMM goes on behind it. */
function passOver({ vmcs }: SmallVmm, { reason }: Left): void {
  if (exitReasonNamed(reason).kind !== "fault") return;
  vmcs.set("guestRip", vmcs.number("guestRip") + vmcs.number("exitInstructionLength"));
  vmcs.set("guestInterruptibility", vmcs.number("guestInterruptibility") & ~3);
}

/** 4 MiB pages, for guests that must have paging. */
function identityPaging({ cpu, ram }: Processor): void {
  const directory = 0x5000;
  ram.setUint32(directory, 0xe7, true);
  cpu.r64[layout.cr3 >> 3] = BigInt(directory);
  cpu.r64[layout.cr0 >> 3]! |= 0x8000_0000n;
  cpu.r64[layout.cr4 >> 3]! |= 0x10n;
  cpu.refresh();
}
