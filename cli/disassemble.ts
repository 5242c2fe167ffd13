import { decode } from "../isa/decode.ts";
import { format } from "../isa/format.ts";
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

/** All instructions of a flat binary, one after the other. Bytes that are no instruction become db lines. */
export function* disassembly(bytes: Uint8Array, bits: Bits, origin: number): Generator<Line> {
  for (let at = 0; at < bytes.length; ) {
    const decoded = decode(bytes, at, bits);
    const address = origin + at;
    const length = typeof decoded === "string" ? 1 : decoded.length;
    const hex = [...bytes.subarray(at, at + length)].map((byte) => hexadecimal(byte, 2)).join("");
    const text =
      typeof decoded === "string"
        ? `db 0x${hexadecimal(bytes[at]!, 2)}`
        : format(decoded, { address: BigInt(address) });
    yield { address, bytes: hex, text };
    at += length;
  }
}

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
With --json an array of objects with address (a number), bytes and text.`,
  options: {
    bits: { value: "N", doc: "mode of the code: 16 (default), 32 or 64" },
    org: { value: "ADDRESS", doc: "address of the first byte (default 0); 0x… for hexadecimal" },
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
    io.out(args.flag("json") ? jsonText([...lines]) : [...lines].map(lineText).join(""));
    return exitCode.ok;
  },
};
