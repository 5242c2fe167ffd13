import type { AddressSpace, MachineInterface } from "../emulator/machine-interface.ts";
import type { Location } from "./evaluate.ts";
import { hexadecimal } from "./program.ts";

const prefixes: Readonly<Record<AddressSpace, string>> = {
  linear: "",
  "guest-physical": "gpa:",
  "host-physical": "hpa:",
};

/** A memory reference of the protocol. Linear ones are plain numbers, because the disassembly view sorts by them. */
export const memoryReference = ({ space, address }: Location): string => `${prefixes[space]}${hexadecimal(address)}`;

/** The address that a memory reference means; undefined if it is malformed. */
export function parseMemoryReference(reference: string): Location | undefined {
  const groups = /^(?:(?<space>gpa|hpa):)?(?<number>0x[\da-f]+|\d+)$/i.exec(reference.trim())?.groups;
  if (!groups?.["number"]) return undefined;
  const space = groups["space"]?.toLowerCase();
  const address = BigInt(groups["number"]);
  return { space: space === "gpa" ? "guest-physical" : space === "hpa" ? "host-physical" : "linear", address };
}

export interface ReadBytes {
  readonly bytes: Uint8Array;
  /** Bytes after these, up to the number asked for, that cannot be read. */
  readonly unreadable: number;
}

/** The bytes up to the first unmapped one, and how many unmapped ones follow. */
export function readBytes(machine: MachineInterface, { space, address }: Location, count: number): ReadBytes {
  const cells = machine.readMemory(space, address, count);
  const found = cells.indexOf(undefined);
  const end = found < 0 ? cells.length : found;
  let gap = end;
  while (gap < cells.length && cells[gap] === undefined) gap++;
  return { bytes: Uint8Array.from(cells.slice(0, end), (cell) => cell ?? 0), unreadable: gap - end };
}

/** Writes bytes and gives their number. Unless `partial`, nothing is written where not all can be: 0. */
export function writeBytes(
  machine: MachineInterface,
  { space, address }: Location,
  bytes: Uint8Array,
  partial: boolean,
): number {
  if (!partial && readBytes(machine, { space, address }, bytes.length).unreadable > 0) return 0;
  return machine.writeMemory(space, address, bytes);
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Base64, which neither ES2023 nor every host of this code provides for bytes. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let n = 0; n < bytes.length; n += 3) {
    const group = (bytes[n]! << 16) | ((bytes[n + 1] ?? 0) << 8) | (bytes[n + 2] ?? 0);
    const digits = [18, 12, 6, 0].map((shift) => alphabet[(group >> shift) & 63]);
    text += digits.slice(0, Math.min(bytes.length - n, 3) + 1).join("");
  }
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** The bytes of a Base64 text; undefined if it is malformed. */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={0,2}$/, "");
  if (/[^A-Za-z\d+/]/.test(digits) || digits.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let group = 0;
  for (let n = 0, out = 0; n < digits.length; n++) {
    group = ((group << 6) | alphabet.indexOf(digits[n]!)) & 0xffffff;
    if (n % 4 > 0) bytes[out++] = (group >> (6 - 2 * (n % 4))) & 0xff;
  }
  return bytes;
}
