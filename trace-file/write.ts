import { compressed } from "./gzip.ts";
import { type Trace, traceEnding } from "./trace.ts";
import { Blobs, packed } from "./values.ts";

/** This version of Ringside. */
export const product = "0.1.0";

/** What a trace file says that it is. */
export const format = "ringside-trace";
/** Of the format; files of a newer one are refused. */
export const version = 1;

/** Programs and disks of a trace together have more bytes than a file can hold. */
export class TraceTooLarge extends Error {}

/** Bytes of all blobs: more would not fit into the text that JSON is. */
const mostBytes = 256 * 2 ** 20;

interface Encoder {
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
}
const { TextEncoder } = globalThis as unknown as Encoder;

/** The file of a trace: JSON, compressed by gzip. The same trace gives the same JSON. @throws TraceTooLarge */
export async function writeTrace(trace: Trace): Promise<Uint8Array> {
  const blobs = new Blobs();
  const body = packed(trace, blobs) as object;
  if (blobs.bytes > mostBytes)
    throw new TraceTooLarge(
      `The guest's program and disks have ${Math.ceil(blobs.bytes / 2 ** 20)} MiB; a trace holds at most ${mostBytes / 2 ** 20}.`,
    );
  const text = JSON.stringify({ format, version, ...body, blobs: blobs.list });
  return compressed(new TextEncoder().encode(text));
}

const start = new RegExp(`^\\s*\\{\\s*"format"\\s*:\\s*"${format}"`);
/** Bytes in which the beginning of a trace that is plain JSON lies. */
const startBytes = 64;

/** Whether a file is meant to be a trace: by its name, or as plain JSON that says so. */
export const isTrace = (file: string, bytes: Uint8Array): boolean =>
  file.toLowerCase().endsWith(traceEnding) || start.test(String.fromCharCode(...bytes.subarray(0, startBytes)));
