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

/** The bytes of a text, UTF-8. */
export const bytesOf = (text: string): readonly number[] => [...parseText(`'${text}'`)];
