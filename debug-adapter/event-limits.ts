/** What a machine can never report, and why: what its technique, its processor or its configuration rule out. */
import type { ComputerConfiguration } from "../emulator/configuration/machine-configuration.ts";
import { vmmIntercepts } from "../emulator/vmm/cpu/vmcb-setup.ts";
import { vmmControls } from "../emulator/vmm/cpu/vmcs-setup.ts";
import { controls } from "../emulator/vmx/controls.ts";
import { controlsFor } from "../emulator/vmx/exit-controls.ts";
import { type Technique, techniqueById, techniques } from "../isa/technique.ts";
import { type EventBreakpoint, type EventBreakpointStatus, problemOf } from "./event-breakpoints.ts";
import { absentUnder, classById, type EventFolder, eventFolders, leafId } from "./event-catalogue.ts";
import type { Requests } from "./protocol.ts";

/** Why there are no such events, as the beginning of a sentence, and what to do about it beside choosing another technique. */
interface Absence {
  readonly why: string;
  readonly remedy?: string;
}

type Judge = (computer: ComputerConfiguration, key: string) => Absence | undefined;

/** Classes of a folder, all unless keys are named, and when there are none of them. */
interface Limit {
  readonly folder: string;
  readonly keys?: readonly string[];
  readonly judge: Judge;
}

const techniqueOf = ({ technique }: ComputerConfiguration): Technique => techniqueById(technique)!;

const unless =
  (isThere: (computer: ComputerConfiguration) => boolean, why: string, remedy?: string): Judge =>
  (computer) =>
    isThere(computer) ? undefined : { why, ...(remedy && { remedy }) };

const isNative = (computer: ComputerConfiguration): boolean => techniqueOf(computer).kernel === "native";
const isXen = (computer: ComputerConfiguration): boolean => techniqueOf(computer).kernel === "hypercalls";
const isDeprivileged = (computer: ComputerConfiguration): boolean => techniqueOf(computer).kernel === "deprivileged";
const isTranslated = (computer: ComputerConfiguration): boolean => techniqueOf(computer).kernel === "translated";
const memoryOf = (computer: ComputerConfiguration) => (techniqueOf(computer).memory === "nested" ? "nested" : "shadow");

const pauseRemedy = 'give the machine file a "pauseLoop"';

/** Exits of VT-x: of reasons that the processor has, under the built-in VMM by its controls. */
const vtxExit: Judge = (computer, reason) => {
  const deciding = controlsFor(reason);
  if (!deciding) return { why: `The emulated processor has nothing that exits for ${reason}` };
  if (isNative(computer)) return undefined;
  if (reason === "INIT" || reason === "SIPI")
    return { why: "INIT and start-up messages of the processor itself never come to a guest of the built-in VMM" };
  if (reason === "EXCEPTION_NMI" && memoryOf(computer) === "nested")
    return { why: "With EPT the built-in VMM leaves exceptions and NMIs to its guest: the exception bitmap is 0" };
  const inForce = vmmControls(memoryOf(computer), computer.hypervisor ?? {});
  if (deciding.length === 0 || deciding.some((name) => inForce.has(name))) return undefined;
  const names = deciding.map((name) => `"${controls[name].name}"`).join(" and ");
  return { why: `The built-in VMM leaves ${names} off`, ...(reason === "PAUSE" && { remedy: pauseRemedy }) };
};

/** Exits of AMD-V: there are but those that the built-in VMM intercepts, nested page faults, and entries that fail. */
const svmExit: Judge = (computer, code) => {
  if (code === "VMEXIT_INVALID") return undefined;
  const memory = memoryOf(computer);
  if (code === "VMEXIT_NPF")
    return memory === "nested" ? undefined : { why: "Without nested paging there are no nested page faults" };
  const name = code.replace("VMEXIT_", "");
  if (vmmIntercepts(memory, computer.hypervisor ?? {}).has(name)) return undefined;
  return { why: `The built-in VMM does not intercept ${name}`, ...(name === "PAUSE" && { remedy: pauseRemedy }) };
};

/** Notes of schedulers, by those that make them. */
const notes = {
  account: ["credit", "credit2"],
  boost: ["credit"],
  steal: ["credit"],
  replenish: ["rtds", "sedf"],
  slot: ["gang"],
} as const;

const scheduler =
  (names: readonly string[]): Judge =>
  ({ host }) =>
    !host || names.includes(host.scheduler.name)
      ? undefined
      : {
          why: `The scheduler "${host.scheduler.name}" does not do that`,
          remedy: `choose ${listed(names.map((name) => `"${name}"`))} as the scheduler`,
        };

const xenTraps = "Only Xen's guests make such traps";
const translatedTraps = "Only translated code makes such traps";
const ownHypervisor = "The built-in VMM does nothing that has this effect";

const limits: readonly Limit[] = [
  { folder: "vtx", judge: vtxExit },
  { folder: "svm", judge: svmExit },
  { folder: "trap", keys: ["INT 82h", "SYSCALL", "TIMER", "EVENT_CHECK"], judge: unless(isXen, xenTraps) },
  { folder: "trap", keys: ["callout", "translate"], judge: unless(isTranslated, translatedTraps) },
  {
    folder: "exception",
    judge: unless(
      (computer) => !isXen(computer),
      "Exceptions of a paravirtual guest all go to Xen, which passes them on",
      'look at "Traps to the VMM" and "Injections" instead',
    ),
  },
  {
    folder: "interrupt",
    judge: unless(
      (computer) => !isXen(computer),
      "A paravirtual guest has no interrupts, but event channels",
      'look at "Injections", upcall of Xen, instead',
    ),
  },
  { folder: "inject", keys: ["-1"], judge: unless(isXen, "Only Xen has upcalls") },
  {
    folder: "io",
    keys: ["BIOS, "],
    judge: unless(
      ({ vms }) => vms.some(({ boot }) => boot !== undefined),
      "There is a BIOS only in a machine that boots from a disk",
      "debug a boot sector or a disk image",
    ),
  },
  {
    folder: "shadow",
    keys: ["SMAP"],
    judge: unless(isDeprivileged, "Only a kernel that is at CPL 3 together with its processes needs that"),
  },
  { folder: "shadow", keys: ["dirty-log"], judge: () => ({ why: "Nobody asks the VMM here which pages are written" }) },
  {
    folder: "schedule",
    judge: unless(
      ({ host }) => host !== undefined,
      "Each vCPU has a physical CPU for itself here, and nothing is scheduled",
      'debug a machine file with a "host" and a "scheduler"',
    ),
  },
  {
    folder: "schedule",
    keys: ["migrate"],
    judge: unless(
      ({ host }) => !host || host.pcpus > 1,
      "There is one physical CPU, so that no vCPU can run on another",
      'give the host more "pcpus"',
    ),
  },
  ...Object.entries(notes).map(([key, names]) => ({ folder: "schedule", keys: [key], judge: scheduler(names) })),
  {
    folder: "stop",
    keys: ["time-limit"],
    judge: unless(
      ({ host }) => host?.until !== undefined,
      "No end is set",
      'give a machine file with a "host" a "duration"',
    ),
  },
  {
    folder: "stop",
    keys: ["vmx-abort"],
    judge: unless(isNative, "Only exits to a hypervisor that is a guest itself can fail so"),
  },
  { folder: "tlb", keys: ["remote"], judge: unless((computer) => !isNative(computer), "There is no VMM") },
  {
    folder: "tlb",
    keys: ["remote"],
    judge: unless(
      ({ vms }) => vms.some(({ processors = 1 }) => processors > 1),
      "No VM has more than one vCPU",
      'give one more: "processors", or "vcpus" in a machine file',
    ),
  },
  {
    folder: "tlb",
    keys: ["nested"],
    judge: unless(
      (computer) => isNative(computer) || techniqueOf(computer).memory === "nested",
      "There is no nested paging",
    ),
  },
  { folder: "tlb", keys: ["INVEPT", "INVVPID", "VMFUNC"], judge: unless(isNative, ownHypervisor) },
  {
    folder: "tlb",
    keys: ["TLB_CONTROL"],
    judge: unless((computer) => techniqueOf(computer).kernel === "svm-guest", "Only AMD-V has TLB_CONTROL"),
  },
];

function absenceOf(row: EventFolder, key: string, computer: ComputerConfiguration): Absence | undefined {
  const why = absentUnder(row, computer.technique);
  if (why !== undefined) return { why };
  for (const { folder, keys, judge } of limits) {
    const absence = folder === row.id && (keys?.includes(key) ?? true) ? judge(computer, key) : undefined;
    if (absence) return absence;
  }
  return undefined;
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** Of what only a hypervisor brings about, there is some on the bare machine if the guest is one. */
const ofHypervisors: ReadonlySet<string> = new Set(["exit", "entry", "vmfail"]);

/** The techniques that would help, as something to do. */
function otherTechniques(folder: EventFolder, key: string, computer: ComputerConfiguration): string | undefined {
  const helping = techniques
    .filter(({ id, kernel }) => !(kernel === "native" && computer.host) && id !== computer.technique)
    .filter(({ id }) => !absenceOf(folder, key, { ...computer, technique: id }))
    .map(({ id, kernel }) =>
      kernel === "native" && ofHypervisors.has(folder.kinds[0]!) ? `${id} for a guest that is a hypervisor itself` : id,
    );
  return helping.length === 0 ? undefined : `choose ${listed(helping)}`;
}

/** Why a class of events never comes from a computer, with what to do about it; undefined where it may. */
export function limitOf(event: string, computer: ComputerConfiguration): string | undefined {
  const found = classById(event);
  const absence = found && absenceOf(found.folder, found.leaf.key, computer);
  if (!absence) return undefined;
  const remedy = absence.remedy ?? otherTechniques(found.folder, found.leaf.key, computer);
  return `${absence.why}${remedy === undefined ? "" : `: ${remedy}`}.`;
}

/** Why there is nothing where a breakpoint looks; undefined if there is. */
function scopeProblem({ vm, vcpu }: EventBreakpoint, { vms }: ComputerConfiguration): string | undefined {
  const meant = vms.filter(({ name }) => vm === undefined || name === vm);
  if (meant.length === 0) return `There is no VM "${vm}": choose ${listed(vms.map(({ name }) => name))}.`;
  const most = Math.max(...meant.map(({ processors = 1 }) => processors));
  if (vcpu === undefined || vcpu < most) return undefined;
  return `There is no vCPU ${vcpu}: ${most === 1 ? "the only one is 0" : `choose one from 0 to ${most - 1}`}.`;
}

/** What became of a breakpoint: what is wrong with it, or why it never stops, logs or counts in a computer, where one is known. */
export function statusIn(
  computer: ComputerConfiguration | undefined,
  breakpoint: EventBreakpoint,
): EventBreakpointStatus {
  const { event } = breakpoint;
  const never = () => computer && (limitOf(event, computer) ?? scopeProblem(breakpoint, computer));
  const message = problemOf(breakpoint) ?? never();
  return { event, verified: message === undefined, ...(message === undefined ? {} : { message }) };
}

/** Answers `ringside/eventLimits`. */
export const eventLimits = (computer: ComputerConfiguration): Requests["ringside/eventLimits"]["result"] => ({
  limits: eventFolders.flatMap((folder) =>
    folder.leaves.flatMap(({ key }) => {
      const event = leafId(folder, key);
      const reason = limitOf(event, computer);
      return reason === undefined ? [] : [{ event, reason }];
    }),
  ),
});
