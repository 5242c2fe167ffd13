import type { Assembly } from "./interface.ts";

const bytesPerLine = 9;
/** Bytes of one source line that are shown. */
const mostBytes = 72;

const hexadecimal = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, "0");

/** Bytes and first address of what each line of each file became. */
function codeByLine({ emitted, bytes }: Assembly): Map<string, { address: number; bytes: number[] }> {
  const map = new Map<string, { address: number; bytes: number[] }>();
  for (const { range, address, position, length } of emitted) {
    const key = `${range.file}:${range.line}`;
    const entry = map.get(key) ?? { address, bytes: [] };
    if (entry.bytes.length <= mostBytes) {
      const start = position ?? bytes.length;
      entry.bytes.push(...bytes.subarray(start, start + Math.min(length, mostBytes + 1)));
    }
    map.set(key, entry);
  }
  return map;
}

/**
 * A listing in nasm's columns: line number, address, bytes, depth of inclusion, source. Included files follow the line
 * that includes them. Addresses are final, with the origin in them; in an object file they count from the beginning of
 * the section, and fields that the linker fills are as the file has them.
 */
export function listing(file: string, assembly: Assembly, texts: ReadonlyMap<string, string>): string {
  const code = codeByLine(assembly);
  const includes = new Map(
    assembly.includes.map(({ range, file: included }) => [`${range.file}:${range.line}`, included]),
  );
  const lines: string[] = [];
  const add = (name: string, depth: number) => {
    for (const [n, text] of (texts.get(name) ?? "").split(/\r\n|\n|\r/).entries()) {
      const found = code.get(`${name}:${n}`);
      const chunks = found ? chunked(found.bytes) : [];
      const mark = depth === 0 ? "" : `<${depth}>`;
      const address = found ? hexadecimal(found.address, 8) : "";
      lines.push(row(n + 1, address, chunks[0] ?? "", mark, text));
      for (const [at, chunk] of chunks.entries())
        if (at > 0) lines.push(row(n + 1, hexadecimal(found!.address + at * bytesPerLine, 8), chunk, mark, ""));
      const included = includes.get(`${name}:${n}`);
      if (included !== undefined && depth < 64) add(included, depth + 1);
    }
  };
  add(file, 0);
  return `${lines.join("\n")}\n`;
}

function chunked(bytes: readonly number[]): string[] {
  const chunks: string[] = [];
  for (let n = 0; n < Math.min(bytes.length, mostBytes); n += bytesPerLine)
    chunks.push(
      bytes
        .slice(n, n + bytesPerLine)
        .map((byte) => hexadecimal(byte, 2))
        .join(""),
    );
  if (bytes.length > mostBytes) chunks.push("…");
  return chunks;
}

const row = (line: number, address: string, bytes: string, mark: string, text: string): string =>
  `${String(line).padStart(6)} ${address.padEnd(8)} ${bytes.padEnd(2 * bytesPerLine)} ${mark.padEnd(4)}${text}`.trimEnd();
