/**
 * Code without a source: firmware, boot loaders, kernels built elsewhere, code that was copied or made at run time. What memory holds
 * is disassembled into a document that a client asks for by number, for clients show where the guest is in documents only.
 */
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { Coordinates } from "./coordinates.ts";
import { type DisassembledLine, disassemble } from "./disassembly.ts";
import type { Location, Subject } from "./evaluate.ts";
import { hexadecimal } from "./program.ts";

/** Instructions of a listing before the one that it is made for, and in all. */
const ahead = 32;
const length = 256;
/** The latest listings are kept, this many. */
const most = 100;
/** Columns, in characters. */
const [addressDigits, byteColumns] = [{ 64: 16, 32: 8, 16: 8 }, 24];

/** Of which language a listing is: package.json has it, too. */
const mimeType = "text/x-ringside-disassembly";

interface Listing {
  readonly reference: number;
  readonly vm: string;
  readonly bits: 16 | 32 | 64;
  readonly instructions: readonly DisassembledLine[];
  readonly text: string;
  /** Linear address of the instruction in each line of the text. */
  readonly addresses: readonly bigint[];
}

const row = ({ address, bytes, text }: DisassembledLine, bits: Listing["bits"]): string => {
  const code = bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
  const place = address.toString(16).toUpperCase().padStart(addressDigits[bits], "0");
  return `${place}  ${code.padEnd(byteColumns)}  ${text}`;
};

/** A positive number of 31 bits that the same text always gets. Sources of traces have odd ones. */
function numberOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  return (hash >>> 1) & ~1 || 2;
}

function listingAt(subject: Subject, anchor: bigint): Listing {
  const { vm, bits } = subject.machine;
  const instructions = disassemble(subject, anchor, -ahead, length).filter(
    ({ address, bytes }) => address === anchor || bytes.length > 0,
  );
  const lines = instructions.flatMap((line) => [
    ...(line.label ? [{ text: `${line.label}:`, address: line.address }] : []),
    { text: row(line, bits), address: line.address },
  ]);
  const text = lines.map((line) => line.text).join("\n");
  return { reference: numberOf(text), vm, bits, instructions, text, addresses: lines.map(({ address }) => address) };
}

/** Does memory still hold what a listing shows? */
function isIntact(machine: MachineInterface, { vm, bits, instructions }: Listing): boolean {
  if (vm !== machine.vm || bits !== machine.bits) return false;
  const bytes = instructions.flatMap((line) => line.bytes);
  const cells = machine.readMemory("linear", instructions[0]!.address, bytes.length);
  return bytes.length > 0 && bytes.every((byte, n) => byte === cells[n]);
}

/** The listings that clients were told of in a session. */
export class CodeListings {
  #listings: readonly Listing[] = [];

  /** Where the instruction at a linear address is shown, for a stack frame. */
  place(subject: Subject, address: bigint, coordinates: Coordinates): Pick<P.StackFrame, "source" | "line" | "column"> {
    const shows = (listing: Listing) => listing.addresses.includes(address) && isIntact(subject.machine, listing);
    const known = this.#listings.findLast(shows);
    const listing = known ?? listingAt(subject, address);
    if (!known) this.#listings = [...this.#listings, listing].slice(-most);
    const { reference, instructions, addresses } = listing;
    const name = `Disassembly from ${hexadecimal(instructions[0]!.address)}`;
    return {
      source: { name, sourceReference: reference, origin: "disassembled, for there is no source" },
      line: coordinates.line(addresses.lastIndexOf(address)),
      column: coordinates.column(0),
    };
  }

  /** Answers `source` for a listing; undefined if none has the number. */
  source({ source, sourceReference }: P.SourceArguments): P.SourceResponse["body"] | undefined {
    const wanted = source?.sourceReference ?? sourceReference;
    const listing = this.#listings.find(({ reference }) => reference === wanted);
    return listing && { content: listing.text, mimeType };
  }

  /** Where the instruction in a line (0-based) of a listing is; undefined if there is none. */
  location(reference: number | undefined, line: number): Location | undefined {
    const address = this.#listings.find((listing) => listing.reference === reference)?.addresses[line];
    return address === undefined ? undefined : { space: "linear", address };
  }
}
