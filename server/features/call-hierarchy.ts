import {
  type CallHierarchyIncomingCall,
  type CallHierarchyItem,
  type CallHierarchyOutgoingCall,
  type Range as LspRange,
  type Position,
  SymbolKind,
} from "vscode-languageserver";
import type { Assembly, InstructionMention, Range, SymbolDefinition, SymbolReference } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";
import { toLsp } from "../ranges.ts";
import { symbolAt } from "./definition.ts";

/** CALL, JMP, conditional jumps, LOOP: what goes somewhere else by an operand. */
const isTransfer = ({ operands, mnemonic }: Row): boolean =>
  mnemonic === "call" || mnemonic === "jmp" || operands.some(({ kind }) => kind === "relative" || kind === "far");

const isRoutine = ({ kind, name }: SymbolDefinition): boolean => kind === "label" && !name.includes(".");

const itemOf = ({ name, range }: SymbolDefinition): CallHierarchyItem => ({
  name,
  kind: SymbolKind.Function,
  uri: range.file,
  range: toLsp(range),
  selectionRange: toLsp(range),
});

/** Routines by file, in order: a global label and what follows up to the next. */
function routines(assembly: Assembly): Map<string, SymbolDefinition[]> {
  const byFile = new Map<string, SymbolDefinition[]>();
  for (const symbol of assembly.symbols.values()) {
    if (!isRoutine(symbol)) continue;
    const own = byFile.get(symbol.range.file) ?? [];
    byFile.set(symbol.range.file, own);
    own.push(symbol);
  }
  for (const own of byFile.values()) own.sort((a, b) => a.range.line - b.range.line);
  return byFile;
}

const lineKey = ({ file, line }: Range): string => `${line}:${file}`;

const transfers = (assembly: Assembly): Map<string, InstructionMention> =>
  new Map(assembly.mentionsOf(isTransfer).map((mention) => [lineKey(mention.range), mention]));

const inside = ({ range }: SymbolReference, mention: InstructionMention | undefined): boolean =>
  mention !== undefined && mention.range.start <= range.start && range.end <= mention.range.end;

/** The routine under the cursor, or the one that the cursor is in. */
export function prepareCalls(assembly: Assembly, uri: string, position: Position): CallHierarchyItem[] {
  const name = symbolAt(assembly, uri, position);
  const symbol = name === undefined ? undefined : assembly.symbols.get(name);
  const around = routines(assembly)
    .get(uri)
    ?.findLast(({ range }) => range.line <= position.line);
  const found = symbol?.kind === "label" ? symbol : around;
  return found ? [itemOf(found)] : [];
}

function grouped<T extends SymbolDefinition>(pairs: readonly (readonly [T, LspRange])[]): [T, LspRange[]][] {
  const groups = new Map<string, [T, LspRange[]]>();
  for (const [symbol, range] of pairs) {
    const group = groups.get(symbol.name) ?? [symbol, []];
    groups.set(symbol.name, group);
    group[1].push(range);
  }
  return [...groups.values()];
}

/** The routines that call a label or jump to it. */
export function incomingCalls(assembly: Assembly, name: string): CallHierarchyIncomingCall[] {
  const known = transfers(assembly);
  const byFile = routines(assembly);
  const pairs = assembly.references.flatMap((reference): (readonly [SymbolDefinition, LspRange])[] => {
    if (reference.name !== name) return [];
    const { range } = reference;
    if (!inside(reference, known.get(lineKey(range)))) return [];
    const from = byFile.get(range.file)?.findLast((one) => one.range.line <= range.line);
    return from ? [[from, toLsp(range)]] : [];
  });
  return grouped(pairs).map(([symbol, fromRanges]) => ({ from: itemOf(symbol), fromRanges }));
}

/** The labels that a routine calls or jumps to, other than its own. */
export function outgoingCalls(assembly: Assembly, name: string): CallHierarchyOutgoingCall[] {
  const routine = assembly.symbols.get(name);
  if (!routine) return [];
  const { file, line: first } = routine.range;
  const next = routines(assembly)
    .get(file)
    ?.find(({ range }) => range.line > first);
  const last = next ? next.range.line - 1 : Number.POSITIVE_INFINITY;
  const known = transfers(assembly);
  const pairs = assembly.references.flatMap((reference): (readonly [SymbolDefinition, LspRange])[] => {
    if (reference.name.startsWith(`${name}.`)) return [];
    const { range } = reference;
    if (range.file !== file || range.line < first || range.line > last) return [];
    const to = assembly.symbols.get(reference.name);
    return to?.kind === "label" && inside(reference, known.get(lineKey(range))) ? [[to, toLsp(range)]] : [];
  });
  return grouped(pairs).map(([symbol, fromRanges]) => ({ to: itemOf(symbol), fromRanges }));
}
