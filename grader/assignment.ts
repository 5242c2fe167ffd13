import type { LaunchArguments } from "../debug-adapter/protocol.ts";
import type { TechniqueId } from "../isa/technique.ts";

/** What is said of a program, and not of a machine file: as in a launch configuration. */
export const ofPrograms = [
  "memory",
  "processors",
  "fiveLevelPaging",
  "costs",
  "commandLine",
  "modules",
  "boot",
  "floppies",
  "disks",
  "keys",
  "serial",
  "date",
] as const satisfies readonly (keyof LaunchArguments)[];

/**
 * How a program is run, for all scenarios or for one. Files are named relative to the assignment or to the submission; what is not
 * said is as the program says, else as usual.
 */
export interface RunFields
  extends Pick<LaunchArguments, (typeof ofPrograms)[number] | "technique" | "scheduler" | "seed"> {
  /** Source, kernel or disk image: a file of the submission, or a given one that includes it. Default: the first of `files`. */
  readonly program?: string;
  /** A machine file that is run instead of a program: its VMs' programs, or its models. */
  readonly machine?: string;
  readonly limit?: Limit;
}

/** Where a run ends at the latest. */
export interface Limit {
  /** Steps of the machine. */
  readonly steps?: number;
  /** Virtual time in cycles. */
  readonly cycles?: number;
}

export interface Scenario extends RunFields {
  readonly name: string;
  /** For people: what is different here. */
  readonly title?: string;
}

/** A value that differs from student to student. `${name}` stands for it. */
export interface Parameter {
  readonly name: string;
  readonly from?: number;
  readonly to?: number;
  /** Notation of a number. Default decimal. */
  readonly as?: "decimal" | "hexadecimal";
  readonly oneOf?: readonly (string | number)[];
}

/** What of the checks' events is meant: all conditions together. */
interface EventFields {
  /** Label before and label after the code whose events are meant: by the address of the instruction at hand. */
  readonly within?: readonly string[];
  /** Pattern of what the event says of itself, as `ringside trace` prints it. */
  readonly about?: string;
  /** "<= 3", "== 0", …; default ">= 1". */
  readonly count?: string;
}

interface NamedEvents<K extends string> extends EventFields {
  readonly kind: K;
  /** One name, or several that count together. Default: all. */
  readonly name?: string | readonly string[];
  /** Names in the order in which they must come; others may be in between. */
  readonly order?: readonly string[];
  /** With `order`: nothing else may be in between, before or after. */
  readonly exactly?: boolean;
}

/** A moment of a run: a label that is reached, or the end. */
interface MomentFields {
  /** Label; default: the end of the run. */
  readonly at?: string;
  /** Which time the label is reached, from 1 (default); `last`; or `every`. */
  readonly visit?: number | "last" | "every";
}

export type EventPredicate =
  | NamedEvents<"exits">
  | NamedEvents<"hypercalls">
  | NamedEvents<"exceptions">
  | NamedEvents<"injections">
  | NamedEvents<"interrupts">
  | NamedEvents<"shadow">
  | NamedEvents<"translations">
  | NamedEvents<"io">
  | (NamedEvents<"ept"> & { readonly access?: "read" | "write" | "execute" });

export interface TextPredicate {
  readonly kind: "output" | "screen";
  /** Of `output`: only what this device printed. */
  readonly device?: string;
  readonly equals?: string;
  readonly contains?: string;
  readonly matches?: string;
}

export interface StatePredicate extends MomentFields {
  readonly kind: "state";
  /** Expression over registers, flags, labels and memory, as in the debugger: "eax == 5 && [counter] > 2". */
  readonly holds: string;
}

export interface MemoryPredicate extends MomentFields {
  readonly kind: "memory";
  /** Expression; a label is its address. */
  readonly address: string;
  readonly space?: "linear" | "guest-physical" | "host-physical";
  /** Hexadecimal bytes: "48 65 6c"; or characters. */
  readonly bytes?: string;
  readonly text?: string;
}

export interface TranslationPredicate extends MomentFields {
  readonly kind: "translation";
  /** Expressions: the linear address in the guest, and what it must be translated to. */
  readonly gva: string;
  readonly gpa?: string;
  readonly hpa?: string;
  readonly mapped?: boolean;
  readonly writable?: boolean;
  readonly user?: boolean;
  readonly executable?: boolean;
  /** Memory references of the walk with nothing cached: "== 24". */
  readonly references?: string;
}

export interface InstructionsPredicate {
  readonly kind: "instructions";
  readonly forbidden?: readonly string[];
  readonly required?: readonly string[];
  readonly within?: readonly string[];
  /** Default: all but the given ones. */
  readonly files?: readonly string[];
}

export interface SensitivePredicate {
  readonly kind: "sensitive";
  /** Default: that of the scenario. */
  readonly technique?: TechniqueId;
  readonly within?: readonly string[];
}

export interface EquivalencePredicate {
  readonly kind: "equivalence";
  /** Instructions compared at most. */
  readonly instructions?: number;
}

export const scheduleMeasures = [
  "share",
  "due",
  "error",
  "latency-median",
  "latency-p95",
  "latency-p99",
  "latency-most",
  "switches",
  "migrations",
  "rounds",
  "spun",
  "utilisation-deviation",
  "jain",
  "context-switches",
] as const;

export interface SchedulePredicate {
  readonly kind: "schedule";
  readonly measure: (typeof scheduleMeasures)[number];
  /** "A" or "A/0"; measures of a VM are those of each of its vCPUs. Not for measures of the whole host. */
  readonly of?: string;
  readonly is: string;
}

export interface CoveragePredicate {
  readonly kind: "coverage";
  /** Labels that must have been reached. */
  readonly labels?: readonly string[];
  /** A file whose lines with instructions must have run, and how many of them, in percent. */
  readonly lines?: string;
  readonly percent?: string;
}

export const costMeasures = ["cycles", "steps", "instructions", "exits", "references"] as const;

export interface CostPredicate {
  readonly kind: "cost";
  readonly measure: (typeof costMeasures)[number];
  /** "<= 50000"; with `relativeTo`, a factor: "<= 0.5". */
  readonly is: string;
  /** Name of another scenario. */
  readonly relativeTo?: string;
}

export interface KeptPredicate {
  readonly kind: "kept";
  /** A JSON file that is handed in, such as a machine file. */
  readonly file: string;
  /** Paths of fields, such as "vms.*.workload". */
  readonly fields: readonly string[];
}

export interface StopPredicate {
  readonly kind: "stop";
  readonly reason: string | readonly string[];
  /** Pattern of the sentence that says why. */
  readonly about?: string;
}

interface Groups {
  /** Scenario in which it must hold; default: that of the surrounding check, else every one. */
  readonly scenario?: string;
  /** Of a machine file: the VM that is meant. Default: all, or the first for what is about one program. */
  readonly vm?: string;
}

/** What must hold. */
export type Predicate = Groups &
  (
    | EventPredicate
    | TextPredicate
    | StatePredicate
    | MemoryPredicate
    | TranslationPredicate
    | InstructionsPredicate
    | SensitivePredicate
    | EquivalencePredicate
    | SchedulePredicate
    | CoveragePredicate
    | CostPredicate
    | KeptPredicate
    | StopPredicate
    | { readonly kind: "all"; readonly of: readonly Predicate[] }
    | { readonly kind: "any"; readonly of: readonly Predicate[] }
    | { readonly kind: "not"; readonly of: Predicate }
  );

/** A predicate that has no parts. */
export type PlainPredicate = Exclude<Predicate, { readonly kind: "all" | "any" | "not" }>;

export interface Check {
  /** The same for all students and versions. */
  readonly id: string;
  readonly title: string;
  readonly points: number;
  readonly expect: Predicate;
  readonly scenario?: string;
  /** With an `all`: points in proportion to its parts that hold. */
  readonly partial?: boolean;
  /** Students see that there is a check and whether they passed it, nothing else. */
  readonly hidden?: boolean;
  /** What it means that this failed. */
  readonly feedback?: string;
  /** Where to look. */
  readonly hint?: string;
}

/** What `assignment.ringside.json` says; `schema.ts` says what each field is. */
export interface Assignment extends RunFields {
  readonly $schema?: string;
  readonly title: string;
  /** Markdown file. */
  readonly text?: string;
  /** What students hand in. */
  readonly files: readonly string[];
  /** Folder of the files as students get them. */
  readonly starter?: string;
  /** Folder of the files as they should be; not given to students. */
  readonly solution?: string;
  /** The instructor's own: what submissions have by these names is not used. */
  readonly given?: readonly string[];
  readonly edition?: string;
  readonly parameters?: readonly Parameter[];
  readonly scenarios?: readonly Scenario[];
  readonly checks: readonly Check[];
}
