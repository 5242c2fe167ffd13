import type { Assembly, Emitted, LineMap } from "../assembler/interface.ts";
import { lastAtOrBelow } from "../assembler/last-at-or-below.ts";
import { lineMap } from "../assembler/lines.ts";
import { fileKey } from "../assembler/location.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { isInterruptReturn, isReturn } from "./code.ts";

export interface ProgramSymbol {
  readonly name: string;
  readonly kind: "label" | "equ" | "define";
  readonly value: bigint | undefined;
}

/** A program as it stands in the machine: what is known of its code, whether it was assembled here or linked elsewhere. */
export interface Program {
  /** Path or URI of the main file, as the launch configuration names it. */
  readonly file: string;
  /** All source files, each once. */
  readonly files: readonly string[];
  readonly lines: LineMap;
  readonly symbols: ReadonlyMap<string, ProgramSymbol>;
  /** Linear address minus the program's own address. Not 0 where a small `org` makes the machine load at a segment of its own. */
  readonly bias: bigint;
  /** The address, in terms of the symbols, of a byte of the program; undefined for others. Takes the program's own address. */
  readonly symbolic: (address: bigint) => bigint | undefined;
  /** The bytes of an item as they were loaded; fewer where it has none in the file. */
  readonly loaded: (item: Emitted) => Uint8Array;
  /** Addresses of all returns, near, far and from interrupts. */
  readonly returns: () => readonly number[];
  /** The bytes of a source file from which the program was made, where they are known. */
  readonly source?: (file: string) => Uint8Array | undefined;
  /** What a step by source goes over: a line of assembly is an instruction, a line of C is several. */
  readonly stepsBy: "instruction" | "line";
}

/** The program that was assembled from a file. */
export function assembledProgram(file: string, assembly: Assembly, bias: bigint): Program {
  const { origin, bytes, symbols, includes, emitted } = assembly;
  const files = new Map([file, ...includes.map((include) => include.file)].map((name) => [fileKey(name), name]));
  files.set(fileKey(file), file);
  return {
    file,
    files: [...files.values()],
    lines: lineMap(assembly),
    symbols,
    bias,
    symbolic: (address) => (address >= BigInt(origin) && address < BigInt(origin + bytes.length) ? address : undefined),
    loaded: ({ position, length }) =>
      position === undefined ? new Uint8Array() : bytes.subarray(position, position + length),
    returns: () =>
      emitted
        .filter(({ decoded }) => decoded && (isReturn(decoded) || isInterruptReturn(decoded)))
        .map(({ address }) => address),
    stepsBy: "instruction",
  };
}

/** How far a machine that has not run yet has moved the program from the addresses the assembler gave it. */
export const biasOf = (machine: MachineInterface): bigint => machine.linearRip - machine.rip;

/** Addresses below 0 are those of the upper half of 64-bit space. */
export const toLinear = (program: Program, address: number | bigint): bigint =>
  BigInt.asUintN(64, BigInt(address) + program.bias);

const toOwn = (program: Program, linear: bigint): bigint => BigInt.asIntN(64, linear - program.bias);

/** The assembled item whose bytes include a linear address. */
export function itemAt(program: Program, linear: bigint): Emitted | undefined {
  const address = Number(toOwn(program, linear));
  return Number.isSafeInteger(address) ? program.lines.at(address) : undefined;
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

const labelsOf = new WeakMap<Program, readonly Label[]>();

/** Labels in address order; of several at one address the first defined comes last, so that it is found first. */
function labels(program: Program): readonly Label[] {
  const known = labelsOf.get(program);
  if (known) return known;
  const sorted: Label[] = [];
  for (const symbol of program.symbols.values())
    if (symbol.kind === "label" && symbol.value !== undefined)
      sorted.push({ name: symbol.name, address: symbol.value });
  sorted.reverse().sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  labelsOf.set(program, sorted);
  return sorted;
}

/** The last label at or before a linear address within the program, with the distance from it. */
export function placeOf(program: Program, linear: bigint): Place | undefined {
  const address = program.symbolic(toOwn(program, linear));
  if (address === undefined) return undefined;
  const sorted = labels(program);
  const label = sorted[lastAtOrBelow(sorted.length, (index) => sorted[index]!.address, address)];
  return label && { label: label.name, offset: address - label.address };
}

export const placeText = ({ label, offset }: Place): string => (offset === 0n ? label : `${label}+${offset}`);

/** The program's address of a label; a name that starts with "." belongs to the last main label before `near`. */
export function addressOfLabel(program: Program, name: string, near?: bigint): bigint | undefined {
  const scope = name.startsWith(".") && near !== undefined ? placeOf(program, near)?.label.split(".")[0] : "";
  const symbol = program.symbols.get(`${scope ?? ""}${name}`);
  return symbol?.kind === "label" ? symbol.value : undefined;
}

/** The value of an `equ`. */
export function constantNamed(program: Program, name: string): bigint | undefined {
  const symbol = program.symbols.get(name);
  return symbol?.kind === "equ" ? symbol.value : undefined;
}

export const hexadecimal = (value: bigint, width = 0): string => `0x${value.toString(16).padStart(width / 4, "0")}`;
