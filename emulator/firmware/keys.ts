import type { Caller } from "./caller.ts";
import { readField, writeField } from "./data-area.ts";
import type { Environment, Functions, Service } from "./environment.ts";
import { type KeyCodes, keyCodes } from "./key-table.ts";
import type { FirmwareMemory } from "./memory.ts";

/** Bits of the shift flags (417h). */
const flag = {
  rightShift: 1,
  leftShift: 2,
  ctrl: 4,
  alt: 8,
  scroll: 0x10,
  num: 0x20,
  caps: 0x40,
  insert: 0x80,
} as const;
/** Bits of the third flags (496h). */
const e0 = 2;
const rightCtrl = 4;
const rightAlt = 8;
const dataSegment = 0x400;
/** The firmware leaves so much room free in its buffer when it asks the typist to wait. */
const reserve = 2;

interface Buffer {
  readonly head: number;
  readonly tail: number;
  readonly start: number;
  readonly end: number;
}

const bufferOf = (memory: FirmwareMemory): Buffer => ({
  head: readField(memory, "keysHead"),
  tail: readField(memory, "keysTail"),
  start: readField(memory, "keysStart"),
  end: readField(memory, "keysEnd"),
});

const following = ({ start, end }: Buffer, at: number): number => (at + 2 >= end ? start : at + 2);

function room({ head, tail, start, end }: Buffer): number {
  const size = (end - start) / 2;
  return size - 1 - (((tail - head) / 2 + size) % size);
}

/** Puts a key into the buffer: false if that is full. */
function put(memory: FirmwareMemory, word: number): boolean {
  const buffer = bufferOf(memory);
  const next = following(buffer, buffer.tail);
  if (next === buffer.head) return false;
  memory.write(dataSegment + buffer.tail, 2, word);
  writeField(memory, "keysTail", next);
  return true;
}

const flow = (memory: FirmwareMemory, { devices }: Environment): void =>
  devices.keyboard.keyboard.hold(room(bufferOf(memory)) <= reserve);

/** Keys that only change flags: those held, and those that toggle. */
const held: Readonly<Record<number, number>> = {
  [0x2a]: flag.leftShift,
  [0x36]: flag.rightShift,
  [0x1d]: flag.ctrl,
  [0x38]: flag.alt,
};
const toggles: Readonly<Record<number, number>> = { 58: flag.caps, 69: flag.num, 70: flag.scroll };

function change(memory: FirmwareMemory, field: "shiftFlags" | "keyboardFlags", bit: number, on: boolean): void {
  const flags = readField(memory, field);
  writeField(memory, field, on ? flags | bit : flags & ~bit);
}

/** Takes note of a modifier. True if the code was one. */
function modifier(memory: FirmwareMemory, code: number, down: boolean, extended: boolean): boolean {
  const bit = held[code];
  if (bit !== undefined) {
    // E0 2A and E0 36 are not Shift: keyboards send them around the grey keys.
    const shift = code === 0x2a || code === 0x36;
    if (!(extended && shift)) change(memory, "shiftFlags", bit, down);
    if (extended && !shift) change(memory, "keyboardFlags", code === 0x1d ? rightCtrl : rightAlt, down);
    return true;
  }
  const toggle = toggles[code];
  if (toggle === undefined || extended) return false;
  if (down) change(memory, "shiftFlags", toggle, (readField(memory, "shiftFlags") & toggle) === 0);
  return true;
}

/** The word of a key in the present state: character in bits 7:0, scan code in 15:8; undefined where it makes none. */
function wordOf(codes: KeyCodes, flags: number): number | undefined {
  if (flags & flag.alt) return codes.alt;
  if (flags & flag.ctrl) return codes.ctrl;
  const shift = (flags & (flag.leftShift | flag.rightShift)) !== 0;
  const locked = (codes.letter && (flags & flag.caps) !== 0) || (codes.pad && (flags & flag.num) !== 0);
  return shift !== Boolean(locked) ? codes.shift : codes.plain;
}

/** IRQ 1: the scan code is in AL. */
export const keyboardInterrupt: Service = (caller, environment) => {
  const { memory, al: code } = caller;
  if (code === 0xe0) {
    change(memory, "keyboardFlags", e0, true);
    return undefined;
  }
  const extended = (readField(memory, "keyboardFlags") & e0) !== 0;
  change(memory, "keyboardFlags", e0, false);
  const down = code < 0x80;
  if (!modifier(memory, code & 0x7f, down, extended) && down) pressed(caller, environment, code, extended);
  flow(memory, environment);
  return undefined;
};

const deleteKey = 0x53;

function pressed(caller: Caller, { reset }: Environment, code: number, extended: boolean): void {
  const { memory } = caller;
  const flags = readField(memory, "shiftFlags");
  if (code === deleteKey && flags & flag.ctrl && flags & flag.alt) {
    reset("Ctrl, Alt and Delete were pressed");
    return;
  }
  const codes = keyCodes(code, extended);
  const word = codes && wordOf(codes, flags);
  if (word !== undefined) put(memory, word);
}

/** As keys without extended codes have them: grey keys look like those of the keypad, and new ones are left out. */
function classic(word: number): number | undefined {
  const [scan, character] = [word >>> 8, word & 0xff];
  if (character === 0xe0 && scan !== 0) return scan << 8;
  if (scan === 0xe0) return character | (character === 0x2f ? 0x3500 : 0x1c00);
  return scan > 0x84 && character === 0 ? undefined : word;
}

/** More keys than any buffer holds: guests can write anything into the data area. */
const mostKeys = 256;

/** The next key, taken out if wanted; undefined if there is none. */
function next(caller: Caller, environment: Environment, take: boolean, extended: boolean): number | undefined {
  const { memory } = caller;
  for (let n = 0; n < mostKeys; n++) {
    const buffer = bufferOf(memory);
    if (buffer.head === buffer.tail) return undefined;
    const word = memory.read(dataSegment + buffer.head, 2);
    const seen = extended ? word : classic(word);
    if (take || seen === undefined) writeField(memory, "keysHead", following(buffer, buffer.head));
    flow(memory, environment);
    if (seen !== undefined) return seen;
  }
  return undefined;
}

const read =
  (extended: boolean): Service =>
  (caller, environment) => {
    const word = next(caller, environment, true, extended);
    environment.waitForKey(word === undefined);
    if (word === undefined) return "again";
    caller.ax = word;
    return undefined;
  };

const look =
  (extended: boolean): Service =>
  (caller, environment) => {
    const word = next(caller, environment, false, extended);
    if (word !== undefined) caller.ax = word;
    caller.zero = word === undefined;
    return undefined;
  };

/** INT 16h by AH. */
const functions: Functions = {
  [0x00]: read(false),
  [0x01]: look(false),
  [0x02]: (caller) => {
    caller.al = readField(caller.memory, "shiftFlags");
    return undefined;
  },
  [0x03]: () => undefined,
  [0x05]: (caller) => {
    caller.al = put(caller.memory, caller.cx) ? 0 : 1;
    return undefined;
  },
  // Functions: typematic rate cannot be read; 10h–12h are there.
  [0x09]: (caller) => {
    caller.al = 0x20;
    return undefined;
  },
  [0x10]: read(true),
  [0x11]: look(true),
  [0x12]: (caller) => {
    const { memory } = caller;
    const flags = readField(memory, "keyboardFlags");
    const right = (flags & rightCtrl ? 4 : 0) | (flags & rightAlt ? 8 : 0);
    caller.al = readField(memory, "shiftFlags");
    caller.ah = right;
    return undefined;
  },
};

export const keysService: Service = (caller, environment) => functions[caller.ah]?.(caller, environment);
