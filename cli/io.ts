import { readFileSync, writeFileSync } from "node:fs";
import { type FileText, fileReason, isMissing, type Unreadable, unread } from "../assembler/index.ts";
import { UsageError } from "./exit-code.ts";

/** What a command touches of the world. */
export interface Io {
  out(text: string): void;
  error(text: string): void;
  /** Somebody watches what `error` prints. */
  readonly isTerminal?: boolean;
  /** Standard input to its end. */
  readInput(): Uint8Array;
  /** Undefined: there is no such file. */
  readBytes(path: string): Uint8Array | Unreadable | undefined;
  /** @throws UsageError */
  writeBytes(path: string, bytes: Uint8Array): void;
}

export const nodeIo: Io = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
  readInput: () => readFileSync(process.stdin.fd),
  readBytes: (path) => {
    try {
      return readFileSync(path);
    } catch (error) {
      return unread(error);
    }
  },
  writeBytes: (path, bytes) => {
    try {
      writeFileSync(path, bytes);
    } catch (error) {
      const why = isMissing(error) ? "its folder does not exist" : fileReason(error);
      throw new UsageError(`${path} cannot be written: ${why}.`);
    }
  },
};

export const decode = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

export function readText(io: Io, path: string): FileText {
  const bytes = io.readBytes(path);
  return bytes instanceof Uint8Array ? decode(bytes) : bytes;
}

/** The bytes of the file a command is about. @throws UsageError if it cannot be read. */
export function requireBytes(io: Io, path: string): Uint8Array {
  const bytes = io.readBytes(path);
  if (bytes instanceof Uint8Array) return bytes;
  throw new UsageError(bytes ? `${path} cannot be read: ${bytes.unreadable}.` : `There is no file ${path}.`);
}

/** The same, as text. */
export const requireText = (io: Io, path: string): string => decode(requireBytes(io, path));
