import { bootChoices } from "../debug-adapter/boot.ts";
import type { LaunchArguments } from "../debug-adapter/protocol.ts";
import type { Overrides } from "../emulator/machine-file/read.ts";
import { schedulers } from "../emulator/schedule/schedulers.ts";
import { type TechniqueId, techniqueById, techniques } from "../isa/technique.ts";
import { type Arguments, type Option, wholeNumber } from "./command.ts";
import { UsageError } from "./exit-code.ts";

/** Options that several commands share, with one meaning. */
export const techniqueOption: Option = {
  value: "T",
  doc: `virtualization technique: ${techniques.map(({ id }) => id).join(", ")}`,
};
export const includeOption: Option = {
  short: "I",
  value: "DIR",
  multiple: true,
  doc: "also look for %include files in DIR",
};
export const jsonOption: Option = { doc: "print JSON instead of text" };

/** Steps after which `run` and `trace` stop by themselves. */
export const defaultSteps = 20_000_000;
export const stepsOption: Option = {
  value: "N",
  doc: `stop after N steps of the machine (default ${defaultSteps.toLocaleString("en")}); then the exit code is 4`,
};
const processorsOption: Option = { value: "N", doc: "processors of the guest, 1 to 64 (default 1)" };
const fiveLevelOption: Option = { doc: "give the processor 5-level paging" };
const memoryOption: Option = { value: "MIB", doc: "memory of the guest, 1 to 1024 MiB (default 16)" };

const commandLineOption: Option = { value: "TEXT", doc: "command line for a kernel (ELF or Multiboot)" };
const moduleOption: Option = { value: "FILE", multiple: true, doc: "load FILE beside a kernel" };

const bootOption: Option = {
  value: "DRIVE",
  doc: "what a bootable program is put into: floppy, disk, or none (by default what it looks like)",
};
const floppyOption: Option = { value: "FILE", multiple: true, doc: "image in the next floppy drive" };
const diskOption: Option = { value: "FILE", multiple: true, doc: "image of the next hard disk" };
const keysOption: Option = { value: "TEXT", doc: "type TEXT on the keyboard; {enter}, {ctrl+c}, {wait 500} in braces" };
const serialOption: Option = { value: "TEXT", doc: "type TEXT into the serial port; - for standard input, to its end" };
const dateOption: Option = { value: "DATE", doc: "what the clock shows at the start (default 2026-01-01T12:00:00)" };

export const schedulerOption: Option = {
  value: "S",
  doc: "of a machine file: use this scheduler, with its usual options, instead of the file's",
};
export const seedOption: Option = { value: "N", doc: "of a machine file: use this seed instead of the file's" };

/** What all commands take that run a guest. */
export const guestOptions = {
  "max-steps": stepsOption,
  memory: memoryOption,
  processors: processorsOption,
  "five-level-paging": fiveLevelOption,
  include: includeOption,
  "command-line": commandLineOption,
  module: moduleOption,
  boot: bootOption,
  floppy: floppyOption,
  disk: diskOption,
  keys: keysOption,
  serial: serialOption,
  date: dateOption,
  scheduler: schedulerOption,
  seed: seedOption,
  json: jsonOption,
} as const;

/** What `run` and `trace` take: the guest runs under one technique. */
export const runOptions = { technique: techniqueOption, ...guestOptions } as const;

/** What of a machine file the command line overrules. */
export function overridesOf(args: Arguments): Overrides {
  const scheduler = args.text("scheduler");
  if (scheduler !== undefined && !schedulers.some(({ name }) => name === scheduler))
    throw new UsageError(
      `--scheduler needs one of ${schedulers.map(({ name }) => name).join(", ")}, not “${scheduler}”.`,
    );
  const seed = wholeNumber(args, "seed", 0);
  const technique = techniqueOf(args);
  return {
    ...(scheduler !== undefined && { scheduler }),
    ...(seed !== undefined && { seed }),
    ...(technique && { technique }),
  };
}

function bootOf(args: Arguments): LaunchArguments["boot"] {
  const text = args.text("boot");
  const known = bootChoices.find((choice) => choice === text);
  if (text !== undefined && !known)
    throw new UsageError(`--boot needs one of ${bootChoices.join(", ")}, not “${text}”.`);
  return known;
}

/** Values of options that are handed on as they are, where they are given. */
function texts<K extends string>(args: Arguments, names: readonly K[]): { readonly [N in K]?: string } {
  return Object.fromEntries(
    names.flatMap((name) => (args.text(name) ? [[name, args.text(name)]] : [])) as [K, string][],
  ) as {
    [N in K]?: string;
  };
}

export function techniqueOf(args: Arguments): TechniqueId | undefined {
  const id = args.text("technique");
  if (id === undefined) return undefined;
  const technique = techniqueById(id);
  if (!technique)
    throw new UsageError(`There is no technique “${id}”. Choose from ${techniques.map((t) => t.id).join(", ")}.`);
  return technique.id as TechniqueId;
}

/** What the machine is to be launched with, as the debug adapter takes it. */
export function launchArguments(args: Arguments): LaunchArguments {
  const memory = wholeNumber(args, "memory", 1);
  const processors = wholeNumber(args, "processors", 1);
  const commandLine = args.text("command-line");
  const modules = args.texts("module");
  const boot = bootOf(args);
  return {
    program: args.file,
    include: [...args.texts("include")],
    floppies: args.texts("floppy"),
    disks: args.texts("disk"),
    ...texts(args, ["keys", "serial", "date"]),
    ...(boot && { boot }),
    ...overridesOf(args),
    ...(memory !== undefined && { memory }),
    ...(processors !== undefined && { processors }),
    ...(args.flag("five-level-paging") && { fiveLevelPaging: true }),
    ...(commandLine !== undefined && { commandLine }),
    ...(modules.length > 0 && { modules: [...modules] }),
  };
}
