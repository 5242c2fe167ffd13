const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const codes = Uint8Array.from(alphabet, (digit) => digit.charCodeAt(0));
const values = new Uint8Array(128);
for (const [value, code] of codes.entries()) values[code] = value;

const padding = "=".charCodeAt(0);
/** Digits made into text at once: more arguments would overflow the stack. */
const piece = 8192;

/** Base64, which neither ES2023 nor every host of this code provides for bytes. */
export function toBase64(bytes: Uint8Array): string {
  const digits = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(padding);
  for (let n = 0, out = 0; n < bytes.length; n += 3, out += 4) {
    const group = (bytes[n]! << 16) | ((bytes[n + 1] ?? 0) << 8) | (bytes[n + 2] ?? 0);
    const count = Math.min(bytes.length - n, 3) + 1;
    for (let digit = 0; digit < count; digit++) digits[out + digit] = codes[(group >> (18 - 6 * digit)) & 63]!;
  }
  let text = "";
  for (let n = 0; n < digits.length; n += piece) text += String.fromCharCode(...digits.subarray(n, n + piece));
  return text;
}

/** The bytes of a Base64 text; undefined if it is malformed. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const digits = text.replace(/={0,2}$/, "");
  if (/[^A-Za-z\d+/]/.test(digits) || digits.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let group = 0;
  for (let n = 0, out = 0; n < digits.length; n++) {
    group = ((group << 6) | values[digits.charCodeAt(n)]!) & 0xffffff;
    if (n % 4 > 0) bytes[out++] = (group >> (6 - 2 * (n % 4))) & 0xff;
  }
  return bytes;
}
