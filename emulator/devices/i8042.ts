import type { Clock, Device, Line, Region, Timing } from "./device.ts";
import { bitsText, type DeviceView } from "./device-view.ts";
import { translated } from "./key-codes.ts";
import { createKeyboard, type Keyboard } from "./keyboard.ts";
import type { A20Gate, SystemLines } from "./system-control.ts";

/** Bits of the status register, port 64h. */
const status = { outputFull: 1, systemFlag: 4, command: 8, notLocked: 0x10 } as const;
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
class Controller implements KeyboardController {
  readonly name = "keyboard controller";
  readonly irq = 1;
  readonly keyboard: Keyboard;
  readonly regions: readonly Region[];
  readonly timing: Timing;
  readonly #s = initial();
  readonly #line: Line;
  readonly #lines: SystemLines;
  readonly #gate: A20Gate;

  constructor({ line, lines, gate }: KeyboardWiring, clock: Clock) {
    this.keyboard = createKeyboard(clock);
    this.#line = line;
    this.#lines = lines;
    this.#gate = gate;
    this.regions = [this.#dataPort(), this.#commandPort()];
    this.timing = {
      nextDeadline: () => (this.#s.full || !this.#enabled ? undefined : this.keyboard.nextByteAt()),
      tick: () => this.#fill(),
    };
  }

  get listening(): boolean {
    return this.#enabled && (this.#commandByte & mode.interrupt) !== 0;
  }

  save(): State & { keyboard: unknown } {
    const s = this.#s;
    return { ...s, ram: [...s.ram], answers: [...s.answers], keyboard: this.keyboard.save() };
  }

  inspect(): DeviceView {
    const names = ["interrupt", "", "system flag", "", "keyboard off", "no mouse", "translates to set 1"];
    return {
      name: "8042 keyboard controller",
      registers: [
        { name: "command byte", value: this.#commandByte, bits: 8, text: bitsText(this.#commandByte, names) },
        { name: "output buffer", value: this.#s.output, bits: 8, text: this.#s.full ? "full" : "empty" },
      ],
    };
  }

  restore(state: unknown): void {
    const { keyboard, ...saved } = state as State & { keyboard: unknown };
    Object.assign(this.#s, saved, { ram: [...saved.ram], answers: [...saved.answers] });
    this.keyboard.restore(keyboard);
  }

  get #commandByte(): number {
    return this.#s.ram[0]!;
  }

  /** The keyboard's clock line is let go. */
  get #enabled(): boolean {
    return (this.#commandByte & mode.disabled) === 0;
  }

  #setMode(bit: number, on: boolean): void {
    this.#s.ram[0] = on ? this.#commandByte | bit : this.#commandByte & ~bit;
  }

  #drive(): void {
    const level = this.#s.full && (this.#commandByte & mode.interrupt) !== 0;
    if (level !== this.#s.level) this.#line(level);
    this.#s.level = level;
  }

  // The output buffer.

  #present(byte: number): void {
    this.#s.output = byte;
    this.#s.full = true;
  }

  /** Puts the next byte into the output buffer if that is empty. */
  #fill(): void {
    const { answers } = this.#s;
    while (!this.#s.full) {
      if (answers.length) this.#present(answers.shift()!);
      else if (!this.#takeFromKeyboard()) break;
    }
    this.#drive();
  }

  #takeFromKeyboard(): boolean {
    const byte = this.#enabled ? this.keyboard.take() : undefined;
    if (byte === undefined) return false;
    const passed = (this.#commandByte & mode.translate) !== 0 ? translate(this.#s, byte) : byte;
    if (passed !== undefined) this.#present(passed);
    return true;
  }

  // Commands.

  #setOutputPort(value: number): void {
    this.#lines.setA20((value & outputPort.a20) !== 0);
    if (!(value & outputPort.notReset)) this.#lines.reset("the keyboard controller's output port");
  }

  #readOutputPort(): number {
    const a20 = this.#gate.enabled ? outputPort.a20 : 0;
    return outputPort.notReset | outputPort.rest | a20 | (this.#s.full ? outputPort.keyboardFull : 0);
  }

  /** Commands of one byte, with their answers. */
  readonly #commands: ReadonlyMap<number, () => unknown> = new Map<number, () => unknown>([
    [0xa7, () => this.#setMode(mode.auxiliaryDisabled, true)],
    [0xa8, () => this.#setMode(mode.auxiliaryDisabled, false)],
    // Test of the auxiliary interface: passed.
    [0xa9, () => 0],
    [
      0xaa,
      () => {
        this.#setMode(mode.systemFlag, true);
        return selfTestPassed;
      },
    ],
    [0xab, () => 0],
    [0xad, () => this.#setMode(mode.disabled, true)],
    [0xae, () => this.#setMode(mode.disabled, false)],
    // Input port: no keylock, colour display.
    [0xc0, () => 0x80],
    [0xd0, () => this.#readOutputPort()],
    [0xdd, () => this.#lines.setA20(false)],
    [0xdf, () => this.#lines.setA20(true)],
    // Test inputs: keyboard clock and data.
    [0xe0, () => (this.#enabled ? 3 : 2)],
  ]);

  /** A write to port 64h. */
  #obey(command: number): void {
    const s = this.#s;
    const writesRam = command >= 0x60 && command < 0x80;
    const takesByte = writesRam || (command >= 0xd1 && command <= 0xd4);
    s.command = takesByte ? command : 0;
    if (takesByte) return;
    if (command >= 0xf0) {
      // Pulses the output-port lines whose bits are 0.
      if (!(command & 1)) this.#lines.reset(`the keyboard controller, command ${command.toString(16).toUpperCase()}h`);
    } else if (command >= ramStart && command < 0x40) s.answers.push(s.ram[command - ramStart]!);
    else {
      const answer = this.#commands.get(command)?.();
      if (typeof answer === "number") s.answers.push(answer);
    }
  }

  /** A write to port 60h. */
  #data(byte: number): void {
    const s = this.#s;
    const { command } = s;
    s.command = 0;
    if (command >= 0x60 && command < 0x80) s.ram[command - 0x60] = byte;
    else if (command === 0xd1) this.#setOutputPort(byte);
    else if (command === 0xd2) s.answers.push(byte);
    else if (command === 0) {
      // Sending to the keyboard enables it.
      this.#setMode(mode.disabled, false);
      this.keyboard.receive(byte);
    }
  }

  // Ports.

  #dataPort(): Region {
    return {
      space: "port",
      base: 0x60,
      length: 1,
      read: () => {
        const { output } = this.#s;
        this.#s.full = false;
        // The line falls even if the next byte is there: an edge for each.
        this.#drive();
        this.#fill();
        return output;
      },
      write: (_offset, value) => {
        this.#s.lastWasCommand = false;
        this.#data(value);
        this.#fill();
      },
    };
  }

  #commandPort(): Region {
    return {
      space: "port",
      base: 0x64,
      length: 1,
      read: () =>
        (this.#s.full ? status.outputFull : 0) |
        (this.#commandByte & mode.systemFlag ? status.systemFlag : 0) |
        (this.#s.lastWasCommand ? status.command : 0) |
        status.notLocked,
      write: (_offset, value) => {
        this.#s.lastWasCommand = true;
        this.#obey(value);
        this.#fill();
      },
    };
  }
}

export const createKeyboardController = (wiring: KeyboardWiring, clock: Clock): KeyboardController =>
  new Controller(wiring, clock);
