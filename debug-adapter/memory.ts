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
