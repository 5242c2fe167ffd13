import type { TranslatedUnit } from "../emulator/index.ts";
import { itemAt, type Program, placeOf, placeText } from "./program.ts";

const sourceWidth = 38;
const hexBytes = (bytes: readonly number[]): string =>
  bytes.map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ");

/** Where guest code is, in the words of the source: line and label. */
function placeIn(program: Program, address: string): string {
  const linear = BigInt(`0x${address}`);
  const item = itemAt(program, linear);
  const place = placeOf(program, linear);
  const line = item ? `line ${item.range.line + 1}` : undefined;
  const parts = [line, place && placeText(place)].filter((part) => part !== undefined);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function exitText({ kind, target, unit, elided }: TranslatedUnit["exits"][number]): string {
  const where = unit === null ? "the VMM" : elided ? `unit ${unit}, whose code follows` : `unit ${unit}`;
  return `  ${kind} ${target}h → ${where}\n`;
}

function unitText(program: Program, unit: TranslatedUnit): string {
  const { id, linear, cache, bytes, alive, hits, guest, exits } = unit;
  const state = alive ? `entered ${hits} time${hits === 1 ? "" : "s"}` : "invalidated";
  const head = `unit ${id}: ${linear}h${placeIn(program, linear)} → ${cache}h, ${bytes} bytes, ${state}\n`;
  const lines = guest.flatMap(({ text, kind, code }) =>
    code.map(({ address, bytes: translated, text: own }, n) => {
      const left = n === 0 ? text : "";
      const mark = n === 0 ? kind : "";
      return `  ${left.padEnd(sourceWidth)} ${mark.padEnd(9)}  ${address}h  ${own.padEnd(sourceWidth)} ${hexBytes(translated)}\n`;
    }),
  );
  return [head, ...lines, ...exits.map(exitText)].join("");
}

/** The units of the translation cache, guest code beside its translation. */
export const translationsText = (program: Program, units: readonly TranslatedUnit[]): string =>
  units.length === 0 ? "nothing was translated\n" : units.map((unit) => unitText(program, unit)).join("\n");
