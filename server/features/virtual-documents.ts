import { type AssembleOptions, type Assembly, type DisassembledLine, disassemble } from "../../assembler/index.ts";
import { listing } from "../../assembler/listing.ts";
import { baseName } from "../../assembler/location.ts";
import { preprocessed } from "../../assembler/preprocessed.ts";
import { type VirtualKind, virtualKinds } from "../protocol.ts";

/** A document that is made of a program and read only. */
export interface Virtual {
  readonly kind: VirtualKind;
  /** The program's main file. */
  readonly source: string;
}

/** What a URI of ours asks for; undefined if it is none. */
export function virtualOf(uri: string): Virtual | undefined {
  const [, scheme, query] = /^([\w-]+):[^?]*\?([^#]*)/.exec(uri) ?? [];
  const kind = virtualKinds.find((known) => known === scheme);
  return kind && query !== undefined ? { kind, source: decodeURIComponent(query) } : undefined;
}

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, "0");

const isError = ({ severity }: { readonly severity: string }): boolean => severity === "error";

/** The bytes read as instructions of the modes they were assembled for. */
function disassembly(assembly: Assembly): string {
  const { bytes, emitted } = assembly;
  const placed = emitted.filter(({ position, length }) => position !== undefined && length > 0);
  const lines: string[] = [];
  for (let at = 0; at < placed.length; ) {
    const first = placed[at]!;
    let end = at + 1;
    let length = first.length;
    while (end < placed.length && placed[end]!.bits === first.bits && follows(placed[end]!, first, length))
      length += placed[end++]!.length;
    const start = first.position!;
    lines.push(
      `; ${first.bits}-bit code`,
      ...rows(disassemble(bytes.subarray(start, start + length), first.bits, first.address), bytes, start),
    );
    at = end;
  }
  return lines.join("\n");
}

const follows = (one: Assembly["emitted"][number], first: Assembly["emitted"][number], length: number): boolean =>
  one.address === first.address + length && one.position === first.position! + length;

function rows(found: readonly DisassembledLine[], bytes: Uint8Array, start: number): string[] {
  const origin = found[0]?.address ?? 0;
  return found.map(({ address, length, text, comment }) => {
    const at = start + address - origin;
    const shown = [...bytes.subarray(at, at + length)].map((byte) => hex(byte, 2)).join("");
    return `${hex(address, 8)}  ${shown.padEnd(20)}  ${text}${comment ? `  ; ${comment}` : ""}`;
  });
}

/** The text of a virtual document. */
export function virtualText(
  kind: VirtualKind,
  assembly: Assembly,
  options: AssembleOptions,
  textOf: (file: string) => string | undefined,
): string {
  if (kind === "ringside-preprocessed") return preprocessed(options);
  const errors = assembly.problems.filter(isError);
  if (kind === "ringside-disassembly")
    return errors.length > 0
      ? `; ${baseName(options.file)} has errors, so there are no bytes to disassemble: ${errors[0]!.message}\n`
      : `${disassembly(assembly)}\n`;
  const files = [options.file, ...assembly.includes.map(({ file }) => file)];
  return listing(options.file, assembly, new Map(files.map((file) => [file, textOf(file) ?? ""])));
}
