/** Numbers and quoted strings as nasm reads them. */

const radixOf: Readonly<Record<string, number>> = { b: 2, y: 2, o: 8, q: 8, d: 10, t: 10, h: 16, x: 16 };
const radixLetter = (letter: string | undefined): number => radixOf[letter?.toLowerCase() ?? ""] ?? 0;
const prefixOfRadix: Readonly<Record<number, string>> = { 2: "0b", 8: "0o", 10: "", 16: "0x" };
const digitsOfRadix: Readonly<Record<number, RegExp>> = {
  2: /^[01]+$/,
  8: /^[0-7]+$/,
  10: /^\d+$/,
  16: /^[\da-fA-F]+$/,
};

/**
 * The value of a number in any of nasm's notations (`10`, `0x1f`, `$1f`, `1fh`, `0b101`, `101y`, `17q`, `0t10`, `1_000`),
 * or undefined if it is none. Where both a prefix and a suffix could be meant, the larger radix wins.
 */
export function parseNumber(image: string): bigint | undefined {
  if (/^\d{1,15}$/.test(image)) return BigInt(Number(image));
  const text = image.replaceAll("_", "");
  const dollar = text[0] === "$";
  const prefix = dollar ? 16 : text[0] === "0" && text.length > 2 ? radixLetter(text[1]) : 0;
  const suffix = text.length > 1 ? radixLetter(text.at(-1)) : 0;
  let radix = 10;
  let digits = text;
  if (prefix > suffix) {
    radix = prefix;
    digits = text.slice(dollar ? 1 : 2);
  } else if (suffix > prefix) {
    radix = suffix;
    digits = text.slice(0, -1);
  }
  return digitsOfRadix[radix]!.test(digits) ? BigInt(prefixOfRadix[radix] + digits) : undefined;
}

const escapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  e: 27,
};
const escapeSequence =
  /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|([\s\S]))|[^\\]+/g;

/** Appends the UTF-8 form of one code point; the assembler has no TextEncoder. Lone surrogates become U+FFFD. */
function pushUtf8(bytes: number[], code: number): void {
  const point = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
  if (point < 0x80) bytes.push(point);
  else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
  else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  else
    bytes.push(
      0xf0 | ((point >> 18) & 7),
      0x80 | ((point >> 12) & 63),
      0x80 | ((point >> 6) & 63),
      0x80 | (point & 63),
    );
}

function pushText(bytes: number[], text: string): void {
  for (const character of text) pushUtf8(bytes, character.codePointAt(0)!);
}

function pushEscaped(bytes: number[], text: string): void {
  for (const [all, hex, unicode, long, octal, other] of text.matchAll(escapeSequence)) {
    if (hex) bytes.push(Number.parseInt(hex, 16));
    else if (unicode ?? long) pushUtf8(bytes, Number.parseInt(unicode ?? long!, 16));
    else if (octal) bytes.push(Number.parseInt(octal, 8) & 255);
    else if (other && other in escapes) bytes.push(escapes[other]!);
    else pushText(bytes, other ?? all);
  }
}

/** The bytes of a quoted string, UTF-8; escapes are read in backquotes only. */
export function parseText(image: string): Uint8Array {
  const bytes: number[] = [];
  const inner = image.slice(1, -1);
  if (image[0] === "`") pushEscaped(bytes, inner);
  else pushText(bytes, inner);
  return Uint8Array.from(bytes);
}

/** A string as a number: its first eight bytes, little-endian. */
export function textValue(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let n = Math.min(bytes.length, 8) - 1; n >= 0; n--) value = (value << 8n) | BigInt(bytes[n]!);
  return BigInt.asIntN(64, value);
}
