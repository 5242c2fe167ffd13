import { type DisassembledLine, disassemble as disassembleBytes } from "../assembler/index.ts";
import type { Bits } from "../isa/operands.ts";
import { type Arguments, type Command, wholeNumber } from "./command.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { requireBytes } from "./io.ts";
import { jsonText } from "./problem-text.ts";
import { jsonOption } from "./source-options.ts";

/** A megabyte: what a processor in real mode can address. Its text has some twenty times the size. */
const mostBytes = 2 ** 20;

/** One instruction, or a byte that is none. */
export interface Line {
  readonly address: number;
  readonly bytes: string;
  readonly text: string;
}

const hexadecimal = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

const sourceText = ({ text, comment }: DisassembledLine): string => (comment ? `${text}  ; ${comment}` : text);

/** All instructions of a flat binary, one after the other. Bytes that are no instruction become db lines. */
export function disassembly(bytes: Uint8Array, bits: Bits, origin: number): Line[] {
  return disassembleBytes(bytes, bits, origin).map((line) => {
    const at = line.address - origin;
    const hex = [...bytes.subarray(at, at + line.length)].map((byte) => hexadecimal(byte, 2)).join("");
    return { address: line.address, bytes: hex, text: sourceText(line) };
  });
}

/** A source that assembles to the bytes. */
const source = (lines: readonly Line[], bits: Bits, origin: number): string =>
  [`bits ${bits}`, `org 0x${hexadecimal(origin, 1)}`, ...lines.map(({ text }) => text), ""].join("\n");

function lineText({ address, bytes, text }: Line): string {
  const column = hexadecimal(address, 8).toUpperCase();
  return `${column}  ${bytes.toUpperCase().padEnd(20)}  ${text}\n`;
}

function bitsOf(args: Arguments): Bits {
  const text = args.text("bits") ?? "16";
  if (text !== "16" && text !== "32" && text !== "64") throw new UsageError(`--bits is 16, 32 or 64, not “${text}”.`);
  return Number(text) as Bits;
}

export const disassemble: Command = {
  name: "disassemble",
  summary: "Prints the instructions in a flat binary.",
  details: `Each line: address, bytes, instruction. Data is not told from code; bytes that are no instruction are printed as db.
The text assembles to the bytes it was made of: what assemblers do not write is db, with the instruction in a comment.
With --json an array of objects with address (a number), bytes and text.`,
  options: {
    bits: { value: "N", doc: "mode of the code: 16 (default), 32 or 64" },
    org: { value: "ADDRESS", doc: "address of the first byte (default 0); 0x… for hexadecimal" },
    source: { doc: "print source only, which assembles to the same file" },
    json: jsonOption,
    help: { doc: "print this" },
  },
  run(args, io) {
    const bits = bitsOf(args);
    const origin = wholeNumber(args, "org", 0) ?? 0;
    const bytes = requireBytes(io, args.file);
    if (bytes.length > mostBytes)
      throw new UsageError(`${args.file} has ${bytes.length} bytes; the most that is disassembled is ${mostBytes}.`);
    const lines = disassembly(bytes, bits, origin);
    if (args.flag("source")) io.out(source(lines, bits, origin));
    else io.out(args.flag("json") ? jsonText(lines) : lines.map(lineText).join(""));
    return exitCode.ok;
  },
};
