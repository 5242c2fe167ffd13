/**
 * Keys of a US keyboard by name and their scan codes of set 1 (make codes; a break code has bit 7 set). `extended` keys send
 * E0h first. Set 2, which the keyboard itself speaks, is found through the controller's own translation table.
 */
export interface Key {
  readonly code: number;
  readonly extended?: true;
}

const rows: readonly (readonly [first: number, names: string])[] = [
  [0x01, "esc 1 2 3 4 5 6 7 8 9 0 - = backspace tab"],
  [0x10, "q w e r t y u i o p [ ] enter ctrl a s d f g h j k l ; ' ` shift \\ z x c v b n m , . / rightshift pad* alt"],
  [0x39, "space capslock f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 numlock scrolllock"],
  [0x47, "pad7 pad8 pad9 pad- pad4 pad5 pad6 pad+ pad1 pad2 pad3 pad0 pad."],
  [0x57, "f11 f12"],
];
const extendedRows: readonly (readonly [first: number, names: string])[] = [
  [0x1c, "padenter rightctrl"],
  [0x35, "pad/"],
  [0x38, "altgr"],
  [0x47, "home up pageup"],
  [0x4b, "left"],
  [0x4d, "right"],
  [0x4f, "end down pagedown insert delete"],
];

function keyTable(): ReadonlyMap<string, Key> {
  const table = new Map<string, Key>();
  for (const [first, names] of rows)
    for (const [n, name] of names.split(" ").entries()) table.set(name, { code: first + n });
  for (const [first, names] of extendedRows)
    for (const [n, name] of names.split(" ").entries()) table.set(name, { code: first + n, extended: true });
  return table;
}

export const keys = keyTable();

/** Characters that need Shift, above the keys that make them. */
const shiftedRow = '!@#$%^&*()_+{}|:"~<>?';
const plainRow = "1234567890-=[]\\;'`,./";

const named: Readonly<Record<string, string>> = {
  " ": "space",
  "\n": "enter",
  "\t": "tab",
  "\b": "backspace",
  "\u001b": "esc",
};

/** The key that makes a character, and whether with Shift; undefined if none does. */
export function keyOf(character: string): { readonly key: Key; readonly shift: boolean } | undefined {
  const place = shiftedRow.indexOf(character);
  const lower = character.toLowerCase();
  const name = named[character] ?? (place >= 0 ? plainRow[place]! : lower);
  // Only single characters are keys that type themselves.
  const key = name.length === 1 || named[character] ? keys.get(name) : undefined;
  return key && { key, shift: place >= 0 || (lower !== character && named[character] === undefined) };
}

/** Set 2 to set 1, as the keyboard controller translates: index is the code of set 2. From 80h on, but for two, codes stay. */
const translation = `
  ff 43 41 3f 3d 3b 3c 58 64 44 42 40 3e 0f 29 59 65 38 2a 70 1d 10 02 5a 66 71 2c 1f 1e 11 03 5b
  67 2e 2d 20 12 05 04 5c 68 39 2f 21 14 13 06 5d 69 31 30 23 22 15 07 5e 6a 72 32 24 16 08 09 5f
  6b 33 25 17 18 0b 0a 60 6c 34 35 26 27 19 0c 61 6d 73 28 74 1a 0d 62 6e 3a 36 1c 1b 75 2b 63 76
  55 56 77 78 79 7a 0e 7b 7c 4f 7d 4b 47 7e 7f 6f 52 53 50 4c 4d 48 01 45 57 4e 51 4a 37 49 46 54`
  .trim()
  .split(/\s+/)
  .map((code) => Number.parseInt(code, 16));

/** A code of set 2 as set 1 has it, without the break bit. */
export const translated = (code: number): number =>
  code === 0x83 ? 0x41 : code === 0x84 ? 0x54 : (translation[code] ?? code);

/** A make code of set 1 in set 2. */
const untranslated = (code: number): number => {
  if (code === 0x41) return 0x83;
  return translation.indexOf(code);
};

/** What the keyboard sends (set 2) when a key goes down or up. */
export function keyBytes({ code, extended }: Key, down: boolean): number[] {
  return [...(extended ? [0xe0] : []), ...(down ? [] : [0xf0]), untranslated(code)];
}
