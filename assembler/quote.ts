/** Bytes as a quoted string of the dialect. */
export function quoted(bytes: readonly number[]): string {
  const text = String.fromCharCode(...bytes);
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
