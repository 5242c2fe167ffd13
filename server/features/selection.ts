import type { Position, Range, SelectionRange } from "vscode-languageserver";
import { splitLines, wordsOf } from "../words.ts";
import { foldingRanges } from "./folding.ts";

const rangeOf = (line: number, start: number, end: number): Range => ({
  start: { line, character: start },
  end: { line, character: end },
});

/** The argument between commas, or what is between brackets, around a column: from the inside out. */
function enclosing(text: string, column: number): [number, number][] {
  const found: [number, number][] = [];
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if ("[({".includes(text[at]!)) open.push(at);
    else if ("])}".includes(text[at]!)) {
      const begin = open.pop();
      if (begin !== undefined && begin < column && column <= at) found.push([begin + 1, at], [begin, at + 1]);
    }
  }
  return found;
}

/** Columns of the statement and of the operand around the column. */
function partsOf(text: string, column: number): [number, number][] {
  const code = text.replace(/;[^'"`]*$/, "").trimEnd();
  const begin = /^\s*(?:[\w.$@?~#]+:\s*)?/.exec(code)![0].length;
  const parts: [number, number][] = [];
  const operands = /^\S+\s+/.exec(code.slice(begin));
  if (operands && column >= begin + operands[0].length) {
    let start = begin + operands[0].length;
    for (const operand of code.slice(start).split(",")) {
      const end = start + operand.length;
      if (start <= column && column <= end) parts.push([start + /^\s*/.exec(operand)![0].length, end]);
      start = end + 1;
    }
  }
  parts.push([begin, code.length], [/^\s*/.exec(text)![0].length, text.trimEnd().length], [0, text.length]);
  return parts;
}

/** A word, what is around it in brackets, its operand, statement and line, the blocks around that, the document. */
export function selectionRanges(text: string, positions: readonly Position[]): SelectionRange[] {
  const lines = splitLines(text);
  const blocks = foldingRanges(text);
  return positions.map(({ line, character }) => {
    const own = lines[line] ?? "";
    const word = wordsOf(own).find(({ start, end }) => start <= character && character <= end);
    const inLine = [
      ...(word ? [[word.start, word.end] as [number, number]] : []),
      ...enclosing(own, character),
      ...partsOf(own, character),
    ].map(([start, end]) => rangeOf(line, start, end));
    const around = blocks
      .filter(({ startLine, endLine }) => startLine <= line && line <= endLine)
      .map(({ startLine, endLine }) => ({
        start: { line: startLine, character: 0 },
        end: { line: endLine, character: lines[endLine]!.length },
      }));
    const last = { line: lines.length - 1, character: lines.at(-1)!.length };
    return nested([...inLine, ...around, { start: { line: 0, character: 0 }, end: last }], { line, character });
  });
}

const before = (a: Position, b: Position): boolean =>
  a.line < b.line || (a.line === b.line && a.character <= b.character);
const within = (inner: Range, outer: Range): boolean =>
  before(outer.start, inner.start) && before(inner.end, outer.end);
const size = ({ start, end }: Range): number => (end.line - start.line) * 1e6 + end.character - start.character;

/** Each range in the next larger one that holds it; ranges that only overlap are left out. */
function nested(ranges: readonly Range[], position: Position): SelectionRange {
  const chain: Range[] = [{ start: position, end: position }];
  for (const range of [...ranges].sort((a, b) => size(a) - size(b)))
    if (within(chain.at(-1)!, range) && size(range) > size(chain.at(-1)!)) chain.push(range);
  const parts = chain.length > 1 ? chain.slice(1) : chain;
  return parts.reduceRight<SelectionRange | undefined>(
    (parent, range) => (parent ? { range, parent } : { range }),
    undefined,
  )!;
}
