import type { Assembly, InstructionMention, Problem } from "../../assembler/index.ts";
import { flowOf } from "../analysis/flow.ts";

/** `cli` and `hlt` together, or a jump back behind it, say that the end is meant. */
function isMeant(mentions: readonly InstructionMention[], n: number): boolean {
  const next = mentions[n + 1];
  const halt = mentions[n]!;
  if (mentions[n - 1]?.row?.mnemonic === "cli" || !next) return true;
  if (next.row?.mnemonic === "jmp" || next.row?.mnemonic === "hlt") return true;
  const { address, bytes } = halt;
  return address === undefined || next.address !== address + (bytes?.length ?? 0);
}

/** A HLT that no interrupt ends, followed by code that is meant to go on. */
export function haltWithoutInterrupts(assembly: Assembly): Problem[] {
  const halts = assembly.mentionsOf(({ mnemonic }) => mnemonic === "hlt");
  if (halts.length === 0) return [];
  const flow = flowOf(assembly);
  const off = halts.filter((mention) => flow.at(mention)?.interrupts === false);
  if (off.length === 0) return [];
  const { mentions } = assembly;
  return off.flatMap((mention): Problem[] => {
    const n = mentions.indexOf(mention);
    const next = mentions[n + 1];
    if (isMeant(mentions, n) || startsRoutine(assembly, next)) return [];
    const message =
      "Interrupts are off here, so HLT never ends (only an NMI would end it). Write STI directly before it: interrupts come only after the HLT has begun.";
    const { range } = mention;
    const fixes = [
      { title: "Write STI before HLT", edits: [{ range: { ...range, end: range.start }, text: "sti\n        " }] },
    ];
    return [{ code: "halt-without-interrupts", severity: "warning", message, range, fixes }];
  });
}

/** A global label behind the HLT begins something else. */
function startsRoutine(assembly: Assembly, next: InstructionMention | undefined): boolean {
  if (!next) return true;
  const { definitions } = assembly.onLine(next.range.file, next.range.line);
  const before = next.range.line > 0 ? assembly.onLine(next.range.file, next.range.line - 1).definitions : [];
  return [...definitions, ...before].some(({ name }) => !name.includes("."));
}
