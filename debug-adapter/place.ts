import { type Assembly, assembleFetching, type FileBytes, type Problem, type Settings } from "../assembler/index.ts";
import { baseName, fileKey, isUri, resolve } from "../assembler/location.ts";
import type { AnyConfiguration, MachineConfiguration } from "../emulator/configuration/machine-configuration.ts";
import { configurationProblem, createMachine } from "../emulator/index.ts";
import type { KernelModule } from "../emulator/loader/handover.ts";
import { isKernel, loadKernel } from "../emulator/loader/kernel.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { startModeOf, tablesFromEnd } from "../emulator/memory/start-modes.ts";
import type { Intervened } from "../emulator/time/intervention.ts";
import { utf8Text } from "../emulator/utf8.ts";
import { defaultTechnique, type TechniqueId, techniqueById } from "../isa/technique.ts";
import type { ProgramFiles, Trace } from "../trace-file/index.ts";
import { bootKind, bootSectorAddress, drivesOf, imageClaim, imageProgram, isBootSector } from "./boot.ts";
import { kernelProgram } from "./kernel-program.ts";
import { assembledProgram, biasOf, type Program } from "./program.ts";
import type { LaunchArguments } from "./protocol.ts";

/** Reads a file by path or URI. */
export type ReadFile = (file: string) => Promise<FileBytes>;

/** Why a launch is refused, in words for a person. */
export class LaunchError extends Error {}

/** Memory of a guest that does not say, MiB. */
const defaultMemory = 16;

/** A file's path; of a URI that is no file, its name. */
export const shortName = (file: string): string => (isUri(file) ? baseName(file) : file);

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
export async function require(field: string, file: string, readFile: ReadFile): Promise<Uint8Array> {
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
  /** The program of each VM, by its name. */
  readonly programs: ReadonlyMap<string, Program>;
  /** Of a source; undefined for kernels and disk images. */
  readonly assembly?: Assembly;
  /** Warnings of the assembler, or what of a kernel is not known; a line each. */
  readonly warnings: string;
  /** Types into another machine what was typed into this one at its start. */
  readonly typeInto: (machine: MachineInterface) => void;
  /** Everything from which it was loaded. */
  readonly origin: ProgramFiles;
  /** Of a trace: where it leads. */
  readonly trace?: Trace;
}

/** A program that has been read, and the machine that it is for. */
export interface Placed {
  readonly configuration: MachineConfiguration;
  readonly assembly?: Assembly;
  readonly warnings: string;
  /** The program as it stands in such a machine, which has not run yet. */
  readonly programIn: (machine: MachineInterface) => Program;
}

/**
 * @throws LaunchError if the machine cannot be made as configured
 *
 * @param snapshotMemory MiB that snapshots for going back may take; default: as much as the guests' memory
 */
export function machineOf(
  configuration: AnyConfiguration,
  { actions = [], snapshotMemory }: { actions?: readonly Intervened[]; snapshotMemory?: number | undefined } = {},
): MachineInterface {
  const problem = configurationProblem(configuration);
  if (problem !== undefined) throw new LaunchError(problem);
  return createMachine(configuration, actions, snapshotMemory === undefined ? undefined : snapshotMemory * 2 ** 20);
}

/** Reads a program and all that belongs to it. @throws LaunchError */
export async function place(args: LaunchArguments, readFile: ReadFile): Promise<Placed> {
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
  const configuration = { ...common(args), ...start, ...drives };
  return { configuration, programIn: () => imageProgram(args.program), warnings: "" };
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
  const source = (file: string) => {
    const content = found.get(fileKey(file));
    return content instanceof Uint8Array ? content : undefined;
  };
  const warnings = assembly.problems.filter(({ severity }) => severity === "warning");
  return {
    configuration: { ...configuration, ...drives },
    assembly,
    programIn: (machine) => {
      const bias = kind ? BigInt(bootSectorAddress - assembly.origin) : biasOf(machine);
      return { ...assembledProgram(args.program, assembly, bias), source };
    },
    warnings: warnings.map((problem) => `${problemText(problem)}\n`).join(""),
  };
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
  const file = args.program;
  // Where files have no paths, the sources are by the kernel.
  const sourceRoot = args.sourceRoot ?? (isUri(file) && !file.startsWith("file:") ? resolve(".", file) : undefined);
  const { programIn, warning } = kernelProgram({ file, sourceRoot }, loaded);
  return {
    configuration: { ...common(args), image, origin, entry, mode, handover, ...drives },
    programIn,
    warnings: warning && `${shortName(args.program)}: warning: ${warning}\n`,
  };
}
