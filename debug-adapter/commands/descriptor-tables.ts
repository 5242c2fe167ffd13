/** `gdt` and `idt`: the guest's descriptor tables, as the processor would read them now. */

import { evaluateText } from "../evaluate.ts";
import { placeOf, placeText } from "../program.ts";
import { readRegisters } from "../registers.ts";
import { Refusal } from "../requests.ts";
import type { Command, Context } from "./command.ts";
import { columnsText, manualHex } from "./table-text.ts";

/** Entries shown of a table where none is asked for. */
const most = 64;

interface Table {
  readonly base: bigint;
  readonly limit: number;
}

const register = (context: Context, name: string): bigint => readRegisters(context.machine).get(name)?.value ?? 0n;

const tableAt = (context: Context, name: string): Table => ({
  base: register(context, `${name}.BASE`),
  limit: Number(register(context, `${name}.LIMIT`)),
});

/** Little-endian bytes of an entry; undefined if they are not all mapped. */
function entryAt({ machine }: Context, { base }: Table, offset: number, bytes: number): bigint | undefined {
  let value = 0n;
  for (const [n, cell] of machine.readMemory("linear", base + BigInt(offset), bytes).entries()) {
    if (cell === undefined) return undefined;
    value |= BigInt(cell) << BigInt(8 * n);
  }
  return value;
}

const field = (entry: bigint, low: number, width: number): number =>
  Number((entry >> BigInt(low)) & ((1n << BigInt(width)) - 1n));

/** System-segment and gate types (SDM Vol. 3, table 3-2). */
const systemTypes = [
  "reserved",
  "16-bit TSS",
  "LDT",
  "busy 16-bit TSS",
  "16-bit call gate",
  "task gate",
  "16-bit interrupt gate",
  "16-bit trap gate",
  "reserved",
  "TSS",
  "reserved",
  "busy TSS",
  "call gate",
  "reserved",
  "interrupt gate",
  "trap gate",
] as const;

function segmentType(type: number): string {
  const code = (type & 8) !== 0;
  const words = code
    ? ["code", (type & 4) !== 0 ? "conforming" : "", (type & 2) !== 0 ? "readable" : "execute-only"]
    : ["data", (type & 4) !== 0 ? "expand-down" : "", (type & 2) !== 0 ? "writable" : "read-only"];
  return [...words, (type & 1) !== 0 ? "accessed" : ""].filter(Boolean).join(" ");
}

const baseOf = (entry: bigint): bigint => ((entry >> 16n) & 0xff_ffffn) | ((entry >> 32n) & 0xff00_0000n);

function limitOf(entry: bigint): number {
  const raw = field(entry, 0, 16) | (field(entry, 48, 4) << 16);
  return field(entry, 55, 1) === 1 ? raw * 4096 + 4095 : raw;
}

/** A row of the GDT; `wide`: the entry has 16 bytes, as those of system segments do in IA-32e mode. */
function segmentRow(selector: number, entry: bigint, wide: boolean): readonly string[] {
  const type = field(entry, 40, 4);
  const isSegment = field(entry, 44, 1) === 1;
  const gate = !isSegment && [4, 5, 12].includes(type);
  const size = field(entry, 53, 1) === 1 ? "64-bit" : field(entry, 54, 1) === 1 ? "32-bit" : "16-bit";
  const base = baseOf(entry) | (wide ? ((entry >> 64n) & 0xffff_ffffn) << 32n : 0n);
  return [
    manualHex(selector),
    gate ? "" : manualHex(base),
    gate ? "" : manualHex(limitOf(entry)),
    `DPL ${field(entry, 45, 2)}`,
    field(entry, 47, 1) === 1 ? "present" : "not present",
    isSegment ? `${size} ${segmentType(type)}` : systemTypes[type]!,
  ];
}

function gdt(context: Context, argument: string): string {
  const table = tableAt(context, "GDTR");
  const long = (register(context, "IA32_EFER") & 0x400n) !== 0n;
  const wanted = argument === "" ? undefined : Number(numberOf(context, argument)) & ~7;
  const rows: (readonly string[])[] = [["selector", "base", "limit", "DPL", "P", "type"]];
  for (let selector = 0; selector + 7 <= table.limit && rows.length <= most; selector += 8) {
    const entry = entryAt(context, table, selector, 8);
    if (entry === undefined) break;
    const wide = long && field(entry, 44, 1) === 0 && [2, 9, 11, 12].includes(field(entry, 40, 4));
    const whole = wide ? (entryAt(context, table, selector, 16) ?? entry) : entry;
    const shown = wanted === undefined ? entry !== 0n : selector === wanted;
    if (shown) rows.push(segmentRow(selector, whole, wide));
    if (wide) selector += 8;
  }
  const head = `GDT at ${manualHex(table.base)}, limit ${manualHex(table.limit)}`;
  if (rows.length > 1) return `${head}\n${columnsText(rows, [0, 1, 2])}`;
  return wanted === undefined ? `${head}: no entry but null ones` : `${head}: no entry ${manualHex(wanted)}`;
}

function numberOf(context: Context, text: string): bigint {
  const outcome = evaluateText(context, text);
  if (outcome.problem !== undefined) throw new Refusal(`${outcome.problem}.`);
  return outcome.value;
}

/** How vectors are found in a mode: bytes of an entry, and what is in it. */
interface Gates {
  readonly bytes: number;
  readonly row: (entry: bigint) => { readonly target: bigint; readonly words: readonly string[] } | undefined;
}

const realGates: Gates = {
  bytes: 4,
  row: (entry) => {
    const segment = field(entry, 16, 16);
    const offset = field(entry, 0, 16);
    const target = BigInt(segment * 16 + offset);
    return entry === 0n
      ? undefined
      : { target, words: [`${segment.toString(16).padStart(4, "0").toUpperCase()}:${manualHex(offset)}`, "", ""] };
  },
};

const protectedGates = (bytes: 8 | 16): Gates => ({
  bytes,
  row: (entry) => {
    if (entry === 0n) return undefined;
    const upper = bytes === 16 ? (entry >> 64n) & 0xffff_ffffn : 0n;
    const offset = BigInt(field(entry, 0, 16)) | (((entry >> 48n) & 0xffffn) << 16n) | (upper << 32n);
    const present = field(entry, 47, 1) === 1 ? "" : ", not present";
    const kind = `${systemTypes[field(entry, 40, 4)]}${present}`;
    return {
      target: offset,
      words: [`${manualHex(field(entry, 16, 16))}:${manualHex(offset)}`, `DPL ${field(entry, 45, 2)}`, kind],
    };
  },
});

function gatesOf(context: Context): Gates {
  if ((register(context, "CR0") & 1n) === 0n) return realGates;
  return protectedGates((register(context, "IA32_EFER") & 0x400n) === 0n ? 8 : 16);
}

function idt(context: Context, argument: string): string {
  const table = tableAt(context, "IDTR");
  const { bytes, row } = gatesOf(context);
  const wanted = argument === "" ? undefined : Number(numberOf(context, argument));
  const rows: (readonly string[])[] = [["vector", "handler", "DPL", "type", "label"]];
  for (let vector = 0; (vector + 1) * bytes - 1 <= table.limit && vector < 256; vector++) {
    if (wanted !== undefined && vector !== wanted) continue;
    const entry = entryAt(context, table, vector * bytes, bytes);
    const gate = entry === undefined ? undefined : row(entry);
    const place = gate && placeOf(context.program, gate.target);
    if (gate) rows.push([`${vector}`, ...gate.words, place ? placeText(place) : ""]);
  }
  const head = `IDT at ${manualHex(table.base)}, limit ${manualHex(table.limit)}`;
  if (rows.length > 1) return `${head}\n${columnsText(rows, [0])}`;
  return wanted === undefined ? `${head}: no entry but null ones` : `${head}: no entry for vector ${wanted}`;
}

export const descriptorCommands: readonly Command[] = [
  {
    name: "gdt",
    parameters: "[SELECTOR]",
    what: "The segments of the guest's global descriptor table, or the one that a selector names.",
    run: gdt,
  },
  {
    name: "idt",
    parameters: "[VECTOR]",
    what: "The handlers of the guest's interrupt descriptor table, in real mode of its vector table, or the one of a vector.",
    run: idt,
  },
];
