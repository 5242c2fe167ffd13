/** The files of a trace: named for any machine when it is saved, and found when it is opened. */
import type { FileBytes } from "../assembler/index.ts";
import { fileKey, resolve } from "../assembler/location.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { ProgramFiles } from "../trace-file/index.ts";
import { LaunchError, type ReadFile } from "./place.ts";
import { placeComputer } from "./place-computer.ts";
import type { Program } from "./program.ts";
import type { LaunchArguments } from "./protocol.ts";
import { traceSource } from "./trace-sources.ts";

/** What a launch configuration says of how a run is watched, or does to the machine as `Trace.actions` have it. */
const notOfProgram: ReadonlySet<string> = new Set<keyof LaunchArguments>([
  "stopOnEntry",
  "noDebug",
  "event",
  "keys",
  "serial",
  "eventBreakpoints",
  "fallbackEventBreakpoints",
  "asksBeforeBranching",
]);

type Arguments = LaunchArguments & ProgramFiles["arguments"];

const pathFields = ["program", "include", "modules", "floppies", "disks", "sourceRoot"] as const;

/** The launch arguments with other names for their files. */
export function renamed(args: ProgramFiles["arguments"], rename: (file: string) => string): Arguments {
  const fields: Record<string, unknown> = { ...args };
  for (const name of pathFields) {
    const value = fields[name];
    if (Array.isArray(value)) fields[name] = value.map((file: string) => rename(file));
    else if (typeof value === "string") fields[name] = rename(value);
  }
  return fields as unknown as Arguments;
}

/** The folder that all of these keys have in common, with a slash at its end; empty if that is the root of everything. */
function commonFolder(keys: readonly string[]): string {
  const [first = [], ...others] = keys.map((key) => key.split("/").slice(0, -1));
  const differs = first.findIndex((part, n) => others.some((other) => other[n] !== part));
  const folder = first.slice(0, differs < 0 ? first.length : differs).join("/");
  return folder === "" ? "" : `${folder}/`;
}

/** Names without the folder that all have in common, so that they say nothing of this computer and mean the same on others. */
function shortened({ arguments: args, files }: ProgramFiles): ProgramFiles {
  const keys = Object.keys(files).map(fileKey);
  const folder = commonFolder(keys);
  const short = (file: string): string => {
    const key = fileKey(file);
    return key.startsWith(folder) ? key.slice(folder.length) : key;
  };
  // Folders in which nothing was found are not told.
  const include = (args["include"] as readonly string[] | undefined)
    ?.map((path) => resolve(`${path}/`, args.program))
    .filter((path) => keys.some((key) => key.startsWith(fileKey(path))));
  const fields = include ? { ...args, include } : args;
  return {
    arguments: renamed(fields, short),
    files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [short(name), bytes])),
  };
}

/** Reads the files of a trace by the names that `traceSource` gives them. */
function reader(files: ProgramFiles["files"]): ReadFile {
  const byKey = new Map(Object.entries(files).map(([name, bytes]) => [fileKey(traceSource(name)), bytes]));
  return async (file): Promise<FileBytes> => byKey.get(fileKey(file));
}

const inTrace = (kept: ProgramFiles) => placeComputer(renamed(kept.arguments, traceSource), reader(kept.files));

/** The programs of a trace whose files are nowhere else. @throws LaunchError if it cannot be made of them */
export async function programInTrace(kept: ProgramFiles, machine: MachineInterface) {
  const { configuration, programsIn } = await inTrace(kept);
  return { configuration, programs: programsIn(machine) };
}

const sameBytes = (a: Uint8Array, b: FileBytes): boolean =>
  b instanceof Uint8Array && a.length === b.length && a.every((byte, n) => byte === b[n]);

/** The programs of a trace that lie beside it; undefined if one of them is missing there or is another. */
export async function programBeside(kept: ProgramFiles, trace: string, readFile: ReadFile, machine: MachineInterface) {
  const beside = (name: string) => resolve(name, trace);
  for (const [name, bytes] of Object.entries(kept.files))
    if (!sameBytes(bytes, await readFile(beside(name)))) return undefined;
  const { configuration, programsIn } = await placeComputer(renamed(kept.arguments, beside), readFile);
  return { configuration, programs: programsIn(machine) };
}

interface Present {
  readonly programs: ReadonlyMap<string, Program>;
  readonly machine: MachineInterface;
  readonly readFile: ReadFile;
}

/** Sources that the debugger shows, and that the loading did not read: those of kernels. */
async function withSources(kept: ProgramFiles, { programs, machine, readFile }: Present): Promise<ProgramFiles> {
  const opened = await programInTrace(kept, machine);
  const files: Record<string, Uint8Array> = { ...kept.files };
  const known = new Set(Object.keys(files).map((name) => fileKey(traceSource(name))));
  for (const [vm, { files: named }] of opened.programs)
    for (const [n, file] of named.entries()) {
      const here = programs.get(vm)?.files[n];
      if (here === undefined || known.has(fileKey(file))) continue;
      const bytes = await readFile(here);
      if (bytes instanceof Uint8Array) files[file.replace(/^[a-z-]+:\/?/, "")] = bytes;
    }
  return { ...kept, files };
}

/** What a program was loaded from, as a trace keeps it: with names for any computer, if the program is the same by these. */
export async function filesForTrace(origin: ProgramFiles, present: Present): Promise<ProgramFiles> {
  const fields = Object.fromEntries(
    Object.entries(origin.arguments).filter(
      ([name, value]) => !notOfProgram.has(name) && !name.startsWith("__") && value !== undefined,
    ),
  ) as unknown as ProgramFiles["arguments"];
  const kept = { arguments: fields, files: origin.files };
  try {
    return await withSources(shortened(kept), present);
  } catch (error) {
    // A source names another by an absolute path.
    if (error instanceof LaunchError) return kept;
    throw error;
  }
}
