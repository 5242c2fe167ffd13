import type { Decoded } from "../../isa/operands.ts";
import { waitForSipi } from "../cpu/context.ts";
import type { Cpu } from "../cpu/cpu.ts";
import type { Access, Fault, Monitor, NestedAccess } from "../cpu/monitor.ts";
import type { TaskSwitch } from "../cpu/task-switch.ts";
import type { Outlook } from "../trace/event.ts";
import { isOn } from "./controls.ts";
import { NonRoot } from "./non-root.ts";
import type { VmxOperation } from "./operation.ts";
import { encodeQualification } from "./qualification.ts";
import { leaveGuest } from "./vm-exit.ts";
import type { Vmcs } from "./vmcs.ts";

/**
 * The guest of a hypervisor that is software on this processor: VMX non-root operation under its VMCS. An exit is complete at
 * once: the hypervisor goes on at its own instructions, so none is ever pending, and all state is the processor's.
 */
export class SoftwareGuest implements Monitor {
  readonly exitPending = false;
  readonly #cpu: Cpu;
  readonly #vmcs: Vmcs;
  readonly #nonRoot: NonRoot;

  constructor(vmx: VmxOperation, vmcs: Vmcs) {
    this.#cpu = vmx.cpu;
    this.#vmcs = vmcs;
    this.#nonRoot = new NonRoot(vmx.cpu, vmcs, vmx.memory, (exit) => leaveGuest(vmx, vmcs, exit));
  }

  beforeInstruction(instruction: Decoded): boolean {
    return this.#nonRoot.beforeInstruction(instruction);
  }

  beforePrivilege(instruction: Decoded): boolean {
    return this.#nonRoot.beforePrivilege(instruction);
  }

  why(instruction: Decoded): Outlook {
    return this.#nonRoot.why(instruction);
  }

  onException(fault: Fault): boolean {
    return this.#nonRoot.onException(fault);
  }

  onInterrupt(): boolean {
    return this.#nonRoot.onInterrupt();
  }

  get ownsInterrupts(): boolean {
    return isOn(this.#vmcs, "externalInterruptExiting");
  }

  onTaskSwitch(request: TaskSwitch): void {
    this.#nonRoot.onTaskSwitch(request);
  }

  onNmi(): boolean {
    return this.#nonRoot.onNmi();
  }

  onTripleFault(): boolean {
    this.#nonRoot.onTripleFault();
    return true;
  }

  beforeTraps(): boolean {
    return this.#nonRoot.beforeTraps();
  }

  nmiBlocking(): "own" | "virtual" | "kept" {
    return this.#nonRoot.nmiBlocking();
  }

  /** The entry is done but for the event that it injects. */
  entered(): void {
    this.#nonRoot.entered();
  }

  atBoundary(): boolean {
    return this.#nonRoot.atBoundary();
  }

  /** INIT leaves a guest that does not wait for a start-up message. */
  onInit(): void {
    this.#nonRoot.leave({
      reason: "INIT",
      what: "INIT for this processor",
      why: {
        sentence: "INIT leaves the guest whatever its controls say.",
        rule: "no control: unconditional",
        source: "SDM Vol. 3, 26.2: Other Causes of VM Exits",
      },
    });
  }

  /** A start-up message leaves a guest that waits for it: true if it did. */
  onStartUp(vector: number): boolean {
    if (this.#cpu.activity !== waitForSipi) return false;
    this.#nonRoot.leave({
      reason: "SIPI",
      qualification: encodeQualification("SIPI", { vector }),
      what: `start-up message ${vector}`,
      why: {
        sentence: "A start-up message always leaves a guest that waits for one.",
        rule: "guest activity state 4826h = 3: wait for SIPI",
        source: "SDM Vol. 3, 26.2: Other Causes of VM Exits",
      },
    });
    return true;
  }

  taskPriority(): number | undefined {
    return this.#nonRoot.taskPriority();
  }

  setTaskPriority(priority: number): boolean {
    return this.#nonRoot.setTaskPriority(priority);
  }

  /** It is in the core again. */
  review(): void {
    this.#nonRoot.review();
  }

  vmFunction(): void {
    this.#nonRoot.vmFunction();
  }

  translate(guestPhysical: number, access: Access, options: NestedAccess): number | undefined {
    return this.#nonRoot.translate(guestPhysical, access, options);
  }

  /** Of the machine: the hypervisor's own translation is part of it. */
  guestPhysical(linear: number): number | undefined {
    const physical = this.#cpu.walker.physicalOf(linear);
    if (physical === undefined) return undefined;
    return this.translate(physical, "read", { linear: undefined, forTable: false, probe: true });
  }

  readControl(number: 0 | 4, real: bigint): bigint {
    return this.#nonRoot.readControl(number, real);
  }

  hostOwned(number: 0 | 4): bigint {
    return this.#nonRoot.hostOwned(number);
  }

  viewGuest<T>(look: () => T): T {
    return this.#nonRoot.withReadShadows(look, false);
  }

  changeGuest(change: () => true | string): true | string {
    const result = this.#nonRoot.withReadShadows(change, true);
    this.#cpu.refresh();
    return result;
  }

  handleExit(): void {
    throw new Error("an exit to a hypervisor that is software is never pending");
  }

  save(): unknown {
    return null;
  }

  restore(): void {}
}
