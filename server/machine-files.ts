import { baseName, fileKey, resolve } from "../assembler/location.ts";
import type { Workspace } from "./workspace.ts";

/** A technique that a machine file names for a program of its VMs. */
export interface MachineTechnique {
  readonly technique: string;
  /** In a sentence. */
  readonly from: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What is wrong with a machine file is told where that is edited: here it just says nothing. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The programs of a machine file that names a technique, by `fileKey`. */
function programsOf(uri: string, text: string): readonly (readonly [string, MachineTechnique])[] {
  const file = parsed(text);
  if (!isObject(file) || typeof file["technique"] !== "string" || !Array.isArray(file["vms"])) return [];
  const found = { technique: file["technique"], from: `From ${baseName(uri)}, which runs it` };
  const programs = file["vms"].flatMap((vm: unknown) =>
    isObject(vm) && typeof vm["program"] === "string" ? [vm["program"]] : [],
  );
  return programs.map((program) => [fileKey(resolve(program, uri)), found] as const);
}

/** The techniques that the machine files of the workspace name, by their programs' `fileKey`; of several the first counts. */
export async function machineTechniques(workspace: Workspace): Promise<ReadonlyMap<string, MachineTechnique>> {
  const found = new Map<string, MachineTechnique>();
  for (const uri of await workspace.machineFiles())
    for (const [key, technique] of programsOf(uri, await workspace.text(uri)))
      if (!found.has(key)) found.set(key, technique);
  return found;
}
