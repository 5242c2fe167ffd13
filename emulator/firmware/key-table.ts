/** What a key puts into the keyboard buffer: character in bits 7:0, scan code in bits 15:8; nothing where undefined. */
export interface KeyCodes {
  readonly plain: number | undefined;
  readonly shift: number | undefined;
  readonly ctrl: number | undefined;
  readonly alt: number | undefined;
  /** Caps Lock reverses Shift. */
  readonly letter?: true;
  /** Num Lock reverses Shift. */
  readonly pad?: true;
}

const word = (scan: number, character: string | number): number =>
  (scan << 8) | (typeof character === "number" ? character : character.charCodeAt(0));

const table = new Map<number, KeyCodes>();
const extendedTable = new Map<number, KeyCodes>();

/** The characters of keys in a row, plain and with Shift. */
const characterRows: readonly (readonly [first: number, plain: string, shifted: string])[] = [
  [0x02, "1234567890-=", "!@#$%^&*()_+"],
  [0x10, "qwertyuiop[]", "QWERTYUIOP{}"],
  [0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"],
];

/** With Ctrl: letters and the punctuation that has control characters. */
function control(scan: number, character: string): number | undefined {
  if (/[a-z[\\\]]/.test(character)) return word(scan, character.toUpperCase().charCodeAt(0) & 0x1f);
  if (character === "2") return word(3, 0);
  if (character === "6") return word(scan, 0x1e);
  return character === "-" ? word(scan, 0x1f) : undefined;
}

/** With Alt: letters give their scan code, the digits' row codes of its own. */
const alternative = (scan: number): number => (scan <= 0x0d ? word(scan + 0x76, 0) : word(scan, 0));

for (const [first, plain, shifted] of characterRows)
  for (const [n, character] of [...plain].entries()) {
    const scan = first + n;
    table.set(scan, {
      plain: word(scan, character),
      shift: word(scan, shifted[n]!),
      ctrl: control(scan, character),
      alt: alternative(scan),
      ...(/[a-z]/.test(character) ? { letter: true as const } : {}),
    });
  }

const add = (scan: number, plain: number, shift: number, ctrl: number | undefined, alt: number | undefined): void =>
  void table.set(scan, { plain, shift, ctrl, alt });

add(0x01, 0x011b, 0x011b, 0x011b, 0x0100);
add(0x0e, 0x0e08, 0x0e08, 0x0e7f, 0x0e00);
add(0x0f, 0x0f09, 0x0f00, 0x9400, 0xa500);
add(0x1c, 0x1c0d, 0x1c0d, 0x1c0a, 0x1c00);
add(0x39, 0x3920, 0x3920, 0x3920, 0x3920);
add(0x37, 0x372a, 0x372a, 0x9600, 0x3700);
for (let n = 0; n < 10; n++) add(0x3b + n, word(0x3b + n, 0), word(0x54 + n, 0), word(0x5e + n, 0), word(0x68 + n, 0));
for (let n = 0; n < 2; n++) add(0x57 + n, word(0x85 + n, 0), word(0x87 + n, 0), word(0x89 + n, 0), word(0x8b + n, 0));

/** Keypad and grey keys: what the pad types with Num Lock, and the scan codes of both with Ctrl and Alt. */
const pad: readonly (readonly [scan: number, digit: string, ctrl: number, greyAlt: number])[] = [
  [0x47, "7", 0x77, 0x97],
  [0x48, "8", 0x8d, 0x98],
  [0x49, "9", 0x84, 0x99],
  [0x4b, "4", 0x73, 0x9b],
  [0x4c, "5", 0x8f, 0],
  [0x4d, "6", 0x74, 0x9d],
  [0x4f, "1", 0x75, 0x9f],
  [0x50, "2", 0x91, 0xa0],
  [0x51, "3", 0x76, 0xa1],
  [0x52, "0", 0x92, 0xa2],
  [0x53, ".", 0x93, 0xa3],
];
for (const [scan, digit, ctrl, greyAlt] of pad) {
  const shift = word(scan, digit);
  table.set(scan, { plain: word(scan, 0), shift, ctrl: word(ctrl, 0), alt: undefined, pad: true });
  const grey = word(scan, 0xe0);
  if (greyAlt) extendedTable.set(scan, { plain: grey, shift: grey, ctrl: word(ctrl, 0xe0), alt: word(greyAlt, 0) });
}
add(0x4a, 0x4a2d, 0x4a2d, 0x8e00, 0x4a00);
add(0x4e, 0x4e2b, 0x4e2b, 0x9000, 0x4e00);
extendedTable.set(0x1c, { plain: 0xe00d, shift: 0xe00d, ctrl: 0xe00a, alt: 0xa600 });
extendedTable.set(0x35, { plain: 0xe02f, shift: 0xe02f, ctrl: 0x9500, alt: 0xa400 });

/** What the key of a scan code (set 1) means to INT 16h; undefined if nothing. */
export const keyCodes = (scan: number, extended: boolean): KeyCodes | undefined =>
  (extended ? extendedTable : table).get(scan);
