/**
 * Values as JSON that JSON has not: bytes and large integers. They are objects with one field, `$bytes` (a number in the list
 * of blobs) or `$bigint` (hexadecimal). The same bytes are in the list once.
 */
import { fromBase64, toBase64 } from "./base64.ts";

/** Bytes in a file: as text where they are readable text, so that people and tools can read it. */
export type Blob = { readonly text: string } | { readonly base64: string };

interface Streams {
  readonly TextDecoder: new (
    label: string,
    options: { readonly fatal: true; readonly ignoreBOM: true },
  ) => { decode(bytes: Uint8Array): string };
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
}
const { TextDecoder, TextEncoder } = globalThis as unknown as Streams;

// biome-ignore lint/suspicious/noControlCharactersInRegex: texts have only those between lines and columns
const unreadable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/** The text whose UTF-8 these bytes are; undefined if there is none that people can read. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return unreadable.test(text) ? undefined : text;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, n) => byte === b[n]);

/** Collects bytes on the way into a file. */
export class Blobs {
  readonly #bytes: Uint8Array[] = [];

  /** Number of these bytes in the list. */
  add(bytes: Uint8Array): number {
    const known = this.#bytes.findIndex((one) => sameBytes(one, bytes));
    return known < 0 ? this.#bytes.push(bytes) - 1 : known;
  }

  /** Number of all bytes. */
  get bytes(): number {
    return this.#bytes.reduce((sum, { length }) => sum + length, 0);
  }

  get list(): readonly Blob[] {
    return this.#bytes.map((bytes) => {
      const text = textOf(bytes);
      return text === undefined ? { base64: toBase64(bytes) } : { text };
    });
  }
}

/** Fields by name, so that the same value gives the same file. */
const sorted = (value: object): [string, unknown][] =>
  Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** @throws RangeError for what a file cannot hold */
export function packed(value: unknown, blobs: Blobs): unknown {
  if (value instanceof Uint8Array) return { $bytes: blobs.add(value) };
  if (typeof value === "bigint") return { $bigint: value.toString(16) };
  if (Array.isArray(value)) return value.map((item) => packed(item, blobs));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      sorted(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, packed(item, blobs)]])),
    );
  if (
    typeof value === "function" ||
    typeof value === "symbol" ||
    (typeof value === "number" && !Number.isFinite(value))
  )
    throw new RangeError(`A trace cannot hold ${String(value)}.`);
  return value;
}

/** The bytes of each blob; the number of the first that is none, instead. */
export function bytesOf(list: readonly Blob[]): readonly Uint8Array[] | number {
  const all: Uint8Array[] = [];
  for (const [n, blob] of list.entries()) {
    const bytes = "text" in blob ? new TextEncoder().encode(blob.text) : fromBase64(blob.base64);
    if (!bytes) return n;
    all.push(bytes);
  }
  return all;
}

/** What `packed` was given. @throws RangeError with what is wrong, for values that `packed` never gives */
export function unpacked(value: unknown, blobs: readonly Uint8Array[]): unknown {
  if (Array.isArray(value)) return value.map((item) => unpacked(item, blobs));
  if (typeof value !== "object" || value === null) return value;
  const { $bytes, $bigint } = value as Readonly<Record<string, unknown>>;
  if ($bytes !== undefined) {
    const bytes = typeof $bytes === "number" ? blobs[$bytes] : undefined;
    if (!bytes) throw new RangeError(`there is no blob ${JSON.stringify($bytes)}`);
    return bytes;
  }
  if ($bigint !== undefined) {
    if (typeof $bigint !== "string" || !/^[\da-f]{1,32}$/.test($bigint))
      throw new RangeError(`${JSON.stringify($bigint)} is no hexadecimal number`);
    return BigInt(`0x${$bigint}`);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpacked(item, blobs)]));
}

/** Whether two values would be the same in a file. */
export const sameValue = (a: unknown, b: unknown): boolean => {
  const blobs = new Blobs();
  return JSON.stringify(packed(a, blobs)) === JSON.stringify(packed(b, blobs));
};
