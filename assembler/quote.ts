import { transformed } from "./functions.ts";
import { parseText } from "./literals.ts";

/** The characters with these codes, however many. */
export function charactersOf(codes: Iterable<number>): string {
  const parts: string[] = [];
  for (const code of codes) parts.push(String.fromCharCode(code));
  return parts.join("");
}

/** Bytes as a quoted string of the dialect. */
export function quoted(bytes: readonly number[]): string {
  const text = charactersOf(bytes);
  const plain = bytes.every((byte) => byte >= 32 && byte < 127);
  if (plain && !text.includes("'")) return `'${text}'`;
  if (plain && !text.includes('"')) return `"${text}"`;
  const escaped = bytes.map((byte) =>
    byte < 32 || byte >= 127 || byte === 96 || byte === 92
      ? `\\x${byte.toString(16).padStart(2, "0")}`
      : String.fromCharCode(byte),
  );
  return `\`${escaped.join("")}\``;
}

/** UTF-8 bytes as a text; bytes that are none stand for themselves. */
export function textOf(bytes: Uint8Array): string {
  const codes = transformed("utf32", bytes);
  if (!codes) return charactersOf(bytes);
  const points: number[] = [];
  for (let at = 0; at < codes.length; at += 4) points.push(codes[at]! | (codes[at + 1]! << 8) | (codes[at + 2]! << 16));
  return points.map((point) => String.fromCodePoint(Math.min(point, 0x10ffff))).join("");
}

/** The bytes of a text, UTF-8. */
export const bytesOf = (text: string): readonly number[] => [...parseText(`'${text}'`)];
