import { cyclesPerSecond } from "../time/costs.ts";
import { type DateTime, type Day, dateOf, secondsOf } from "./date-time.ts";
import type { Clock, Device, Line, Region, Timing } from "./device.ts";
import { bitsText, type DeviceView } from "./device-view.ts";

const registerA = 0x0a;
const registerB = 0x0b;
const registerC = 0x0c;
const registerD = 0x0d;
/** Bits of register B. */
const set = 0x80;
const hours24 = 2;
const binary = 4;
/** Interrupt flags in register C, at the places of their enable bits in B. */
const periodic = 0x40;
const alarm = 0x20;
const update = 0x10;
const requested = 0x80;
/** The update-in-progress bit rises so long before the seconds change. */
const updateCycles = Math.round(cyclesPerSecond * 0.002_228);
const dontCare = 0xc0;
const secondsOfDay = 86400;

interface State {
  index: number;
  /** Seconds the clock shows at virtual time 0 of its present course, and when that course began. */
  base: number;
  since: number;
  /** Registers A to D and battery-backed memory; the clock's own registers are worked out. */
  memory: number[];
  /** While SET stops the clock: registers 0–9 and century as they are being written. */
  held: number[] | null;
  flags: number;
  /** Up to when `flags` is true. */
  seen: number;
  level: boolean;
}

export interface Rtc extends Device {
  /** Bit 7 of port 70h: the guest has masked NMI. */
  readonly nmiMasked: boolean;
  /** Fills battery-backed memory, as set-up does. */
  configure(bytes: Readonly<Record<number, number>>): void;
  /** A register as port 71h would give it, changing nothing. */
  peek(index: number): number;
  /** Reads register C as through port 71h: the interrupt flags, which that clears. */
  acknowledge(): number;
  /** Writes a register as through port 71h. */
  poke(index: number, value: number): void;
}

/**
 * MC146818 clock with battery-backed memory, ports 70h and 71h, IRQ 8. Time is virtual time from a fixed start. Not done: daylight
 * saving (DSE) and the square-wave output, which a PC does not connect.
 */
class Clock146818 implements Rtc {
  readonly name = "RTC";
  readonly irq = 8;
  readonly regions: readonly Region[];
  readonly timing: Timing;
  readonly #s: State;
  readonly #clock: Clock;
  readonly #line: Line;
  /** The next second at which the alarm rings. Kept until it has come or a register is written; no part of the state. */
  #nextAlarm: number | undefined;

  constructor(clock: Clock, line: Line, start: DateTime) {
    this.#clock = clock;
    this.#line = line;
    const memory = initialMemory();
    const course = { base: secondsOf(start), since: 0, held: null };
    this.#s = { index: registerD, memory, ...course, flags: 0, seen: 0, level: false };
    this.regions = [this.#ports()];
    this.timing = { nextDeadline: () => this.#nextDeadline(), tick: () => this.#catchUp() };
  }

  save(): State {
    const s = this.#s;
    return { ...s, memory: [...s.memory], held: s.held && [...s.held] };
  }

  inspect(): DeviceView {
    const now = this.#clock();
    const value = (index: number): number => this.peek(index);
    const { hour, minute, second, day, month, year } = dateOf(this.#secondsAt(now));
    const two = (part: number): string => String(part).padStart(2, "0");
    const time = `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`;
    const flags = this.#flagsAt(now);
    const c = flags | (flags & this.#control ? requested : 0);
    const interrupts = bitsText(value(registerB) >> 4, ["update", "alarm", "periodic"], "no interrupts");
    const stopped = value(registerB) & set ? ", stopped by SET" : "";
    const row = (name: string, index: number, text: string) => ({ name, value: value(index), bits: 8, text });
    return {
      name: "MC146818 clock",
      registers: [
        row("A", registerA, value(registerA) & 0x80 ? "update in progress" : ""),
        row("B", registerB, `${interrupts}${stopped}`),
        { name: "C", value: c, bits: 8, text: bitsText(c >> 4, ["update", "alarm", "periodic", "IRQ"]) },
        row("D", registerD, "battery good"),
        { name: "index", value: this.#s.index, bits: 8, text: this.nmiMasked ? "NMI masked" : "" },
      ],
      timers: [
        {
          name: "RTC",
          text: `shows ${time}`,
          next: this.#nextDeadline(),
        },
      ],
    };
  }

  restore(state: unknown): void {
    const saved = state as State;
    Object.assign(this.#s, saved, { memory: [...saved.memory], held: saved.held && [...saved.held] });
    this.#nextAlarm = undefined;
  }

  get nmiMasked(): boolean {
    return (this.#s.index & 0x80) !== 0;
  }

  configure(bytes: Readonly<Record<number, number>>): void {
    for (const [index, value] of Object.entries(bytes)) this.#s.memory[Number(index)] = value;
  }

  get #control(): number {
    return this.#s.memory[registerB]!;
  }

  // Time.

  #secondsAt(cycle: number): number {
    return this.#s.base + Math.floor((cycle - this.#s.since) / cyclesPerSecond);
  }

  /** Virtual time at which the next second begins after `cycle`. */
  #nextSecond(cycle: number): number {
    const { since } = this.#s;
    return since + (Math.floor((cycle - since) / cyclesPerSecond) + 1) * cyclesPerSecond;
  }

  #period(): number | undefined {
    return periodOf(this.#s.memory[registerA]!);
  }

  #rings(cycle: number): boolean {
    return alarmMatches(this.#s.memory, dateOf(this.#secondsAt(cycle)));
  }

  /** Whether the alarm rings at one of the seconds from `first` to `last`. In a day, every time comes. */
  #alarmBetween(first: number, last: number): boolean {
    const end = Math.min(last, first + secondsOfDay * cyclesPerSecond);
    for (let at = first; at <= end; at += cyclesPerSecond) if (this.#rings(at)) return true;
    return false;
  }

  /** Infinity if that is not within a day. */
  #findAlarm(): number {
    const first = this.#nextSecond(this.#s.seen);
    for (let at = first; at <= first + secondsOfDay * cyclesPerSecond; at += cyclesPerSecond)
      if (this.#rings(at)) return at;
    return Number.POSITIVE_INFINITY;
  }

  #alarmTime(): number {
    if (this.#nextAlarm === undefined || this.#nextAlarm <= this.#s.seen) this.#nextAlarm = this.#findAlarm();
    return this.#nextAlarm;
  }

  #nextDeadline(): number | undefined {
    const { seen, held, flags } = this.#s;
    const enabled = this.#control & ~flags;
    const length = this.#period();
    const times: number[] = [];
    if (enabled & periodic && length) times.push(edgeAfter(seen, length));
    if (enabled & update && !held) times.push(this.#nextSecond(seen));
    if (enabled & alarm && !held) times.push(this.#alarmTime());
    const next = Math.min(...times);
    return Number.isFinite(next) ? next : undefined;
  }

  /** The flags with those of what has happened since they were last looked at. */
  #flagsAt(now: number): number {
    const { seen, held, flags } = this.#s;
    const length = this.#period();
    const ticked = length && edgeAfter(seen, length) <= now ? periodic : 0;
    if (held || this.#nextSecond(seen) > now) return flags | ticked;
    const rung = this.#alarmBetween(this.#nextSecond(seen), now) ? alarm : 0;
    return flags | ticked | update | rung;
  }

  #catchUp(): void {
    const s = this.#s;
    const now = this.#clock();
    s.flags = this.#flagsAt(now);
    s.seen = now;
    this.#drive();
  }

  #drive(): void {
    const level = (this.#s.flags & this.#control & (periodic | alarm | update)) !== 0;
    if (level !== this.#s.level) this.#line(level);
    this.#s.level = level;
  }

  // Registers.

  #shown(): number[] {
    return encode(dateOf(this.#secondsAt(this.#clock())), this.#control);
  }

  peek(index: number): number {
    const s = this.#s;
    const now = this.#clock();
    if (index === registerA) {
      const updating = !s.held && this.#nextSecond(now) - now <= updateCycles;
      return s.memory[registerA]! | (updating ? 0x80 : 0);
    }
    if (index === registerC) return s.flags | (s.level ? requested : 0);
    const clockRegister = clockRegisters.indexOf(index);
    if (clockRegister >= 0) return (s.held ?? this.#shown())[clockRegister]!;
    return s.memory[index]!;
  }

  acknowledge(): number {
    this.#catchUp();
    const value = this.peek(registerC);
    this.#s.flags = 0;
    this.#drive();
    return value;
  }

  poke(index: number, value: number): void {
    const { memory } = this.#s;
    this.#catchUp();
    const clockRegister = clockRegisters.indexOf(index);
    if (clockRegister >= 0) this.#setClock(clockRegister, value);
    else if (index === registerB) this.#setControl(value);
    else if (index === registerA) memory[registerA] = value & 0x7f;
    else if (index !== registerC && index !== registerD) memory[index] = value;
    this.#nextAlarm = undefined;
    this.#drive();
  }

  /** The clock goes on from what its registers show. */
  #begin(registers: readonly number[]): void {
    this.#s.base = secondsOf(decode(registers, this.#control));
    this.#s.since = this.#clock();
  }

  #setClock(register: number, value: number): void {
    const registers = this.#s.held ?? this.#shown();
    registers[register] = value;
    if (!this.#s.held) this.#begin(registers);
  }

  #setControl(value: number): void {
    const s = this.#s;
    const stopped = (value & set) !== 0;
    if (stopped && !s.held) s.held = this.#shown();
    // SET also clears the update interrupt's enable bit.
    s.memory[registerB] = stopped ? value & ~update : value;
    if (!stopped && s.held) {
      this.#begin(s.held);
      s.held = null;
    }
  }

  #ports(): Region {
    return {
      space: "port",
      base: 0x70,
      length: 2,
      read: (offset) => {
        if (offset === 0) return 0xff;
        const index = this.#s.index & 0x7f;
        if (index === registerC) return this.acknowledge();
        this.#catchUp();
        return this.peek(index);
      },
      write: (offset, value) => {
        if (offset === 0) this.#s.index = value;
        else this.poke(this.#s.index & 0x7f, value);
      },
    };
  }
}

export const createRtc = (clock: Clock, line: Line, start: DateTime): Rtc => new Clock146818(clock, line, start);

/** The first multiple of a length, in whole cycles, after a moment. */
const edgeAfter = (cycle: number, length: number): number => Math.ceil((Math.floor(cycle / length) + 1) * length);

/** Divider running (32.768 kHz), periodic rate 1024 Hz, 24-hour BCD clock; the battery is good. */
function initialMemory(): number[] {
  const memory = new Array<number>(128).fill(0);
  memory[registerA] = 0x26;
  memory[registerB] = hours24;
  memory[registerD] = 0x80;
  return memory;
}

/** Cycles between periodic interrupts by the rate bits of register A; undefined where they are off. */
function periodOf(a: number): number | undefined {
  const rate = a & 0x0f;
  if (rate === 0) return undefined;
  // Rates 1 and 2 are those of 8 and 9.
  const shift = rate < 3 ? rate + 6 : rate - 1;
  return (cyclesPerSecond * 2 ** shift) / 32768;
}

/** Registers that show the time, in the order of `encode`: second, minute, hour, weekday, day, month, year, century. */
const clockRegisters = [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32];

const toBcd = (value: number): number => Math.floor(value / 10) * 16 + (value % 10);
const fromBcd = (value: number): number => (value >>> 4) * 10 + (value & 15);

/** Hour by the 12/24-hour bit: in 12-hour mode 1–12 with bit 7 for the afternoon. */
function encodeHour(hour: number, b: number): number {
  const digits = b & binary ? (n: number) => n : toBcd;
  if (b & hours24) return digits(hour);
  return digits(hour % 12 || 12) | (hour >= 12 ? 0x80 : 0);
}

function encode(date: Day, b: number): number[] {
  const digits = b & binary ? (n: number) => n : toBcd;
  const { second, minute, hour, weekday, day, month, year } = date;
  const [front, back] = [[second, minute].map(digits), [weekday, day, month, year % 100].map(digits)];
  return [...front, encodeHour(hour, b), ...back, toBcd(Math.floor(year / 100))];
}

const within = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** What a guest wrote, made a possible date. */
function decode(registers: readonly number[], b: number): DateTime {
  const number = (n: number) => (b & binary ? registers[n]! : fromBcd(registers[n]!));
  const raw = registers[2]!;
  const digits = b & binary ? raw & 0x7f : fromBcd(raw & 0x7f);
  const hour = b & hours24 ? digits : (digits % 12) + (raw & 0x80 ? 12 : 0);
  return {
    second: within(number(0), 0, 59),
    minute: within(number(1), 0, 59),
    hour: within(hour, 0, 23),
    day: within(number(4), 1, 31),
    month: within(number(5), 1, 12),
    year: within(fromBcd(registers[7]!), 1, 99) * 100 + within(number(6), 0, 99),
  };
}

/** Alarm registers 1, 3 and 5 hold the time in the clock's own code; C0h and more matches always. */
function alarmMatches(memory: readonly number[], date: Day): boolean {
  const b = memory[registerB]!;
  const now = encode(date, b);
  return [1, 3, 5].every((at, n) => (memory[at]! & dontCare) === dontCare || memory[at] === now[n]);
}
