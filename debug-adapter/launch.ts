import { type Assembly, assembleFetching, type FileBytes, type Problem, type Settings } from "../assembler/index.ts";
import { baseName, fileKey, isUri, resolve } from "../assembler/location.ts";
import { configurationProblem, costProfiles, createMachine, mostMemory } from "../emulator/index.ts";
import type { KernelModule } from "../emulator/loader/handover.ts";
import { isKernel, loadKernel } from "../emulator/loader/kernel.ts";
import type { MachineConfiguration } from "../emulator/machine-configuration.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { startModeOf, tablesFromEnd } from "../emulator/memory/start-modes.ts";
import { mostProcessors } from "../emulator/processors.ts";
import { utf8Text } from "../emulator/utf8.ts";
import { defaultTechnique, type TechniqueId, techniqueById, techniques } from "../isa/technique.ts";
import { bootChoices, bootKind, bootSectorAddress, drivesOf, imageClaim, imageProgram, isBootSector } from "./boot.ts";
import { kernelProgram } from "./kernel-program.ts";
import { assembledProgram, biasOf, type Program } from "./program.ts";
import type { LaunchArguments } from "./protocol.ts";

/** Reads a file by path or URI. */
export type ReadFile = (file: string) => Promise<FileBytes>;

/** Why a launch is refused, in words for a person. */
export class LaunchError extends Error {}

/** Memory of a guest that does not say, MiB. */
const defaultMemory = 16;

type Field = keyof LaunchArguments;
type Check = (value: unknown) => string | undefined;

const isTechnique: Check = (value) =>
  typeof value === "string" && techniqueById(value)
    ? undefined
    : `must be one of ${techniques.map(({ id }) => id).join(", ")}`;
const isText: Check = (value) => (typeof value === "string" && value !== "" ? undefined : "must be a text, not empty");
const isFiles: Check = (value) =>
  Array.isArray(value) && value.every((item) => isText(item) === undefined) ? undefined : "must be a list of files";
const isBoolean: Check = (value) => (typeof value === "boolean" ? undefined : "must be true or false");

const checks: Readonly<Record<Field, Check>> = {
  program: isText,
  technique: isTechnique,
  fallbackTechnique: isTechnique,
  stopOnEntry: isBoolean,
  memory: (value) =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= mostMemory
      ? undefined
      : `must be a whole number of MiB from 1 to ${mostMemory}`,
  processors: (value) =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= mostProcessors
      ? undefined
      : `must be a whole number from 1 to ${mostProcessors}`,
  fiveLevelPaging: isBoolean,
  include: (value) =>
    Array.isArray(value) && value.every((item) => isText(item) === undefined) ? undefined : "must be a list of folders",
  costs: (value) =>
    costProfiles.some(({ name }) => name === value)
      ? undefined
      : `must be one of ${costProfiles.map(({ name }) => name).join(", ")}`,
  commandLine: isText,
  sourceRoot: isText,
  modules: isFiles,
  boot: (value) =>
    bootChoices.some((choice) => choice === value) ? undefined : `must be one of ${bootChoices.join(", ")}`,
  floppies: isFiles,
  disks: isFiles,
  keys: isText,
  serial: isText,
  date: isText,
  noDebug: isBoolean,
};

/** What clients themselves put into a launch configuration. */
const clientFields = new Set(
  `type request name preLaunchTask postDebugTask internalConsoleOptions presentation debugServer console cwd
  suppressMultipleSessionWarning serverReadyAction linux osx windows restart`.split(/\s+/),
);

/** The launch arguments, if every field is right. @throws LaunchError that names the wrong field. */
export function checkArguments(given: unknown): LaunchArguments {
  if (typeof given !== "object" || given === null) throw new LaunchError("The launch configuration is empty.");
  const fields = given as Readonly<Record<string, unknown>>;
  if (fields["program"] === undefined)
    throw new LaunchError('The launch configuration lacks "program", the source file to assemble and run.');
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || name.startsWith("__") || clientFields.has(name)) continue;
    const check = Object.hasOwn(checks, name) ? checks[name as Field] : undefined;
    if (!check) throw new LaunchError(`The launch configuration has an unknown field "${name}".`);
    const problem = check(value);
    if (problem) throw new LaunchError(`"${name}" in the launch configuration ${problem}.`);
  }
  return fields as unknown as LaunchArguments;
}

/** A file's path; of a URI that is no file, its name. */
const shortName = (file: string): string => (isUri(file) ? baseName(file) : file);

const problemText = ({ range, severity, message }: Problem): string =>
  `${shortName(range.file)}:${range.line + 1}:${range.start + 1}: ${severity}: ${message}`;

/** The program does not assemble. `problems` are located; the message shows the first of them. */
export class AssemblyError extends LaunchError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const [first] = problems;
    const others = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
    super(`The program does not assemble: ${first ? problemText(first) : ""}${others}`);
    this.problems = problems;
  }

  /** All problems, a line each. */
  get report(): string {
    return this.problems.map((problem) => `${problemText(problem)}\n`).join("");
  }
}

/** The bytes of a file that the launch configuration names. @throws LaunchError if it cannot be read */
async function require(field: string, file: string, readFile: ReadFile): Promise<Uint8Array> {
  const bytes = await readFile(file);
  if (bytes === undefined) throw new LaunchError(`"${field}": there is no file ${file}.`);
  if (bytes instanceof Uint8Array) return bytes;
  throw new LaunchError(`"${field}": ${file} cannot be read: ${bytes.unreadable}.`);
}

/** Assembles the program with everything it includes. */
export async function assembleFile(args: LaunchArguments, readFile: ReadFile): Promise<Assembly> {
  return (await assembleBytes(args, await require("program", args.program, readFile), readFile)).assembly;
}

interface Assembled {
  readonly assembly: Assembly;
  /** What the files held, by `fileKey`; null for those that are not there. */
  readonly found: ReadonlyMap<string, Exclude<FileBytes, undefined> | null>;
}

async function assembleBytes(args: LaunchArguments, bytes: Uint8Array, readFile: ReadFile): Promise<Assembled> {
  const text = utf8Text(bytes);
  const found = new Map<string, Exclude<FileBytes, undefined> | null>([[fileKey(args.program), bytes]]);
  const bytesAtHand = (file: string) => found.get(fileKey(file));
  const assembly = await assembleFetching(
    { file: args.program, text, includePaths: args.include ?? [] },
    {
      bytesAtHand,
      atHand: (file) => {
        const known = bytesAtHand(file);
        return known instanceof Uint8Array ? utf8Text(known) : known;
      },
      fetch: async (file) => {
        found.set(fileKey(file), (await readFile(file)) ?? null);
      },
    },
  );
  return { assembly, found };
}

/** What is configured alike for all kinds of programs: by the launch configuration, else by the program. */
function common(args: LaunchArguments, settings: Settings = {}) {
  const said = techniqueById(settings.technique ?? "")?.id as TechniqueId | undefined;
  const processors = args.processors ?? settings.processors;
  return {
    technique:
      args.technique ??
      said ??
      (settings.mode === "xen" ? "paravirtualization" : undefined) ??
      args.fallbackTechnique ??
      defaultTechnique,
    memory: args.memory ?? settings.memory ?? defaultMemory,
    ...(processors === undefined ? {} : { processors }),
    ...(args.fiveLevelPaging === undefined ? {} : { fiveLevelPaging: args.fiveLevelPaging }),
    ...(args.costs === undefined ? {} : { costs: args.costs }),
  };
}

function configurationOf(args: LaunchArguments, assembly: Assembly): MachineConfiguration {
  const { settings, bytes, origin, bits } = assembly;
  const mode = startModeOf(settings.mode, bits);
  return { ...common(args, settings), image: bytes, origin, mode };
}

export interface Loaded {
  readonly machine: MachineInterface;
  readonly program: Program;
  /** Warnings of the assembler, or what of a kernel is not known; a line each. */
  readonly warnings: string;
  /** Types into another machine what was typed into this one at its start. */
  readonly typeInto: (machine: MachineInterface) => void;
}

type Placed = Omit<Loaded, "typeInto">;

/** Makes the machine and types what is to be typed. @throws LaunchError if it cannot be made as configured */
function machineOf(configuration: MachineConfiguration, args: LaunchArguments): MachineInterface {
  const problem = configurationProblem(configuration);
  if (problem !== undefined) throw new LaunchError(problem);
  const machine = createMachine(configuration);
  typeAll(machine, args);
  return machine;
}

/** @throws LaunchError if something cannot be typed */
function typeAll(machine: MachineInterface, { keys, serial }: LaunchArguments): void {
  const wrong = keys === undefined ? undefined : machine.press(keys);
  if (wrong !== undefined) throw new LaunchError(`"keys": ${wrong}`);
  if (serial !== undefined) machine.input(serial);
}

/** Puts the program into a machine: a kernel as it is, a source assembled. @throws LaunchError for anything a person can put right */
export async function load(args: LaunchArguments, readFile: ReadFile): Promise<Loaded> {
  const placed = await place(args, readFile);
  return { ...placed, typeInto: (machine) => typeAll(machine, args) };
}

async function place(args: LaunchArguments, readFile: ReadFile): Promise<Placed> {
  const bytes = await require("program", args.program, readFile);
  const claim = args.boot === "none" ? undefined : imageClaim(args.program, bytes);
  if (claim !== "both" && isKernel(bytes)) return loadBuilt(args, bytes, readFile);
  return claim === undefined ? loadSource(args, bytes, readFile) : loadImage(args, bytes, readFile);
}

function refuseKernelFields(args: LaunchArguments, what: string): void {
  const wrong = kernelFields.find((field) => args[field] !== undefined);
  if (wrong !== undefined)
    throw new LaunchError(`"${wrong}" is for kernels (ELF or Multiboot); ${shortName(args.program)} is ${what}.`);
}

/** Boots a disk image. */
async function loadImage(args: LaunchArguments, bytes: Uint8Array, readFile: ReadFile): Promise<Placed> {
  refuseKernelFields(args, "a disk image");
  const kind = bootKind(args, bytes);
  const drives = await drivesOf(args, reader(readFile), kind && { kind, image: bytes });
  const start = { image: new Uint8Array(), origin: bootSectorAddress, mode: "real" } as const;
  const machine = machineOf({ ...common(args), ...start, ...drives }, args);
  return { machine, program: imageProgram(args.program), warnings: "" };
}

const reader =
  (readFile: ReadFile) =>
  (field: string, file: string): Promise<Uint8Array> =>
    require(field, file, readFile);

async function loadSource(args: LaunchArguments, bytes: Uint8Array, readFile: ReadFile): Promise<Placed> {
  refuseKernelFields(args, "a source file");
  const { assembly, found } = await assembleBytes(args, bytes, readFile);
  const errors = assembly.problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new AssemblyError(errors);
  const configuration = configurationOf(args, assembly);
  const kind = isBootSector(assembly, configuration.mode) ? bootKind(args, assembly.bytes) : undefined;
  if (args.boot !== undefined && args.boot !== "none" && !kind)
    throw new LaunchError(
      `"boot": ${shortName(args.program)} is no boot sector: that is 16-bit code with 55h, AAh at offset 510.`,
    );
  const drives = await drivesOf(args, reader(readFile), kind && { kind, image: assembly.bytes });
  const machine = machineOf({ ...configuration, ...drives }, args);
  const bias = kind ? BigInt(bootSectorAddress - assembly.origin) : biasOf(machine);
  const source = (file: string) => {
    const content = found.get(fileKey(file));
    return content instanceof Uint8Array ? content : undefined;
  };
  const program = { ...assembledProgram(args.program, assembly, bias), source };
  const warnings = assembly.problems.filter(({ severity }) => severity === "warning");
  return { machine, program, warnings: warnings.map((problem) => `${problemText(problem)}\n`).join("") };
}

/** What a boot loader passes on. */
const kernelFields = ["commandLine", "modules", "sourceRoot"] as const;

async function loadBuilt(args: LaunchArguments, bytes: Uint8Array, readFile: ReadFile): Promise<Placed> {
  const { commandLine } = args;
  const { memory } = common(args);
  const modules: KernelModule[] = [];
  for (const module of args.modules ?? [])
    modules.push({ bytes: await require("modules", module, readFile), commandLine: baseName(module) });
  const kernel = { file: bytes, modules, ...(commandLine === undefined ? {} : { commandLine }) };
  const loaded = loadKernel(kernel, { bytes: memory * 2 ** 20, reservedAtEnd: tablesFromEnd });
  if (typeof loaded === "string") throw new LaunchError(`${shortName(args.program)}: ${loaded}`);
  const { image, origin, entry, mode, handover } = loaded;
  const drives = await drivesOf(args, reader(readFile));
  const machine = machineOf({ ...common(args), image, origin, entry, mode, handover, ...drives }, args);
  const file = args.program;
  // Where files have no paths, the sources are by the kernel.
  const sourceRoot = args.sourceRoot ?? (isUri(file) && !file.startsWith("file:") ? resolve(".", file) : undefined);
  const { program, warning } = kernelProgram({ file, sourceRoot }, loaded, () => machine.bits);
  return { machine, program, warnings: warning && `${shortName(args.program)}: warning: ${warning}\n` };
}
