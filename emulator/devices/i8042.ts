import type { Clock, Device, Line, Region } from "./device.ts";
import { translated } from "./key-codes.ts";
import { createKeyboard, type Keyboard } from "./keyboard.ts";
import type { A20Gate, SystemLines } from "./system-control.ts";

/** Bits of the status register, port 64h. */
const status = { outputFull: 1, systemFlag: 4, command: 8, notLocked: 0x10, auxiliary: 0x20 } as const;
/** Bits of the command byte. */
const mode = { interrupt: 1, systemFlag: 4, disabled: 0x10, auxiliaryDisabled: 0x20, translate: 0x40 } as const;
/** Output port: bit 0 high is no reset, bit 1 is A20, bits 4 and 5 the output buffers, 6 and 7 the keyboard's lines. */
const outputPort = { notReset: 1, a20: 2, keyboardFull: 0x10, rest: 0xc0 } as const;
const selfTestPassed = 0x55;
const ramStart = 0x20;

interface State {
  /** Memory of the controller, 20h–3Fh as commands name it; its first byte is the command byte. */
  ram: number[];
  output: number;
  full: boolean;
  /** What is in the output buffer came from the auxiliary device. */
  auxiliary: boolean;
  /** Answers of the controller that wait for the output buffer. */
  answers: number[];
  /** The last write was to port 64h. */
  lastWasCommand: boolean;
  /** Command that waits for a byte at port 60h; 0 if none. */
  command: number;
  /** A break prefix (F0h of set 2) waits for its code. */
  breaking: boolean;
  level: boolean;
}

/** As firmware leaves it: tested, translating, keyboard on with its interrupt, no auxiliary device. */
const initial = (): State => ({
  ram: [mode.interrupt | mode.systemFlag | mode.auxiliaryDisabled | mode.translate, ...new Array<number>(0x1f).fill(0)],
  output: 0,
  full: false,
  auxiliary: false,
  answers: [],
  lastWasCommand: false,
  command: 0,
  breaking: false,
  level: false,
});

export interface KeyboardController extends Device {
  readonly irq: 1;
  readonly keyboard: Keyboard;
  /** A key typed now would make an interrupt. */
  readonly listening: boolean;
}

/** What the controller is connected to. */
export interface KeyboardWiring {
  readonly line: Line;
  readonly lines: SystemLines;
  readonly gate: A20Gate;
}

/** A byte of set 2 as the controller passes it on in translating mode; undefined where it waits for the next. */
function translate(s: State, byte: number): number | undefined {
  if (byte === 0xf0) {
    s.breaking = true;
    return undefined;
  }
  const code = translated(byte);
  const passed = s.breaking ? code | 0x80 : code;
  s.breaking = false;
  return passed;
}

/**
 * The 8042 keyboard controller, ports 60h and 64h, IRQ 1, with the keyboard behind it. There is no auxiliary device (mouse): bytes for
 * it are lost.
 */
export function createKeyboardController({ line, lines, gate }: KeyboardWiring, clock: Clock): KeyboardController {
  const s = initial();
  const keyboard = createKeyboard(clock);
  const commandByte = () => s.ram[0]!;
  const enabled = () => (commandByte() & mode.disabled) === 0;

  const drive = () => {
    const level = s.full && !s.auxiliary && (commandByte() & mode.interrupt) !== 0;
    if (level !== s.level) line(level);
    s.level = level;
  };
  const present = (byte: number) => {
    s.output = byte;
    s.full = true;
  };
  /** Puts the next byte into the output buffer if that is empty. */
  const fill = () => {
    while (!s.full) {
      if (s.answers.length) present(s.answers.shift()!);
      else if (!takeFromKeyboard()) break;
    }
    drive();
  };
  const takeFromKeyboard = (): boolean => {
    const byte = enabled() ? keyboard.take() : undefined;
    if (byte === undefined) return false;
    const passed = (commandByte() & mode.translate) !== 0 ? translate(s, byte) : byte;
    if (passed !== undefined) present(passed);
    return true;
  };

  const setOutputPort = (value: number) => {
    lines.setA20((value & outputPort.a20) !== 0);
    if (!(value & outputPort.notReset)) lines.reset("the keyboard controller's output port");
  };
  const readOutputPort = () =>
    outputPort.notReset |
    outputPort.rest |
    (gate.enabled ? outputPort.a20 : 0) |
    (s.full ? outputPort.keyboardFull : 0);

  const simple: Readonly<Record<number, () => number | undefined>> = {
    [0xa7]: () => setMode(mode.auxiliaryDisabled, true),
    [0xa8]: () => setMode(mode.auxiliaryDisabled, false),
    // Test of the auxiliary interface: passed.
    [0xa9]: () => 0,
    [0xaa]: () => {
      s.ram[0] = commandByte() | mode.systemFlag;
      return selfTestPassed;
    },
    [0xab]: () => 0,
    [0xad]: () => setMode(mode.disabled, true),
    [0xae]: () => setMode(mode.disabled, false),
    // Input port: no keylock, colour display.
    [0xc0]: () => 0x80,
    [0xd0]: readOutputPort,
    [0xdd]: () => lines.setA20(false) as undefined,
    [0xdf]: () => lines.setA20(true) as undefined,
    // Test inputs: keyboard clock and data.
    [0xe0]: () => (enabled() ? 3 : 2),
  };
  const setMode = (bit: number, on: boolean): undefined => {
    s.ram[0] = on ? commandByte() | bit : commandByte() & ~bit;
  };

  /** A write to port 64h. */
  const obey = (command: number) => {
    s.command = 0;
    if (command >= 0xf0) {
      // Pulses the output-port lines whose bits are 0.
      if (!(command & 1)) lines.reset(`the keyboard controller, command ${command.toString(16).toUpperCase()}h`);
    } else if (command >= 0x60 && command < 0x80) s.command = command;
    else if (command >= ramStart && command < 0x40) s.answers.push(s.ram[command - ramStart]!);
    else if (command >= 0xd1 && command <= 0xd4) s.command = command;
    else {
      const answer = simple[command]?.();
      if (answer !== undefined) s.answers.push(answer);
    }
  };

  /** A write to port 60h. */
  const data = (byte: number) => {
    const { command } = s;
    s.command = 0;
    if (command >= 0x60 && command < 0x80) s.ram[command - 0x60] = byte;
    else if (command === 0xd1) setOutputPort(byte);
    else if (command === 0xd2) s.answers.push(byte);
    else if (command === 0) {
      // Sending to the keyboard enables it.
      setMode(mode.disabled, false);
      keyboard.receive(byte);
    }
  };

  const dataPort: Region = {
    space: "port",
    base: 0x60,
    length: 1,
    read() {
      s.full = false;
      drive();
      const { output } = s;
      fill();
      return output;
    },
    write(_offset, value) {
      s.lastWasCommand = false;
      data(value);
      fill();
    },
  };
  const commandPort: Region = {
    space: "port",
    base: 0x64,
    length: 1,
    read: () =>
      (s.full ? status.outputFull : 0) |
      (commandByte() & mode.systemFlag ? status.systemFlag : 0) |
      (s.lastWasCommand ? status.command : 0) |
      status.notLocked |
      (s.full && s.auxiliary ? status.auxiliary : 0),
    write(_offset, value) {
      s.lastWasCommand = true;
      obey(value);
      fill();
    },
  };
  return {
    name: "keyboard controller",
    irq: 1,
    regions: [dataPort, commandPort],
    keyboard,
    get listening() {
      return enabled() && (commandByte() & mode.interrupt) !== 0;
    },
    timing: {
      nextDeadline: () => (s.full || !enabled() ? undefined : keyboard.nextByteAt()),
      tick: fill,
    },
    save: () => ({ ...s, ram: [...s.ram], answers: [...s.answers], keyboard: keyboard.save() }),
    restore(state) {
      const saved = state as State & { keyboard: unknown };
      const { keyboard: line, ...rest } = saved;
      Object.assign(s, rest, { ram: [...rest.ram], answers: [...rest.answers] });
      keyboard.restore(line);
    },
  };
}
