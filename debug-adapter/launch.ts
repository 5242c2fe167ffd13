import type { AnyConfiguration } from "../emulator/configuration/machine-configuration.ts";
import { costProfiles, mostMemory } from "../emulator/index.ts";
import { isMachineFile, machineFileEnding } from "../emulator/machine-file/read.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { schedulers } from "../emulator/schedule/schedulers.ts";
import { mostProcessors } from "../emulator/virtual-machine/processors.ts";
import { techniqueById, techniques } from "../isa/technique.ts";
import { isTrace } from "../trace-file/index.ts";
import { bootChoices } from "./boot.ts";
import { isBreakpointList } from "./event-breakpoints.ts";
import { openTrace } from "./open-trace.ts";
import { LaunchError, type Loaded, machineOf, type ReadFile, require, shortName } from "./place.ts";
import { placeComputer } from "./place-computer.ts";
import type { LaunchArguments } from "./protocol.ts";

export { AssemblyError, assembleFile, LaunchError, type Loaded, type ReadFile } from "./place.ts";
export { MachineFileError } from "./place-computer.ts";

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

const areEventBreakpoints: Check = (value) =>
  isBreakpointList(value) ? undefined : 'must be a list of objects, each with "event", a class of events';

const checks: Readonly<Record<Field, Check>> = {
  program: isText,
  technique: isTechnique,
  fallbackTechnique: isTechnique,
  asksBeforeBranching: isBoolean,
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
  scheduler: (value) =>
    schedulers.some(({ name }) => name === value)
      ? undefined
      : `must be one of ${schedulers.map(({ name }) => name).join(", ")}`,
  seed: (value) =>
    Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : "must be a whole number, 0 or more",
  event: (value) =>
    Number.isSafeInteger(value) && Number(value) >= 1 ? undefined : "must be the number of an event of the trace",
  eventBreakpoints: areEventBreakpoints,
  fallbackEventBreakpoints: areEventBreakpoints,
  snapshotMemory: (value) =>
    Number.isInteger(value) && Number(value) >= 0 ? undefined : "must be a whole number of MiB, 0 or more",
  steppingOthers: (value) =>
    value === "scheduled" || value === "frozen" ? undefined : 'must be "scheduled" or "frozen"',
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

/** @throws LaunchError if something cannot be typed */
function typeAll(machine: MachineInterface, { keys, serial }: LaunchArguments): void {
  const wrong = keys === undefined ? undefined : machine.press(keys);
  if (wrong !== undefined) throw new LaunchError(`"keys": ${wrong}`);
  if (serial !== undefined) machine.input(serial);
}

/**
 * Puts the program into a machine: a kernel as it is, a source assembled, a trace as it was. @throws LaunchError for anything a
 * person can put right
 *
 * @param accept may refuse a configuration, by a LaunchError, before memory is taken for it; not asked about traces
 */
export async function load(
  args: LaunchArguments,
  readFile: ReadFile,
  accept?: (configuration: AnyConfiguration) => void,
): Promise<Loaded> {
  const bytes = await require("program", args.program, readFile);
  if (isTrace(args.program, bytes)) {
    refuseFixed(args);
    return openTrace(args, bytes, readFile);
  }
  if (args.event !== undefined) throw new LaunchError(`"event" is for traces; ${shortName(args.program)} is none.`);
  const files: Record<string, Uint8Array> = {};
  refuseUnfit(args);
  const { configuration, programsIn, ...placed } = await placeComputer(args, noting(readFile, files));
  accept?.(configuration);
  const machine = machineOf(configuration, { snapshotMemory: args.snapshotMemory });
  const typeInto = (other: MachineInterface) => typeAll(other, args);
  typeInto(machine);
  const programs = programsIn(machine);
  const program = programs.get(machine.vm)!;
  return { ...placed, machine, program, programs, typeInto, origin: { arguments: { ...args }, files } };
}

/** What can be said of any program, for it is about the debugging. The client itself sends some of it with every one. */
const ofAnyProgram = [
  ...["program", "stopOnEntry", "noDebug", "include", "fallbackTechnique", "eventBreakpoints", "steppingOthers"],
  "fallbackEventBreakpoints",
  "asksBeforeBranching",
  "snapshotMemory",
] as readonly Field[];

/** What can be said of a trace: the rest is fixed. */
const fieldsOfTraces: ReadonlySet<string> = new Set<Field>(["event", ...ofAnyProgram]);

const isGiven = (value: unknown): boolean => value !== undefined && !(Array.isArray(value) && value.length === 0);

/** @throws LaunchError that names a field which a trace does not leave open */
function refuseFixed(args: LaunchArguments): void {
  const wrong = Object.keys(checks).find((name) => !fieldsOfTraces.has(name) && isGiven(args[name as Field]));
  if (wrong !== undefined)
    throw new LaunchError(
      `"${wrong}": a trace is of one run, in which that is fixed. To change it, debug the guest's source.`,
    );
}

/** What a launch may say beside a machine file: all else it says itself, of each VM. */
const hostFields = ["scheduler", "seed"] as const satisfies readonly Field[];
const fieldsOfMachineFiles: ReadonlySet<string> = new Set<Field>([
  ...["technique" as const, ...ofAnyProgram, ...hostFields],
]);

/** @throws LaunchError that names a field which the machine file says of each VM, or which only machine files know */
function refuseUnfit(args: LaunchArguments): void {
  const given = (Object.keys(checks) as Field[]).filter((name) => isGiven(args[name]));
  if (isMachineFile(args.program)) {
    const wrong = given.find((name) => !fieldsOfMachineFiles.has(name));
    if (wrong !== undefined) throw new LaunchError(`"${wrong}": a machine file says that itself, of each VM.`);
  } else {
    const wrong = hostFields.find((name) => given.includes(name));
    if (wrong !== undefined)
      throw new LaunchError(
        `"${wrong}" is for machine files (*${machineFileEnding}); ${shortName(args.program)} is none.`,
      );
  }
}

/** Keeps what is read, by name. */
const noting =
  (readFile: ReadFile, files: Record<string, Uint8Array>): ReadFile =>
  async (file) => {
    const bytes = await readFile(file);
    if (bytes instanceof Uint8Array) files[file] = bytes;
    return bytes;
  };
