import { createConsoleText } from "./devices/console-text.ts";

/** The UTF-8 bytes of a text. Lone surrogates become U+FFFD, as everywhere. */
export function utf8(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0)!;
    const code = point >= 0xd800 && point < 0xe000 ? 0xfffd : point;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return bytes;
}

/** Characters that one call may make of codes: more arguments would overflow the stack. */
const most = 4096;

/** The text of UTF-8 bytes; a byte that is not part of any is taken as Latin-1. */
export function utf8Text(bytes: Uint8Array): string {
  let text = "";
  const reader = createConsoleText((piece) => {
    text += piece;
  });
  for (let at = 0; at < bytes.length; ) {
    let end = at;
    while (end < bytes.length && end < at + most && bytes[end]! < 0x80) end++;
    if (end === at) reader.send(bytes[at++]!);
    else {
      reader.flush();
      text += String.fromCharCode(...bytes.subarray(at, end));
      at = end;
    }
  }
  reader.flush();
  return text;
}
