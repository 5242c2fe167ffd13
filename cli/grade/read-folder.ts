/** Reads what is handed in into memory. Nothing in it is trusted: not its size, its links, nor what kind of files it has. */
import { closeSync, constants, fstatSync, lstatSync, opendirSync, openSync, readSync } from "node:fs";
import { basename, join } from "node:path";
import type { Files } from "../../grader/submission.ts";

const mostFiles = 256;
const mostBytes = 8 * 2 ** 20;
const mostDepth = 6;
/** Entries of folders that are looked at: most of a version control's or an editor's own are skipped, but not for ever. */
const mostEntries = 4096;

/** A submission that cannot be read, and why. */
export class UnreadableSubmission extends Error {}

const isSkipped = (name: string): boolean => name.startsWith(".") || name === "node_modules" || name === "__MACOSX";

interface Reading {
  readonly files: Map<string, Uint8Array>;
  bytes: number;
  entries: number;
}

/** Of a regular file, and only of one: no link is followed, and a pipe is not waited for. */
function bytesOf(path: string, most: number): Uint8Array | undefined {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const status = fstatSync(file);
    if (!status.isFile()) return undefined;
    if (status.size > most) throw new UnreadableSubmission(`It has more than ${mostBytes / 2 ** 20} MiB.`);
    const bytes = new Uint8Array(status.size);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(file, bytes, length, bytes.length - length, length);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function add(reading: Reading, name: string, path: string): void {
  const bytes = bytesOf(path, mostBytes - reading.bytes);
  if (!bytes) return;
  reading.bytes += bytes.length;
  reading.files.set(name, bytes);
  if (reading.files.size > mostFiles) throw new UnreadableSubmission(`It has more than ${mostFiles} files.`);
}

function addFolder(reading: Reading, path: string, prefix: string, depth: number): void {
  const folder = opendirSync(path);
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      if (++reading.entries > mostEntries) throw new UnreadableSubmission(`It has more than ${mostEntries} files.`);
      if (isSkipped(entry.name)) continue;
      const name = `${prefix}${entry.name}`;
      // A symbolic link is neither a file nor a folder here: what it leads to was not handed in.
      if (entry.isFile()) add(reading, name, join(path, entry.name));
      else if (entry.isDirectory() && depth < mostDepth)
        addFolder(reading, join(path, entry.name), `${name}/`, depth + 1);
    }
  } finally {
    folder.closeSync();
  }
}

/**
 * The files of a submission: of a folder; or a file alone, which is then the one that is asked for.
 *
 * @throws UnreadableSubmission
 */
export function readSubmission(path: string, asked: readonly string[]): Files {
  const reading: Reading = { files: new Map(), bytes: 0, entries: 0 };
  try {
    const status = lstatSync(path);
    if (status.isDirectory()) addFolder(reading, path, "", 0);
    else if (!status.isFile()) throw new UnreadableSubmission("It is neither a file nor a folder.");
    else add(reading, asked.length === 1 ? asked[0]! : basename(path), path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof UnreadableSubmission || code === undefined) throw error;
    throw new UnreadableSubmission(`It cannot be read (${code}).`);
  }
  return reading.files;
}
