import type { Decoded } from "../../isa/operands.ts";
import type { Vmcb } from "../svm/vmcb.ts";
import type { Outlook, WalkStep } from "../trace/event.ts";
import type { NamedField } from "../vmm/control-fields.ts";
import type { TranslatedUnit } from "../vmm/translation/view.ts";
import type { Vmcs } from "../vmx/vmcs.ts";
import type { TaskSwitch } from "./task-switch.ts";
import type { WalkOutcome } from "./walk-outcome.ts";

/** An exception on its way to be delivered. Thrown by the CPU to abandon an instruction, and caught by the run loop. */
export interface Fault {
  readonly kind: "fault";
  readonly vector: number;
  readonly errorCode: number | undefined;
  /** Faulting linear address of #PF (CR2 is written when it is delivered). */
  readonly address?: bigint;
  /** `software`: INT n; `software-exception`: INT3, INTO; these push the address of the following instruction. */
  readonly source: "hardware" | "software" | "software-exception";
  /** Bytes of the instruction, for the software sources. */
  readonly length: number;
  /** What #DB adds to DR6 when it is delivered. */
  readonly debug?: number;
}

/** The guest left to its monitor. Thrown to abandon an instruction; the instruction pointer is at it. */
export interface VmExit {
  readonly kind: "exit";
}

export type Access = "read" | "write" | "execute";

/**
 * What stands between a guest and the physical machine. On bare metal there is none. In VMX non-root operation it
 * applies the VMCS; under ring deprivileging it is the software VMM that owns the physical exceptions. The CPU asks it
 * at the points where hardware would leave the guest; each method either returns (nothing to do) or throws a `VmExit`
 * after recording what happened.
 */
export interface Monitor {
  /**
   * Before an instruction whose row may exit, after the privilege check where that comes first. True: it left the guest, and
   * the step is counted as unretired; instructions that exit are many, and throwing takes longer than all the rest.
   */
  beforeInstruction(instruction: Decoded): boolean;
  /** The same before the privilege check, for the rows of which something comes ahead of it (`isDecidedFirst`). May throw a `Fault`. */
  beforePrivilege?(instruction: Decoded): boolean;
  /**
   * An exception or software interrupt is about to be delivered through the IDT. `errorCode` is there also in real mode, where
   * the guest gets none. True: it left the guest. May throw a `VmExit` instead.
   */
  onException(fault: Fault, errorCode: number | undefined): boolean;
  /** A physical interrupt is pending and the monitor is asked first. True: it took it (an exit is pending now). */
  onInterrupt(): boolean;
  /** Physical interrupts never go through the guest's own table. */
  readonly ownsInterrupts: boolean;
  /** A hardware task switch has passed the checks of its TSS descriptor and is about to happen. */
  onTaskSwitch(request: TaskSwitch): void;
  /** An NMI can be taken now. True: the monitor took it (an exit is pending). */
  onNmi(): boolean;
  /** Delivery of #DF faulted: true if an exit took it, false to shut down. */
  onTripleFault(): boolean;
  /** Before the debug traps of a boundary at which `attention` is set: what comes ahead of them. True if an exit is pending now. */
  beforeTraps?(): boolean;
  /**
   * What blocking by NMI in the interruptibility state means: `own`, that NMIs are held off and IRET ends it; `virtual`, the
   * same of the NMIs that a VMM injects, while real ones always leave; `kept`, that IRET does not end it. Default: `own`.
   */
  nmiBlocking?(): "own" | "virtual" | "kept";
  /** At an instruction boundary with `attention` set: interrupt windows, injection. True if an exit is pending now. */
  atBoundary(): boolean;
  /**
   * Guest-physical to host-physical, for nested paging; the identity otherwise. `forTable` marks accesses to guest
   * paging structures. Throws a `VmExit` on an EPT violation or misconfiguration. With `probe` it never throws or
   * changes anything and gives undefined instead. Steps are appended when wanted.
   */
  translate(guestPhysical: number, access: Access, options: NestedAccess): number | undefined;
  /**
   * What `translate` answered stays true, without asking again, until the monitor calls `flushTlb(true)`; it has no other
   * effect. Default: false.
   */
  readonly translationsLast?: boolean;
  /** Monitors with the same object here give the same answers. Default: nobody gives the same. */
  readonly translations?: object | undefined;
  /** Levels of the tables that `translate` walks; 0, the default, where it walks none. */
  readonly nestedLevels?: number;
  /** MOV from CR8, 0 to 15; undefined where CR8 is the processor's own. */
  taskPriority?(): number | undefined;
  /** MOV to CR8: true if it is not the processor's own that is written. */
  setTaskPriority?(priority: number): boolean;
  /** VMFUNC that did not leave the guest. Default: it raises #UD. */
  vmFunction?(): void;
  /** CR0 or CR4 as the guest reads it: real value, or the read shadow under the guest/host mask. */
  readControl(number: 0 | 4, real: bigint): bigint;
  /**
   * Guest-physical address of a linear address by the guest's own page tables, for debuggers; undefined where they have
   * none. Changes nothing.
   */
  guestPhysical(linear: number): number | undefined;
  /**
   * Where guest memory is not one block that begins at the guest's base: host-physical address of a linear or guest-physical
   * one, for debuggers. Changes nothing.
   */
  place?(space: "linear" | "guest-physical", address: number): number | undefined;
  /** SYSCALL is about to enter CPL 0, which is not the guest's. `next` is the offset of the instruction after it. */
  onSystemCall?(next: number): void;
  /** Virtual time in cycles at which `tick` is to be called; undefined: never. */
  readonly deadline?: number | undefined;
  /** The next deadline that ends what its processor waits for; undefined: none does. */
  readonly wakingDeadline?: number | undefined;
  /** The deadline has been reached, at this cycle of its processor's time, which may not be in the core. */
  tick?(cycle: number): void;
  /** The walk of a linear address where the processor's own is not all there is to it. Changes nothing. */
  walk?(linear: number): WalkOutcome;
  /** Lets `look` find the guest's own registers in the state block where the VMM keeps them elsewhere. It must change nothing. */
  viewGuest<T>(look: () => T): T;
  /**
   * As `viewGuest`, for a debugger that changes them: `change` gives true, or changes nothing and says why not. With
   * `translation` the guest's cached translations are invalid afterwards. True, or why the change was not made.
   */
  changeGuest(change: () => true | string, translation: boolean): true | string;
  /** What would become of an instruction at RIP, and why. Changes nothing. `Cpu.next` is set. */
  why?(instruction: Decoded): Outlook;
  /** Bits of CR0 or CR4 that a write by the guest leaves as they are (the guest/host mask). Default: none. */
  hostOwned?(number: 0 | 4): bigint;
  /** A device or a debugger wrote guest memory, at a guest-physical address: whoever keeps copies of the guest's tables wants to know. */
  memoryWritten?(guestPhysical: number): void;
  /** Instructions that the processor executed on behalf of the VMM's interpreter and that are not counted as emulated yet. */
  readonly interpretedInstructions?: number;
  /** Address line 20 was opened or closed: guest-physical memory lies elsewhere now. */
  addressLineChanged?(): void;
  /** A debugger wrote to host-physical memory, where the VMM's own structures are. */
  hostMemoryChanged?(): void;
  /**
   * Cells that count executions of the instruction at a host-physical address: offsets in machine memory, each a float64 that
   * grows by one whenever the instruction has executed. What is said of an address lasts until its bytes are written.
   */
  countersAt?(physical: number): readonly number[];
  /**
   * Where the guest is while the processor executes other code in its stead: offset in its CS, linear address, and whether
   * that code is at the start of what stands for an instruction. Undefined while the processor executes the guest's own.
   */
  readonly guestPlace?: { readonly rip: number; readonly linear: number; readonly starts: boolean } | undefined;
  /** Linear addresses at which the processor comes by where the guest is at one of these. */
  breakpointsFor?(guest: ReadonlySet<bigint>): ReadonlySet<bigint>;
  /** What the VMM has translated, oldest first. */
  translatedUnits?(): readonly TranslatedUnit[];
  /** An exit happened and the VMM has not resumed the guest yet. */
  readonly exitPending: boolean;
  /** Lets the VMM handle the pending exit and resume (or stop) the guest. */
  handleExit(): void;
  /** The VMCS under which the guest runs, if there is one. */
  readonly vmcs?: Vmcs;
  /** The VMCB under which the guest runs, if there is one. */
  readonly vmcb?: Vmcb;
  /** A debugger gives a field of that control block a value while an exit is pending. */
  changeControlField?(field: NamedField, value: bigint): void;
  /** Number of the event of an exit from which the guest has not been resumed yet: it is pending, or the guest waits in it. */
  readonly openExit?: number | undefined;
  /** INIT has come for the virtual CPU, which is in the core: it is reset at the next boundary. */
  initialize?(): void;
  /** A start-up message has come for the virtual CPU, which is in the core: if it waits for one, it begins at `vector` << 12. */
  startUp?(vector: number): void;
  /** The virtual CPU is in the core again, and is about to run. */
  takenUp?(): void;
  /** The scheduler takes the virtual CPU off its physical CPU, where it could have gone on (`ready`) or could not. */
  descheduled?(ready: boolean): void;
  /** The scheduler gives the virtual CPU, which is in the core, a physical CPU. */
  scheduled?(): void;
  /** All its state that is not in machine memory, as plain JSON. */
  save(): unknown;
  restore(state: unknown): void;
}

export interface NestedAccess {
  readonly linear: bigint | undefined;
  readonly forTable: boolean;
  /** The access is at a linear address that user code may use: all levels of the guest's tables allow it. Default: false. */
  readonly userAddress?: boolean;
  readonly probe?: boolean;
  readonly steps?: WalkStep[];
}
