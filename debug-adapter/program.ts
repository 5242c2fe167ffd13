import type { Assembly, Emitted, LineMap } from "../assembler/interface.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";

/** A program as it stands in the machine: what was assembled, and where it was loaded. */
export interface Program {
  /** Path or URI of the main source file, as the launch configuration names it. */
  readonly file: string;
  readonly assembly: Assembly;
  readonly lines: LineMap;
  /** Linear address minus assembler's address. Not 0 where a small `org` makes the machine load at a segment of its own. */
  readonly bias: bigint;
}

/** How far a machine that has not run yet has moved the program from the addresses the assembler gave it. */
export const biasOf = (machine: MachineInterface): bigint => machine.linearRip - machine.rip;

export const toLinear = (program: Program, address: number | bigint): bigint => BigInt(address) + program.bias;

/** The assembled item whose bytes include a linear address. */
export function itemAt(program: Program, linear: bigint): Emitted | undefined {
  const address = linear - program.bias;
  return address >= 0n && address <= BigInt(Number.MAX_SAFE_INTEGER) ? program.lines.at(Number(address)) : undefined;
}

/** The instruction of the program that ends just before a linear address. */
export function instructionEndingAt(program: Program, linear: bigint): Emitted | undefined {
  const item = itemAt(program, linear - 1n);
  if (!item?.decoded) return undefined;
  return toLinear(program, item.address + item.length) === linear ? item : undefined;
}

/** True where an instruction of the program starts. */
export function isInstructionStart(program: Program, linear: bigint): boolean {
  const item = itemAt(program, linear);
  return item?.decoded !== undefined && toLinear(program, item.address) === linear;
}

export interface Place {
  readonly label: string;
  readonly offset: bigint;
}

interface Label {
  readonly name: string;
  readonly address: bigint;
}

const labelsOf = new WeakMap<Assembly, readonly Label[]>();

/** Labels in address order; of several at one address the first defined comes last, so that it is found first. */
function labels(assembly: Assembly): readonly Label[] {
  const known = labelsOf.get(assembly);
  if (known) return known;
  const sorted: Label[] = [];
  for (const symbol of assembly.symbols.values())
    if (symbol.kind === "label" && symbol.value !== undefined)
      sorted.push({ name: symbol.name, address: symbol.value });
  sorted.reverse().sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  labelsOf.set(assembly, sorted);
  return sorted;
}

/** The last label at or before a linear address within the program, with the distance from it. */
export function placeOf(program: Program, linear: bigint): Place | undefined {
  const address = linear - program.bias;
  const { origin, bytes } = program.assembly;
  if (address < BigInt(origin) || address >= BigInt(origin + bytes.length)) return undefined;
  const sorted = labels(program.assembly);
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.address <= address) low = middle + 1;
    else high = middle;
  }
  const label = sorted[low - 1];
  return label && { label: label.name, offset: address - label.address };
}

export const placeText = ({ label, offset }: Place): string => (offset === 0n ? label : `${label}+${offset}`);

/** The assembler's address of a label; a name that starts with "." belongs to the last main label before `near`. */
export function addressOfLabel(program: Program, name: string, near: bigint): bigint | undefined {
  const scope = name.startsWith(".") ? placeOf(program, near)?.label.split(".")[0] : "";
  const symbol = program.assembly.symbols.get(`${scope ?? ""}${name}`);
  return symbol?.kind === "label" ? symbol.value : undefined;
}

/** The value of an `equ`. */
export function constantNamed(program: Program, name: string): bigint | undefined {
  const symbol = program.assembly.symbols.get(name);
  return symbol?.kind === "equ" ? symbol.value : undefined;
}

export const hexadecimal = (value: bigint, width = 0): string => `0x${value.toString(16).padStart(width / 4, "0")}`;
