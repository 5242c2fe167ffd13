/** What is graded: files in memory. Programs see these and nothing else. */
import type { FileBytes } from "../assembler/index.ts";
import { utf8, utf8Text } from "../emulator/utf8.ts";
import type { Assignment } from "./assignment.ts";
import { filledIn, parameterValues } from "./parameters.ts";

/** Contents by name, as an assignment names files. */
export type Files = ReadonlyMap<string, Uint8Array>;

export interface Submission {
  /** By whom: decides the parameters. */
  readonly student: string;
  readonly files: Files;
}

/** What the instructor has: the given files, and the starter. */
export interface Material {
  readonly given: Files;
  readonly starter: Files;
}

/** Names of files in which parameters are filled in. */
const isText = (name: string): boolean => /\.(asm|nasm|inc|s|md|txt|json)$/i.test(name);

/** Files of the instructor's as a student gets them: with the values of the parameters. */
export function filesFor(assignment: Assignment, files: Files, student: string): Files {
  if (!assignment.parameters?.length) return files;
  const values = parameterValues(assignment, student);
  const filled = ([name, bytes]: [string, Uint8Array]): [string, Uint8Array] =>
    isText(name) ? [name, Uint8Array.from(utf8(filledIn(utf8Text(bytes), values)))] : [name, bytes];
  return new Map([...files].map(filled));
}

/** How the files that a run may use are read. */
export function readerOf(given: Files, handedIn: Files): (file: string) => Promise<FileBytes> {
  return async (file) => given.get(file) ?? handedIn.get(file);
}
