import { type Assembly, assembleFetching, type FileText, type Problem } from "../assembler/index.ts";
import { baseName, fileKey, isUri } from "../assembler/location.ts";
import { configurationProblem, costProfiles, createMachine } from "../emulator/index.ts";
import type { MachineConfiguration, MachineInterface } from "../emulator/machine-interface.ts";
import { defaultTechnique, type TechniqueId, techniqueById, techniques } from "../isa/technique.ts";
import { assembledProgram, biasOf, type Program } from "./program.ts";
import type { LaunchArguments } from "./protocol.ts";

/** Reads a file by path or URI. */
export type ReadText = (file: string) => Promise<FileText>;

/** Why a launch is refused, in words for a person. */
export class LaunchError extends Error {}

type Field = keyof LaunchArguments;
type Check = (value: unknown) => string | undefined;

const isTechnique: Check = (value) =>
  typeof value === "string" && techniqueById(value)
    ? undefined
    : `must be one of ${techniques.map(({ id }) => id).join(", ")}`;
const isText: Check = (value) => (typeof value === "string" && value !== "" ? undefined : "must be a text, not empty");
const isBoolean: Check = (value) => (typeof value === "boolean" ? undefined : "must be true or false");

const checks: Readonly<Record<Field, Check>> = {
  program: isText,
  technique: isTechnique,
  fallbackTechnique: isTechnique,
  stopOnEntry: isBoolean,
  memory: (value) =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 64
      ? undefined
      : "must be a whole number of MiB from 1 to 64",
  include: (value) =>
    Array.isArray(value) && value.every((item) => isText(item) === undefined) ? undefined : "must be a list of folders",
  costs: (value) =>
    costProfiles.some(({ name }) => name === value)
      ? undefined
      : `must be one of ${costProfiles.map(({ name }) => name).join(", ")}`,
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

/** Assembles the program with everything it includes. */
export async function assembleFile(args: LaunchArguments, readText: ReadText): Promise<Assembly> {
  const text = await readText(args.program);
  if (text === undefined) throw new LaunchError(`"program": there is no file ${args.program}.`);
  if (typeof text !== "string") throw new LaunchError(`"program": ${args.program} cannot be read: ${text.unreadable}.`);
  const texts = new Map<string, Exclude<FileText, undefined> | null>([[fileKey(args.program), text]]);
  return assembleFetching(
    { file: args.program, text, includePaths: args.include ?? [] },
    {
      atHand: (file) => texts.get(fileKey(file)),
      fetch: async (file) => {
        texts.set(fileKey(file), (await readText(file)) ?? null);
      },
    },
  );
}

function configurationOf(args: LaunchArguments, assembly: Assembly): MachineConfiguration {
  const { settings, bytes, origin, bits } = assembly;
  const said =
    settings.technique && techniqueById(settings.technique) ? (settings.technique as TechniqueId) : undefined;
  return {
    technique: args.technique ?? said ?? args.fallbackTechnique ?? defaultTechnique,
    image: bytes,
    origin,
    mode: settings.mode ?? (bits === 64 ? "long" : bits === 32 ? "protected" : "real"),
    memory: args.memory ?? settings.memory ?? 16,
    ...(args.costs === undefined ? {} : { costs: args.costs }),
  };
}

export interface Loaded {
  readonly machine: MachineInterface;
  readonly program: Program;
  /** Warnings of the assembler. */
  readonly warnings: string;
}

/** Assembles the program and puts it into a machine. @throws LaunchError for anything a person can put right. */
export async function load(args: LaunchArguments, readText: ReadText): Promise<Loaded> {
  const assembly = await assembleFile(args, readText);
  const errors = assembly.problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new AssemblyError(errors);
  const configuration = configurationOf(args, assembly);
  const problem = configurationProblem(configuration);
  if (problem !== undefined) throw new LaunchError(problem);
  const machine = createMachine(configuration);
  const program = assembledProgram(args.program, assembly, biasOf(machine));
  const warnings = assembly.problems.filter(({ severity }) => severity === "warning");
  return { machine, program, warnings: warnings.map((problem) => `${problemText(problem)}\n`).join("") };
}
