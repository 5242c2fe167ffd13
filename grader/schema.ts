import { endings } from "../assembler/settings.ts";
import { costProfiles, mostMemory } from "../emulator/index.ts";
import { reference } from "../emulator/machine-file/check.ts";
import { flag, kind, object, type Schema } from "../emulator/machine-file/schema.ts";
import { schedulers } from "../emulator/schedule/schedulers.ts";
import { mostProcessors } from "../emulator/virtual-machine/processors.ts";
import { shadowClasses } from "../emulator/vmm/memory/shadow-classes.ts";
import { techniques } from "../isa/technique.ts";
import { costMeasures, scheduleMeasures } from "./assignment.ts";
import { comparisonPattern } from "./comparison.ts";
import { translationKinds } from "./event-names.ts";

const text = (description: string): Schema => ({ type: "string", description });
const pattern = (pattern: string, description: string): Schema => ({ type: "string", pattern, description });
const choice = (description: string, values: readonly string[]): Schema => ({
  type: "string",
  description,
  enum: values,
});
const list = (description: string, items: Schema = { type: "string" }, minItems = 1): Schema => ({
  type: "array",
  description,
  items,
  minItems,
});
const whole = (description: string, minimum: number, maximum?: number): Schema => ({
  type: "integer",
  description,
  minimum,
  ...(maximum !== undefined && { maximum }),
});
/** One text or several. */
const texts = (description: string, item: Schema = { type: "string" }): Schema => ({
  description,
  oneOf: [item, { type: "array", items: item, minItems: 1 }],
});
const comparison = pattern(comparisonPattern, "A comparison with a number, such as <= 3.");
const within: Schema = {
  type: "array",
  items: { type: "string" },
  minItems: 2,
  maxItems: 2,
  description: "Two labels: the first of the code that is meant, and the first after it.",
};
const technique = choice(
  "Virtualization technique.",
  techniques.map(({ id }) => id),
);

const run: Readonly<Record<string, Schema>> = {
  program: text("The program that is run: a file that is handed in, or given. Default: the first of files."),
  machine: text("A machine file that is run instead of a program: its VMs' programs, or its models."),
  scheduler: choice(
    "With a machine file: another scheduler than it names, with its usual options.",
    schedulers.map(({ name }) => name),
  ),
  technique,
  memory: whole("Memory of the guest in MiB.", 1, mostMemory),
  processors: whole("Processors of the guest.", 1, mostProcessors),
  fiveLevelPaging: flag("The processor has 5-level paging."),
  costs: choice(
    "Cost profile of the virtual clock.",
    costProfiles.map(({ name }) => name),
  ),
  commandLine: text("Command line of a kernel."),
  modules: list("Files that are loaded beside a kernel."),
  boot: choice("What a bootable program is put into.", ["floppy", "disk", "none"]),
  floppies: list("Images in the floppy drives."),
  disks: list("Images of the hard disks."),
  keys: text("Typed on the keyboard from the start; {enter}, {wait 500} in braces."),
  serial: text("Typed into the serial port from the start."),
  date: text("What the clock shows at the start."),
  seed: whole("Of a machine file: the order in which vCPUs start.", 0),
  limit: object(
    { steps: whole("Steps of the machine.", 1), cycles: whole("Virtual time in cycles.", 1) },
    [],
    "Where a run ends at the latest.",
  ),
};

const scenarioName = pattern("^[A-Za-z][A-Za-z0-9_-]{0,31}$", "A letter, then up to 31 letters, digits, _ and -.");
const scenario = text("Name of the scenario in which it must hold. Default: every one.");

const vm = text("With a machine file: the VM that is meant. Default: all, or the first for what is about one program.");

const moment: Readonly<Record<string, Schema>> = {
  at: text("A label: the moment before its instruction. Default: the end of the run."),
  visit: {
    description: "Which time the label is reached: a number from 1 (default), last, or every.",
    oneOf: [
      { type: "integer", minimum: 1 },
      { type: "string", enum: ["last", "every"] },
    ],
  },
};

const expectation = (name: string, description: string, fields: Record<string, Schema>, required: string[] = []) =>
  kind(name, description, { scenario, vm, ...fields }, required);

const events = (
  name: string,
  description: string,
  names: Schema = { type: "string" },
  more: Record<string, Schema> = {},
): Schema =>
  expectation(name, description, {
    name: texts("Only those of this name, or of these.", names),
    about: text("A regular expression for what the event says, as ringside trace prints it."),
    within,
    count: { ...comparison, description: "A comparison with how many there are, such as <= 3; default >= 1." },
    order: list("Names in the order in which they must come.", names),
    exactly: flag("With order: there may be no others."),
    ...more,
  });

const printed = { equals: text("All of it."), contains: text("A part."), matches: text("A regular expression.") };

const predicates: readonly Schema[] = [
  expectation("output", "What the guest printed on its consoles.", {
    device: text("Only what this device printed, such as UART."),
    ...printed,
  }),
  expectation("screen", "What the screen shows at the end, its rows as lines.", printed),
  expectation(
    "state",
    "Registers, flags and memory at a moment.",
    { holds: text("An expression as in the debugger, such as eax == 5 && dword [counter] > 2."), ...moment },
    ["holds"],
  ),
  expectation(
    "memory",
    "Bytes of memory at a moment.",
    {
      address: text("An expression; a label is its address."),
      space: choice("Which addresses are meant; default linear.", ["linear", "guest-physical", "host-physical"]),
      bytes: pattern("^([0-9A-Fa-f]{2} *)+$", "Bytes in hexadecimal, such as 48 65 6c."),
      text: text("ASCII characters."),
      ...moment,
    },
    ["address"],
  ),
  events("exits", "VM exits by reason."),
  events("hypercalls", "Hypercalls by name."),
  events("exceptions", "Exceptions in the guest, by name such as #PF."),
  events("injections", "What the VMM put into the guest, by name such as #GP, or by vector such as 20h."),
  events("interrupts", "Hardware interrupts by vector, such as 20h."),
  events("io", "Accesses to ports that reach a device, by port such as 3F8h."),
  events(
    "shadow",
    "Events of the shadow page tables by class.",
    choice(
      "Class.",
      shadowClasses.map(({ id }) => id),
    ),
  ),
  events("translations", "What becomes of units of the translation cache.", choice("", translationKinds)),
  events(
    "ept",
    "EPT violations (nested page faults) and misconfigurations.",
    choice("", ["violation", "misconfiguration"]),
    {
      access: choice("Of violations: what the access was.", ["read", "write", "execute"]),
    },
  ),
  expectation("instructions", "What is written in the program.", {
    forbidden: list("Mnemonics that must not be there."),
    required: list("Mnemonics of which each must be there."),
    within,
    files: list("In which files. Default: all but the given ones."),
  }),
  expectation("sensitive", "No instruction that silently goes wrong under the technique is left.", {
    technique,
    within,
  }),
  expectation(
    "translation",
    "What an address is translated to at a moment.",
    {
      gva: text("Linear address in the guest: an expression."),
      gpa: text("The guest-physical address it must have: an expression."),
      hpa: text("The host-physical address it must have: an expression."),
      mapped: flag("Whether it is translated at all."),
      writable: flag("Whether all tables allow writing."),
      user: flag("Whether the guest's tables allow user mode."),
      executable: flag("Whether all tables allow execution."),
      references: {
        ...comparison,
        description: "A comparison with the memory references with nothing cached, such as == 24.",
      },
      ...moment,
    },
    ["gva"],
  ),
  expectation("equivalence", "The guest finds no difference from the bare machine.", {
    instructions: whole("Instructions compared at most.", 1),
  }),
  expectation(
    "schedule",
    "A figure of the run of a machine file.",
    {
      measure: choice("Which figure.", scheduleMeasures),
      of: text("A vCPU such as A/0, or a VM such as A: each of its vCPUs."),
      is: comparison,
    },
    ["measure", "is"],
  ),
  expectation("coverage", "Code that ran.", {
    labels: list("Labels that must have been reached."),
    lines: text("A file whose lines with instructions must have run."),
    percent: {
      ...comparison,
      description: "A comparison with how many of the lines ran, in percent, such as >= 90; default == 100.",
    },
  }),
  expectation(
    "cost",
    "What the run took under the cost profile.",
    {
      measure: choice("What is counted.", costMeasures),
      is: comparison,
      relativeTo: text("Name of another scenario: the figure is divided by that scenario's."),
    },
    ["measure", "is"],
  ),
  expectation(
    "kept",
    "Fields of a JSON file that is handed in are as in the starter.",
    {
      file: text("Which file, such as a machine file."),
      fields: list("Paths of the fields, such as vms.*.workload; * is every element or field."),
    },
    ["file", "fields"],
  ),
  expectation(
    "stop",
    "How the run ended.",
    {
      reason: texts("How it must end.", choice("", endings)),
      about: text("A regular expression for the sentence that says why."),
    },
    ["reason"],
  ),
  expectation("all", "All parts must hold.", { of: list("The parts.", reference("predicate")) }, ["of"]),
  expectation("any", "One of the parts must hold.", { of: list("The parts.", reference("predicate")) }, ["of"]),
  expectation("not", "The part must not hold.", { of: reference("predicate") }, ["of"]),
];

const parameter = object(
  {
    name: pattern("^[A-Za-z][A-Za-z0-9_]{0,31}$", "A letter, then up to 31 letters, digits and _."),
    from: { type: "integer", description: "The least number." },
    to: { type: "integer", description: "The greatest number." },
    as: choice("How a number is written; hexadecimal is 1Fh.", ["decimal", "hexadecimal"]),
    oneOf: { type: "array", minItems: 1, description: "The values, of which each student gets one." },
  },
  ["name"],
  "A value that differs from student to student.",
);

const check = object(
  {
    id: pattern("^[a-z][a-z0-9-]{0,63}$", "A small letter, then up to 63 small letters, digits and -."),
    title: text("One line for people."),
    points: { type: "number", minimum: 0, description: "What it is worth." },
    expect: reference("predicate"),
    scenario,
    partial: flag("Points in proportion to the parts of an all that hold."),
    hidden: flag("Students see only that there is such a check, and whether they passed it."),
    feedback: text("What it means that this failed."),
    hint: text("Where to look."),
  },
  ["id", "title", "points", "expect"],
);

/** What an assignment may say. The editor's completion, the validator and the documentation follow it. */
export const assignmentSchema: Schema = {
  ...object(
    {
      $schema: text("The schema, for editors that need to be told."),
      title: text("One line for people."),
      text: text("Markdown file: what is to be done."),
      files: list("What students hand in."),
      starter: text("Folder of these files as students get them. Default: where the assignment is."),
      solution: text("Folder of these files as they should be; not for students."),
      given: list("Files of the instructor that programs use: a submission's own by these names are not used."),
      edition: text("Any text. With another, students get other parameters."),
      parameters: { type: "array", items: parameter },
      ...run,
      scenarios: {
        type: "array",
        minItems: 1,
        items: object({ name: scenarioName, title: text("What is different here."), ...run }, ["name"]),
        description: "Runs of the program, each with what differs. Default: one run.",
      },
      checks: { type: "array", items: check, minItems: 1 },
    },
    ["title", "files", "checks"],
  ),
  definitions: { predicate: { description: "What must hold.", oneOf: predicates } },
};
