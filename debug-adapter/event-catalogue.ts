/** Everything that a machine can report, in folders: what event breakpoints can be set on. Derived from the lists of the emulator. */
import type { OperatingMode } from "../emulator/cpu/environment.ts";
import { exceptionName, exceptionVectors } from "../emulator/cpu/exception-names.ts";
import { vectorName } from "../emulator/cpu/fault.ts";
import { firmwarePrefix, portDeviceNames } from "../emulator/devices/device-names.ts";
import { flushCauses, pageSizes, walkFaults } from "../emulator/mmu/translation-events.ts";
import type { ScheduleKind } from "../emulator/schedule/schedule-event.ts";
import { exitCodes } from "../emulator/svm/exit-codes.ts";
import { nestedPageFault } from "../emulator/svm/exit-information.ts";
import type { EventKind, LocalSource, MachineEvent, StopReason } from "../emulator/trace/event.ts";
import { shadowClasses } from "../emulator/vmm/memory/shadow-classes.ts";
import { hypercalls as xenHypercalls } from "../emulator/vmm/xen/hypercalls.ts";
import { type BitLayout, hex, yesNo } from "../emulator/vmx/bit-layout.ts";
import { exitReasons, instructionErrors } from "../emulator/vmx/exit-reasons.ts";
import { eptViolation } from "../emulator/vmx/qualification.ts";
import { kvmHypercalls } from "../isa/hypercalls.ts";
import { type Technique, type TechniqueId, techniqueById } from "../isa/technique.ts";

/** When a breakpoint looks at the guest: before the VMM (or the processor) acts on what happened, or after it has. */
export type Stage = "before" | "after";

/** A class of events. */
export interface EventLeaf {
  /** Unique in its folder. */
  readonly key: string;
  readonly label: string;
  readonly detail?: string;
}

/** Classes that belong together. */
export interface EventFolder {
  readonly id: string;
  readonly label: string;
  readonly kinds: readonly EventKind[];
  /** The stage of breakpoints that say none. */
  readonly stage: Stage;
  /** The techniques under which any of it can happen. */
  readonly where: (technique: Technique) => boolean;
  readonly leaves: readonly EventLeaf[];
  /** The reason of the exits in a class; undefined where they have any. */
  readonly reasonOf?: (key: string) => string | undefined;
  /** What a class by number is called, where there are too many to list: a port, a vector. */
  readonly number?: string;
  /** Keys of the classes that an event of these kinds belongs to. */
  readonly keysOf: (event: MachineEvent) => readonly string[];
}

type Of<K extends EventKind> = Extract<MachineEvent, { kind: K }>;

interface Row<K extends EventKind> extends Omit<EventFolder, "kinds" | "keysOf" | "where" | "stage" | "number"> {
  readonly kinds: readonly [K, ...K[]];
  readonly stage?: Stage;
  readonly where?: EventFolder["where"];
  /** The classes of an event; what is not among the leaves is `otherwise`. */
  readonly keys: (event: Of<K>) => readonly string[];
  readonly otherwise?: string;
  readonly number?: { readonly noun: string; readonly of: (event: Of<K>) => number | undefined };
}

const others = "other";

export const numberKey = (number: number): string => `#${number.toString(16).toUpperCase()}h`;
const numberPattern = /^#[\dA-F]+h$/;

function folder<K extends EventKind>(row: Row<K>): EventFolder {
  const { keys, otherwise, number, stage = "after", where = () => true, leaves, ...rest } = row;
  const listed = new Set(leaves.map(({ key }) => key));
  return {
    ...rest,
    stage,
    where,
    leaves: otherwise === undefined ? leaves : [...leaves, { key: others, label: otherwise }],
    ...(number ? { number: number.noun } : {}),
    keysOf: (event) => {
      const own = event as Of<K>;
      const known = keys(own).filter((key) => listed.has(key));
      const counted = number?.of(own);
      return [
        ...(known.length > 0 || otherwise === undefined ? known : [others]),
        ...(counted === undefined ? [] : [numberKey(counted)]),
      ];
    },
  };
}

/** Leaves out of a list in which every member of a type has its text. */
const rows = <K extends string>(texts: Readonly<Record<K, string>>): readonly EventLeaf[] =>
  Object.entries<string>(texts).map(([key, label]) => ({ key, label }));

const isVtx = ({ kernel }: Technique): boolean => kernel === "vmx-non-root" || kernel === "native";
const isSvm = ({ kernel }: Technique): boolean => kernel === "svm-guest";
const isSoftware = (technique: Technique): boolean => !isVtx(technique) && !isSvm(technique);
const isShadow = ({ memory }: Technique): boolean => memory === "shadow";
const isXen = ({ kernel }: Technique): boolean => kernel === "hypercalls";
const isNested = ({ memory }: Technique): boolean => memory === "nested";
/** The guest can be a hypervisor itself, with EPT of its own. */
const hasEpt = (technique: Technique): boolean =>
  technique.kernel === "native" || (isVtx(technique) && isNested(technique));
/** Binary translation where it cannot translate, VT-x without unrestricted guest. */
const interprets = ({ kernel, memory }: Technique): boolean =>
  kernel === "translated" || (kernel === "vmx-non-root" && memory === "shadow");

const exitUnder =
  (holds: (technique: Technique) => boolean) =>
  ({ technique, reason }: Of<"exit">): readonly string[] =>
    holds(techniqueById(technique)!) ? [reason] : [];

/** What a folder of hypercalls has, whoever answers them. */
const ofHypercalls = (
  calls: readonly { readonly number: number; readonly name: string; readonly doc: string }[],
): Pick<Row<"hypercall">, "kinds" | "leaves" | "keys" | "otherwise"> => ({
  kinds: ["hypercall"],
  leaves: calls.map(({ number, name, doc }) => ({ key: `${number}`, label: name, detail: `${number}: ${doc}` })),
  keys: ({ number }) => [number],
  otherwise: "unknown numbers",
});

/** Classes by the bits of a word: a yes or no is one if it is yes, others one for each of their two values. */
const bitLeaves = (layout: BitLayout): readonly EventLeaf[] =>
  layout.flatMap(({ name, text }) =>
    [0n, 1n]
      .filter((value) => text !== yesNo || value === 1n)
      .map((value) => ({ key: `${name}: ${text(value)}`, label: text === yesNo ? name : `${name} ${text(value)}` })),
  );
const bitKeys =
  (reason: string, prefix = "") =>
  (event: Of<"exit">): readonly string[] =>
    event.reason === reason ? event.fields.map(({ name, value }) => `${name.replace(prefix, "")}: ${value}`) : [];

/** Traps that are no exceptions, under techniques whose exits have no numbers. */
const traps = rows({
  INTR: "interrupt of the machine",
  NMI: "NMI of the machine",
  "INT 82h": "hypercall of a 32-bit guest of Xen",
  SYSCALL: "hypercall of a 64-bit guest of Xen, or a system call",
  TIMER: "timer of Xen",
  EVENT_CHECK: "event for a vCPU that runs",
  callout: "callout of translated code",
  translate: "code without a chained translation",
}).map(({ key, label }) => ({ key, label: key, detail: label }));

const byVector = (name: (vector: number) => string): readonly EventLeaf[] =>
  exceptionVectors.map((vector) => ({ key: `${vector}`, label: name(vector), detail: `vector ${vector}` }));

const localSources: Readonly<Record<LocalSource, string>> = {
  "local timer": "timer of the local APIC",
  "local error": "error of the local APIC",
  message: "message of a processor",
};
const irqs = Array.from({ length: 16 }, (_, irq) => ({ key: `${irq}`, label: `IRQ ${irq}` }));
const modes: Readonly<Record<OperatingMode, string>> = {
  real: "to real mode",
  "virtual-8086": "to virtual-8086 mode",
  protected: "to protected mode",
  compatibility: "to compatibility mode",
  long: "to 64-bit mode",
};

const cacheEvents = {
  translate: "a unit is translated",
  chain: "units are chained",
  invalidate: "units are invalidated",
  adapt: "a store becomes a callout, or itself again",
} satisfies Partial<Record<EventKind, string>>;

const decisions: Readonly<Record<ScheduleKind, string>> = {
  switch: "another vCPU runs",
  keep: "the same vCPU goes on",
  idle: "a physical CPU has nothing to run",
  wake: "a vCPU wakes",
  block: "a vCPU blocks",
  yield: "a vCPU yields",
  plug: "a vCPU is plugged in",
  unplug: "a vCPU is unplugged",
  adjust: "parameters are changed",
  account: "credit is handed out",
  park: "a vCPU has reached its cap",
  unpark: "a vCPU may run again",
  boost: "a priority is raised",
  steal: "work is taken from a peer",
  replenish: "a budget is filled again",
  slot: "a slot begins",
};

/** How a guest can end. */
export const ends: Readonly<Record<StopReason, string>> = {
  halted: "Halted",
  "triple-fault": "Triple fault",
  shutdown: "Switched off",
  reset: "Reset",
  "vm-entry-failure": "VM entry failed",
  "vmx-abort": "VMX abort",
  unsupported: "Not supported",
  "ran-off-code": "Ran off the code",
  "debug-exit": "Finished",
  "time-limit": "End of the set time",
};

const invalid = "invalid";

export const eventFolders: readonly EventFolder[] = [
  folder({
    id: "vtx",
    label: "VM Exits: VT-x",
    kinds: ["exit"],
    stage: "before",
    where: isVtx,
    leaves: exitReasons.map(({ name, number }) => ({ key: name, label: name, detail: `reason ${number}` })),
    keys: exitUnder(isVtx),
    reasonOf: (key) => key,
  }),
  folder({
    id: "svm",
    label: "VM Exits: AMD-V",
    kinds: ["exit"],
    stage: "before",
    where: isSvm,
    leaves: exitCodes.map(({ name, number }) => ({ key: name, label: name, detail: `code ${hex(number)}` })),
    keys: exitUnder(isSvm),
    reasonOf: (key) => key,
  }),
  folder({
    id: "trap",
    label: "Traps to the VMM",
    kinds: ["exit"],
    stage: "before",
    where: isSoftware,
    leaves: [...exceptionVectors.map((vector) => ({ key: vectorName(vector), label: vectorName(vector) })), ...traps],
    keys: exitUnder(isSoftware),
    reasonOf: (key) => (key === others ? undefined : key),
    otherwise: "others",
  }),
  folder({
    id: "ept",
    label: "EPT Violations",
    kinds: ["exit"],
    stage: "before",
    where: hasEpt,
    leaves: bitLeaves(eptViolation),
    keys: bitKeys("EPT_VIOLATION"),
    reasonOf: () => "EPT_VIOLATION",
  }),
  folder({
    id: "npt",
    label: "Nested Page Faults",
    kinds: ["exit"],
    stage: "before",
    where: (technique) => isSvm(technique) && isNested(technique),
    leaves: bitLeaves(nestedPageFault),
    keys: bitKeys("VMEXIT_NPF", "EXITINFO1: "),
    reasonOf: () => "VMEXIT_NPF",
  }),
  folder({
    id: "entry",
    label: "VM Entries",
    kinds: ["entry"],
    leaves: rows({ first: "first entry", again: "after an exit" }),
    keys: ({ exit }) => [exit === 0 ? "first" : "again"],
  }),
  folder({
    id: "vmfail",
    label: "VMX Failures",
    kinds: ["vmfail", "lint"],
    where: ({ kernel }) => kernel === "native",
    leaves: [
      ...Object.entries(instructionErrors).map(([key, label]) => ({ key, label, detail: `error ${key}` })),
      ...rows({ [invalid]: "VMfailInvalid", lint: "hardly meant" }),
    ],
    keys: (event) => [event.kind === "lint" ? "lint" : `${event.error ?? invalid}`],
  }),
  folder({
    id: "xen",
    label: "Hypercalls: Xen",
    where: isXen,
    ...ofHypercalls(xenHypercalls),
  }),
  folder({
    id: "kvm",
    label: "Hypercalls: KVM",
    where: ({ kernel }) => kernel === "vmx-non-root" || kernel === "svm-guest",
    ...ofHypercalls(kvmHypercalls),
  }),
  folder({
    id: "exception",
    label: "Exceptions of the Guest",
    kinds: ["exception"],
    stage: "before",
    leaves: byVector(exceptionName),
    keys: ({ vector }) => [`${vector}`],
    otherwise: "others",
  }),
  folder({
    id: "interrupt",
    label: "Interrupts",
    kinds: ["interrupt"],
    leaves: [...irqs, ...rows(localSources)],
    keys: ({ irq, by }) => [by ?? `${irq}`],
    otherwise: "other inputs of the I/O APIC",
    number: { noun: "vector", of: ({ vector }) => vector },
  }),
  folder({
    id: "inject",
    label: "Injections",
    kinds: ["inject"],
    leaves: [...byVector(vectorName), { key: "-1", label: "upcall of Xen" }],
    keys: ({ vector }) => [`${vector}`],
    otherwise: "interrupts",
    number: { noun: "vector", of: ({ vector }) => (vector < 0 ? undefined : vector) },
  }),
  folder({
    id: "shadow",
    label: "Shadow Paging",
    kinds: ["shadow"],
    where: isShadow,
    leaves: shadowClasses.map(({ id, condition }) => ({ key: id, label: id, detail: condition })),
    keys: (event) => [event.class],
  }),
  folder({
    id: "cache",
    label: "Translation Cache",
    kinds: ["translate", "chain", "invalidate", "adapt"],
    where: ({ kernel }) => kernel === "translated",
    leaves: rows(cacheEvents),
    keys: ({ kind }) => [kind],
  }),
  folder({
    id: "interpret",
    label: "Interpretation by the VMM",
    kinds: ["interpret"],
    where: interprets,
    leaves: rows({ begin: "begins", end: "ends" }),
    keys: ({ instructions }) => [instructions === 0 ? "begin" : "end"],
  }),
  folder({
    id: "io",
    label: "Device I/O",
    kinds: ["io"],
    leaves: [
      ...portDeviceNames.map((name) => ({ key: name, label: name })),
      { key: firmwarePrefix, label: "BIOS" },
      { key: "none", label: "no device" },
    ],
    keys: ({ device }) => [device.startsWith(firmwarePrefix) ? firmwarePrefix : device],
    number: { noun: "port", of: ({ port }) => port },
  }),
  folder({
    id: "console",
    label: "Console and Screen",
    kinds: ["output", "screen"],
    leaves: rows({ UART: "text from the UART", "debug console": "text from the debug console", screen: "the screen" }),
    keys: (event) => [event.kind === "screen" ? "screen" : event.device],
  }),
  folder({
    id: "mode",
    label: "Mode Changes",
    kinds: ["mode"],
    leaves: rows(modes),
    keys: ({ to }) => [to],
  }),
  folder({
    id: "schedule",
    label: "Scheduling",
    kinds: ["schedule"],
    leaves: Object.entries({ ...decisions, migrate: "a vCPU runs on another physical CPU than last" }).map(
      ([key, detail]) => ({ key, label: key, detail }),
    ),
    keys: ({ what, movedFrom }) => [what, ...(movedFrom === undefined ? [] : ["migrate"])],
  }),
  folder({
    id: "tlb",
    label: "TLB",
    kinds: ["tlb"],
    leaves: [
      ...rows({ fill: "a translation is taken up" }),
      ...pageSizes.map((size) => ({ key: size, label: `fill: page of ${size}` })),
      ...rows({ global: "fill: global", nested: "fill: through nested paging" }),
      ...rows({ flush: "translations are forgotten" }),
      ...Object.entries(flushCauses).map(([key, detail]) => ({ key, label: `flush: ${key}`, detail })),
      ...rows({ remote: "flush: of another vCPU, by the VMM" }),
    ],
    keys: (event) =>
      event.what === "fill"
        ? ["fill", event.size, event.global ? "global" : "", event.nested ? "nested" : ""]
        : ["flush", event.cause, event.on === undefined ? "" : "remote"],
  }),
  folder({
    id: "walk",
    label: "Page Walks",
    kinds: ["paging"],
    leaves: [
      ...Object.entries(walkFaults).map(([key, detail]) => ({ key, label: `fault: ${key}`, detail })),
      ...rows({ accessed: "an accessed flag is set", dirty: "a dirty flag is set" }),
    ],
    keys: (event) =>
      event.what === "fault" ? [event.reason] : [event.accessed ? "accessed" : "", event.dirty ? "dirty" : ""],
  }),
  folder({
    id: "stop",
    label: "End of the Guest",
    kinds: ["stop"],
    leaves: rows(ends),
    keys: ({ reason }) => [reason],
  }),
];

/** Why there is nothing of a folder under a technique, without a full stop; undefined where there may be. */
export const absentUnder = ({ where, label }: EventFolder, technique: TechniqueId): string | undefined =>
  where(techniqueById(technique)!) ? undefined : `Nothing of "${label}" happens under ${technique}`;

export const leafId = (folder: Pick<EventFolder, "id">, key: string): string => `${folder.id}/${key}`;

const foldersById = new Map(eventFolders.map((row) => [row.id, row]));
const foldersByKind = new Map<EventKind, EventFolder[]>();
for (const row of eventFolders)
  for (const kind of row.kinds) foldersByKind.set(kind, [...(foldersByKind.get(kind) ?? []), row]);

/** The classes that an event belongs to, by their ids. */
export function classesOf(event: MachineEvent, technique: TechniqueId): readonly string[] {
  const found = foldersByKind.get(event.kind) ?? [];
  return found
    .filter(({ where }) => where(techniqueById(technique)!))
    .flatMap((row) => row.keysOf(event).map((key) => leafId(row, key)));
}

/** A class by its id; undefined if there is none. */
export function classById(id: string): { readonly folder: EventFolder; readonly leaf: EventLeaf } | undefined {
  const at = id.indexOf("/");
  const found = foldersById.get(id.slice(0, at));
  const key = id.slice(at + 1);
  const leaf = found?.leaves.find((row) => row.key === key);
  if (found && leaf) return { folder: found, leaf };
  if (!found?.number || !numberPattern.test(key)) return undefined;
  return { folder: found, leaf: { key, label: `${found.number} ${key.slice(1)}` } };
}
