/** Everything Ringside adds to the Debug Adapter Protocol: custom requests, events and the launch configuration, as types. */
import type { MachineEvent } from "../emulator/trace/event.ts";
import type { MeasuredRun } from "../isa/measurement.ts";
import type { TechniqueId } from "../isa/technique.ts";
import type { ComparedRun } from "./compare.ts";
import type { ControlBlockNow } from "./control-block.ts";
import type { DevicesNow } from "./devices.ts";
import type { DomainsNow } from "./domains.ts";
import type { EventBreakpoint, EventBreakpointStatus } from "./event-breakpoints.ts";
import type { Measure } from "./past.ts";
import type { RingsNow } from "./rings.ts";
import type { TranslationNow } from "./translation.ts";
import type { TranslationsNow } from "./translations.ts";

export type { ComparedRun, Place } from "./compare.ts";
export type { ControlBits, ControlBlock, ControlBlockNow, ControlField } from "./control-block.ts";
export type { DevicesNow, ScreenNow } from "./devices.ts";
export type { ChannelView, DomainsNow, GrantView } from "./domains.ts";
export type { EventBreakpoint, EventBreakpointStatus } from "./event-breakpoints.ts";
export type { RingsNow } from "./rings.ts";
export type { ShadowState, TranslationNow } from "./translation.ts";
export type { LocatedUnit, TranslationsNow } from "./translations.ts";

/** The debug type of launch configurations. */
export const debugType = "ringside";

/** Scheme of the names of sources that are in a trace only; in events their query is the number for `source`. */
export const traceScheme = "ringside-trace";

/** A launch configuration; `docs/launch.md` documents it, package.json carries its schema. */
export interface LaunchArguments {
  /** Assembly source, a kernel (ELF, Multiboot) or a trace (.rstrace): a file path or any URI. */
  readonly program: string;
  /** Overrules the source's `%pragma ringside technique`. */
  readonly technique?: TechniqueId;
  /** For sources without that pragma, where `technique` is absent too. Set by the client from its settings. */
  readonly fallbackTechnique?: TechniqueId;
  /** Stop before the first instruction. Default true. */
  readonly stopOnEntry?: boolean;
  /** Guest memory in MiB, 1–1024. Default 16. */
  readonly memory?: number;
  /** Processors of the guest, 1–64. Default 1. */
  readonly processors?: number;
  /** The processor has 5-level paging. */
  readonly fiveLevelPaging?: boolean;
  /** Folders searched by %include, after the including file's own. */
  readonly include?: readonly string[];
  /** Cost profile of the virtual clock. */
  readonly costs?: string;
  /** Command line of a kernel. */
  readonly commandLine?: string;
  /** Folder in which the sources of a kernel are, if not where it was compiled. */
  readonly sourceRoot?: string;
  /** Files loaded beside a kernel, such as an initial RAM disk. */
  readonly modules?: readonly string[];
  /**
   * What a bootable program is put into: a floppy drive or a hard disk, for the BIOS to boot from; or none, where it is loaded as a
   * flat image. Default: what the image looks like.
   */
  readonly boot?: "floppy" | "disk" | "none";
  /** Images in the floppy drives, after the program if that is one. At most two. */
  readonly floppies?: readonly string[];
  /** Images of the hard disks, after the program if that is one. At most two. */
  readonly disks?: readonly string[];
  /** Typed on the keyboard from the start: text, keys in braces ({enter}, {ctrl+c}, {wait 500}). */
  readonly keys?: string;
  /** Typed into the serial port from the start. */
  readonly serial?: string;
  /** What the clock shows at the start. */
  readonly date?: string;
  /** Of a trace: number of the event to go to, instead of the moment at which it was saved. */
  readonly event?: number;
  /** Breakpoints on events from the start; `ringside/setEventBreakpoints` replaces them. */
  readonly eventBreakpoints?: readonly EventBreakpoint[];
  /** What is checked in the client's own list of them, where `eventBreakpoints` is absent. A restart keeps what is set by then. */
  readonly fallbackEventBreakpoints?: readonly EventBreakpoint[];
  /** Of a machine file: this scheduler, with its usual options, instead of the one it names. */
  readonly scheduler?: string;
  /** Of a machine file: this seed instead of the one it names. */
  readonly seed?: number;
  /** While one of several vCPUs is stepped, the others run as they are scheduled (default), or stand still. */
  readonly steppingOthers?: "scheduled" | "frozen";
  /** MiB that snapshots for going back may take; 0: none but the start. Default: as much as the guests' memory, at least 32. */
  readonly snapshotMemory?: number;
  /** Before a change in the past `ringside/branching` asks whether it may be made. For clients that answer. */
  readonly asksBeforeBranching?: boolean;
  /** Run without debugging. Set by the client. */
  readonly noDebug?: boolean;
}

/** A moment in virtual time: machine steps since the start. */
export interface Moment {
  readonly step: number;
}

export interface Requests {
  /** Events after a sequence number, oldest first. `now` is the current moment: events after it lie in the future of a step back and are not returned. */
  "ringside/events": {
    /**
     * `joined`: of the console output only, some thousand characters at a time as one event, the last of them but for its text. `reader`: who
     * follows the events under this name; a guest that makes them faster than they are read waits for it.
     */
    args: {
      after: number;
      limit: number;
      kinds?: readonly MachineEvent["kind"][];
      joined?: boolean;
      reader?: string;
    };
    result: { events: readonly LocatedEvent[]; last: number; now: Moment & { cycle: number }; dropped: number };
  };
  /** The exits up to now by source line, with what they cost; also while the guest runs. */
  "ringside/measured": { args: Record<string, never>; result: MeasuredRun };
  /** Travels to the moment at which the exit with this sequence number is pending, or just before any other event, and stops there. */
  "ringside/goToEvent": { args: { sequence: number }; result: Record<string, never> };
  /** Runs to the next or back to the previous VM exit. */
  "ringside/toExit": { args: { direction: "next" | "previous" }; result: Record<string, never> };
  /** Back to the moment before the instruction that last wrote the memory, or changed the register, that an expression names. */
  "ringside/lastWrite": { args: { expression: string }; result: Record<string, never> };
  /** Back to the previous instruction, into what has returned; or out, to the call of the present function. Over is `stepBack`. */
  "ringside/reverse": { args: { step: "into" | "out" }; result: Record<string, never> };
  /** Back to the last time the guest was at a line (as the client counts), or a breakpoint would have stopped it. */
  "ringside/runBack": { args: { file: string; line: number }; result: Record<string, never> };
  /** To the first moment at which so many steps, instructions or cycles of virtual time had passed since the start. */
  "ringside/goToMoment": { args: { measure: Measure; value: number }; result: Record<string, never> };
  /** From the past to the latest moment at which the guest has stopped. */
  "ringside/toPresent": { args: Record<string, never>; result: Record<string, never> };
  /** Answers `ringside/branching`: whether the change may be made. */
  "ringside/branch": { args: { begin: boolean }; result: Record<string, never> };
  /** Sets all breakpoints on events; the answer says of each, in the same order, whether it can do anything here. */
  "ringside/setEventBreakpoints": {
    args: { breakpoints: readonly EventBreakpoint[] };
    result: { breakpoints: readonly EventBreakpointStatus[] };
  };
  /** The classes of events that the machine launched can never report, and why; what a person changes in a control block may make some come. */
  "ringside/eventLimits": {
    args: Record<string, never>;
    result: { limits: readonly { readonly event: string; readonly reason: string }[] };
  };
  /** The page walk of a linear address, as the processor would do it now, without changing anything. */
  "ringside/walk": { args: { linear: string }; result: { event: MachineEvent } };
  /**
   * The same of what a person types: a register, a label, any expression, or nothing for the instruction about to run. With pages about
   * it beside their shadow; also while the guest runs.
   */
  "ringside/translation": { args: { address: string }; result: TranslationNow | { problem: string } };
  /** The units of the translation cache now: guest code, its translation, chaining; also while the guest runs. */
  "ringside/translations": { args: Record<string, never>; result: TranslationsNow };
  /** Where the processor is, really and in the guest's eyes: root or not, ring, mode, address space; also while it runs. */
  "ringside/rings": { args: Record<string, never>; result: RingsNow };
  /** The VMCS or VMCB under which the guest runs, or that its own hypervisor works on; also while it runs. */
  "ringside/controlBlock": { args: Record<string, never>; result: ControlBlockNow };
  /** Event channels and grants of each paravirtual guest, or why there are none; also while it runs. */
  "ringside/domains": { args: Record<string, never>; result: DomainsNow };
  /**
   * The devices of a VM (default: of the one about to run): screen, registers, interrupts, timers, changing none of them; also while it
   * runs.
   */
  "ringside/devices": { args: { vm?: string }; result: DevicesNow };
  /**
   * Runs the launched guest again from its start, by itself under a technique and beside the bare machine. The session's own
   * machine stays as it is.
   */
  "ringside/compare": { args: { technique: TechniqueId }; result: ComparedRun };
  /** The run up to now as a trace file (.rstrace), in Base64. */
  "ringside/saveTrace": { args: { title: string; note?: string }; result: { file: string } };
  /**
   * Types text into the guest's serial port, or on its keyboard (where braces name keys, see `LaunchArguments.keys`). Default: on the
   * keyboard of a guest that the BIOS booted, else into the serial port. Of several VMs that of `vm`, or the one about to run.
   */
  "ringside/input": {
    args: { text: string; device?: "serial" | "keyboard"; vm?: string };
    result: Record<string, never>;
  };
}

/** An event with the source line (0-based) that the instruction at its address was assembled from. */
export type LocatedEvent = MachineEvent & { readonly source?: { readonly uri: string; readonly line: number } };

/** How often counting breakpoints have been hit up to the present moment; null: nobody knows any more, so far back. */
export interface EventCounts {
  readonly counts: readonly { readonly event: string; readonly count: number | null }[];
}

export interface Events {
  /** The counts have changed. */
  "ringside/eventCounts": EventCounts;
  /** There are new events, or the present moved (also backwards). Views then ask with `ringside/events`. */
  "ringside/advanced": {
    last: number;
    now: Moment & { cycle: number };
    running: boolean;
    /** Steps from here to the latest moment at which the guest has stopped; left out in the present. */
    past?: number;
  };
  /** A person wants to change the guest in its past, which would forget so many steps. Waits for `ringside/branch`. */
  "ringside/branching": { steps: number };
}

export type RequestName = keyof Requests;
/** Types both ends of a custom request. */
export type Call = <K extends RequestName>(name: K, args: Requests[K]["args"]) => Promise<Requests[K]["result"]>;
