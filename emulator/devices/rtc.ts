import { cyclesPerSecond } from "../time/costs.ts";
import type { Clock, Device, Line, Region } from "./device.ts";

/** Date and time as a clock shows them. */
export interface DateTime {
  readonly year: number;
  /** 1–12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

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

const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/** Days from 1 January of year 1 in the Gregorian calendar. */
function daysBefore(year: number, month: number, day: number): number {
  const y = year - 1;
  const leapDay = month > 2 && isLeap(year) ? 1 : 0;
  const years = y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return years + daysBeforeMonth[month - 1]! + leapDay + day - 1;
}

/** Seconds from the beginning of year 1. */
const secondsOf = ({ year, month, day, hour, minute, second }: DateTime): number =>
  ((daysBefore(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;

function dateOf(seconds: number): DateTime & { readonly weekday: number } {
  const days = Math.floor(seconds / 86400);
  const rest = seconds - days * 86400;
  let year = Math.floor(days / 365.2425) + 1;
  while (daysBefore(year + 1, 1, 1) <= days) year++;
  while (daysBefore(year, 1, 1) > days) year--;
  let month = 12;
  while (daysBefore(year, month, 1) > days) month--;
  const day = days - daysBefore(year, month, 1) + 1;
  // 1 January of year 1 is a Monday; Sunday is 1.
  const weekday = ((days + 1) % 7) + 1;
  const clock = { hour: Math.floor(rest / 3600), minute: Math.floor(rest / 60) % 60, second: rest % 60 };
  return { year, month, day, ...clock, weekday };
}

/** A date as "2026-01-31T12:00:00"; undefined if it is none, or not of the years 1980 to 2099 that the firmware knows. */
export function parseDateTime(text: string): DateTime | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = { year, month, day, hour, minute, second };
  const possible = year >= 1980 && year <= 2099 && month >= 1 && month <= 12 && hour < 24 && minute < 60 && second < 60;
  if (!possible) return undefined;
  const again = dateOf(secondsOf(date));
  return again.month === month && again.day === day ? date : undefined;
}

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
export function createRtc(clock: Clock, line: Line, start: DateTime): Rtc {
  const s: State = {
    index: registerD,
    base: secondsOf(start),
    since: 0,
    memory: initialMemory(),
    held: null,
    flags: 0,
    seen: 0,
    level: false,
  };
  const control = () => s.memory[registerB]!;
  const secondsAt = (cycle: number) => s.base + Math.floor((cycle - s.since) / cyclesPerSecond);
  /** Virtual time at which the next second begins after `cycle`. */
  const nextSecond = (cycle: number) =>
    s.since + (Math.floor((cycle - s.since) / cyclesPerSecond) + 1) * cyclesPerSecond;
  const period = () => periodOf(s.memory[registerA]!);
  const edgeAfter = (cycle: number, length: number) => Math.ceil((Math.floor(cycle / length) + 1) * length);

  const drive = () => {
    const level = (s.flags & control() & (periodic | alarm | update)) !== 0;
    if (level !== s.level) line(level);
    s.level = level;
  };
  /** Sets the flags of what has happened since they were last looked at. */
  const catchUp = () => {
    const now = clock();
    const length = period();
    if (length && edgeAfter(s.seen, length) <= now) s.flags |= periodic;
    if (!s.held && nextSecond(s.seen) <= now) {
      s.flags |= update;
      if (alarmBetween(nextSecond(s.seen), now)) s.flags |= alarm;
    }
    s.seen = now;
    drive();
  };
  /** The alarm is looked at each second; more than a day makes every time come. */
  const alarmBetween = (first: number, last: number): boolean => {
    const seconds = Math.min(Math.floor((last - first) / cyclesPerSecond), 86400);
    for (let n = 0; n <= seconds; n++)
      if (alarmMatches(s.memory, dateOf(secondsAt(first + n * cyclesPerSecond)))) return true;
    return false;
  };
  /** The next second at which the alarm rings: none, if not within a day. Kept until it has come or a register is written. */
  let nextAlarm: number | undefined;
  const findAlarm = (): number => {
    const first = nextSecond(s.seen);
    for (let at = first; at <= first + 86400 * cyclesPerSecond; at += cyclesPerSecond)
      if (alarmMatches(s.memory, dateOf(secondsAt(at)))) return at;
    return Number.POSITIVE_INFINITY;
  };
  const alarmTime = (): number => {
    if (nextAlarm === undefined || nextAlarm <= s.seen) nextAlarm = findAlarm();
    return nextAlarm;
  };
  const shown = () => encode(dateOf(secondsAt(clock())), control());

  const peek = (index: number): number => {
    const now = clock();
    if (index === registerA) {
      const updating = !s.held && nextSecond(now) - now <= updateCycles;
      return s.memory[registerA]! | (updating ? 0x80 : 0);
    }
    if (index === registerC) return s.flags | (s.level ? requested : 0);
    const clockRegister = clockRegisters.indexOf(index);
    if (clockRegister >= 0) return (s.held ?? shown())[clockRegister]!;
    return s.memory[index]!;
  };
  const poke = (index: number, value: number): void => {
    const clockRegister = clockRegisters.indexOf(index);
    if (clockRegister >= 0) setClock(clockRegister, value);
    else if (index === registerB) setControl(value);
    else if (index === registerA) s.memory[registerA] = value & 0x7f;
    else if (index !== registerC && index !== registerD) s.memory[index] = value;
    nextAlarm = undefined;
    drive();
  };
  const begin = (registers: readonly number[]) => {
    s.base = secondsOf(decode(registers, control()));
    s.since = clock();
  };
  const setClock = (register: number, value: number) => {
    const registers = s.held ?? shown();
    registers[register] = value;
    if (!s.held) begin(registers);
  };
  const setControl = (value: number) => {
    const stopped = (value & set) !== 0;
    if (stopped && !s.held) s.held = shown();
    // SET also clears the update interrupt's enable bit.
    s.memory[registerB] = stopped ? value & ~update : value;
    if (!stopped && s.held) {
      begin(s.held);
      s.held = null;
    }
  };

  const acknowledge = (): number => {
    catchUp();
    const value = peek(registerC);
    s.flags = 0;
    drive();
    return value;
  };

  const region: Region = {
    space: "port",
    base: 0x70,
    length: 2,
    read(offset) {
      if (offset === 0) return 0xff;
      if ((s.index & 0x7f) === registerC) return acknowledge();
      catchUp();
      return peek(s.index & 0x7f);
    },
    write(offset, value) {
      catchUp();
      if (offset === 0) s.index = value;
      else poke(s.index & 0x7f, value);
    },
  };
  return {
    name: "RTC",
    irq: 8,
    regions: [region],
    timing: {
      nextDeadline() {
        const enabled = control() & ~s.flags;
        const length = period();
        const times: number[] = [];
        if (enabled & periodic && length) times.push(edgeAfter(s.seen, length));
        if (enabled & update && !s.held) times.push(nextSecond(s.seen));
        if (enabled & alarm && !s.held) times.push(alarmTime());
        const next = Math.min(...times);
        return Number.isFinite(next) ? next : undefined;
      },
      tick: catchUp,
    },
    get nmiMasked() {
      return (s.index & 0x80) !== 0;
    },
    configure(bytes) {
      for (const [index, value] of Object.entries(bytes)) s.memory[Number(index)] = value;
    },
    peek,
    acknowledge,
    poke(index, value) {
      catchUp();
      poke(index, value);
    },
    save: () => ({ ...s, memory: [...s.memory], held: s.held && [...s.held] }),
    restore(state) {
      const saved = state as State;
      Object.assign(s, saved, { memory: [...saved.memory], held: saved.held && [...saved.held] });
      nextAlarm = undefined;
    },
  };
}

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

function encode(date: ReturnType<typeof dateOf>, b: number): number[] {
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
function alarmMatches(memory: readonly number[], date: ReturnType<typeof dateOf>): boolean {
  const b = memory[registerB]!;
  const now = encode(date, b);
  return [1, 3, 5].every((at, n) => (memory[at]! & dontCare) === dontCare || memory[at] === now[n]);
}
