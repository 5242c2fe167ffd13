import { cyclesPerSecond } from "../time/costs.ts";
import type { Clock } from "./device.ts";
import type { Stroke } from "./typing.ts";

const ack = 0xfa;
const resend = 0xfe;
const selfTestPassed = 0xaa;
const fifoSize = 16;
/** A byte takes so long on the line to the controller. */
const byteTime = Math.round(cyclesPerSecond / 2000);

interface State {
  scanning: boolean;
  /** Command that waits for its parameter byte; 0 if none. */
  command: number;
  leds: number;
  set: number;
  lastSent: number;
  /** Answers, before what keys send. */
  answers: number[];
  fifo: number[];
  strokes: Stroke[];
  /** When the next stroke may come; null if none waits. */
  strokeAt: number | null;
  /** When the next byte has come over the line; null if none is on it. */
  byteAt: number | null;
  held: boolean;
}

/** An MF2 keyboard at its end of the line, and the person typing on it. It speaks scan-code set 2. */
export interface Keyboard {
  /** Types; pieces wait until the guest has scanning on and what came before has been sent. */
  type(strokes: readonly Stroke[]): void;
  /** Something typed has not been sent yet. */
  readonly busy: boolean;
  /** Whoever reads the keys has no room for more: typing waits. */
  hold(on: boolean): void;
  /** A byte from the controller. */
  receive(byte: number): void;
  /** When a byte will be ready to be taken, unless one is. */
  nextByteAt(): number | undefined;
  /** Takes a byte that has come over the line by now. */
  take(): number | undefined;
  save(): unknown;
  restore(state: unknown): void;
}

const initial = (): State => ({
  scanning: true,
  command: 0,
  leds: 0,
  set: 2,
  lastSent: 0,
  answers: [],
  fifo: [],
  strokes: [],
  strokeAt: null,
  byteAt: null,
  held: false,
});

/** Answers to commands without parameters, after the acknowledgement. */
const commands: Readonly<Record<number, (s: State) => readonly number[]>> = {
  // Identify: MF2.
  [0xf2]: () => [0xab, 0x83],
  [0xf4]: (s) => {
    s.scanning = true;
    return [];
  },
  [0xf5]: (s) => {
    s.scanning = false;
    return [];
  },
  [0xf6]: (s) => {
    s.scanning = true;
    return [];
  },
  [0xff]: (s) => {
    Object.assign(s, { scanning: true, leds: 0, set: 2, fifo: [] });
    return [selfTestPassed];
  },
};

/** Commands with a parameter: LEDs, scan-code set, typematic rate. */
const withParameter = [0xed, 0xf0, 0xf3];

function parameter(s: State, byte: number): readonly number[] {
  const { command } = s;
  s.command = 0;
  if (command === 0xed) s.leds = byte & 7;
  if (command !== 0xf0) return [ack];
  if (byte === 0) return [ack, s.set];
  // Sets 1 and 3 are not offered; drivers then stay with set 2.
  return byte === 2 ? [ack] : [resend];
}

function answer(s: State, byte: number): readonly number[] {
  if (s.command !== 0 && byte < 0x80) return parameter(s, byte);
  s.command = 0;
  if (byte === 0xee) return [0xee];
  if (byte === 0xfe) return [s.lastSent];
  if (withParameter.includes(byte)) {
    s.command = byte;
    return [ack];
  }
  const act = commands[byte];
  return act ? [ack, ...act(s)] : [resend];
}

export function createKeyboard(clock: Clock): Keyboard {
  const s = initial();
  /** Strokes whose time has come enter the FIFO. */
  const play = () => {
    while (s.strokeAt !== null && s.strokeAt <= clock() && !s.held && s.scanning) {
      const { bytes } = s.strokes[0]!;
      if (s.fifo.length + bytes.length > fifoSize) return;
      s.fifo.push(...bytes);
      s.strokes.shift();
      const next = s.strokes[0];
      s.strokeAt = next ? s.strokeAt + next.wait : null;
    }
  };
  const ready = () => s.answers.length > 0 || s.fifo.length > 0;
  const sendNext = () => {
    if (s.byteAt === null && ready()) s.byteAt = clock() + byteTime;
  };
  return {
    type(strokes) {
      if (!strokes.length) return;
      s.strokes.push(...strokes);
      s.strokeAt ??= clock() + strokes[0]!.wait;
    },
    get busy() {
      return s.strokes.length > 0 || ready();
    },
    hold(on) {
      // Time spent waiting is not made up for.
      if (s.held && !on && s.strokeAt !== null) s.strokeAt = Math.max(s.strokeAt, clock());
      s.held = on;
    },
    receive(byte) {
      s.answers.push(...answer(s, byte));
      if (s.scanning && s.strokeAt !== null) s.strokeAt = Math.max(s.strokeAt, clock());
      sendNext();
    },
    nextByteAt() {
      if (s.byteAt !== null) return s.byteAt;
      const typing = s.strokeAt !== null && !s.held && s.scanning;
      return typing ? s.strokeAt! : undefined;
    },
    take() {
      play();
      sendNext();
      if (s.byteAt === null || s.byteAt > clock()) return undefined;
      s.byteAt = null;
      const byte = s.answers.shift() ?? s.fifo.shift()!;
      s.lastSent = byte;
      return byte;
    },
    save: () => ({ ...s, answers: [...s.answers], fifo: [...s.fifo], strokes: [...s.strokes] }),
    restore(state) {
      const saved = state as State;
      Object.assign(s, saved, { answers: [...saved.answers], fifo: [...saved.fifo], strokes: [...saved.strokes] });
    },
  };
}
