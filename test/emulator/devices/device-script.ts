import { createDisk } from "../../../emulator/devices/disk-image.ts";
import { createDevices } from "../../../emulator/devices/index.ts";
import { screenLines } from "../../../emulator/devices/screen.ts";
import { strokesOf } from "../../../emulator/devices/typing.ts";
import { Bus } from "../../../emulator/memory/bus.ts";
import { cyclesPerSecond } from "../../../emulator/time/costs.ts";
import type { EventBody } from "../../../emulator/trace/event.ts";

/** The devices of a machine on a bus, with a clock that the test sets. */
export function createBench() {
  const time = { cycle: 0 };
  const sent: number[] = [];
  const exits: number[] = [];
  const io: EventBody[] = [];
  const events: string[] = [];
  const screens: string[][] = [];
  const video = new Map<number, number>();
  const memory = new Map<number, number>();
  const setA20 = (on: boolean) => events.push(`a20 ${on ? "on" : "off"}`);
  const devices = createDevices({
    clock: () => time.cycle,
    send: (_device, byte) => sent.push(byte),
    exit: (code) => exits.push(code),
    lines: { reset: (by) => events.push(`reset: ${by}`), powerOff: (by) => events.push(`off: ${by}`), setA20 },
    a20: { enabled: true },
    video: { memory: (at) => video.get(at) ?? 0, changed: (screen) => screens.push(screenLines(screen)) },
    date: { year: 2026, month: 1, day: 31, hour: 23, minute: 59, second: 58 },
    disks: [createDisk(testImage(), { cylinders: 4, heads: 2, sectors: 4 }), undefined],
    floppies: [createDisk(testImage(), { cylinders: 4, heads: 2, sectors: 4 }), undefined],
    memory: { read: (at) => memory.get(at) ?? 0, write: (at, value) => void memory.set(at, value) },
    others: [],
  });
  const bus = new Bus(devices.all, devices.pic, { record: (body) => io.push(body), touched: () => {} });
  /** Lets virtual time pass, stopping at every deadline as the machine does. */
  const advance = (cycles: number) => {
    const end = time.cycle + cycles;
    for (let at = bus.nextDeadline(); at !== undefined && at <= end; at = bus.nextDeadline()) {
      time.cycle = Math.max(time.cycle, at);
      bus.tick();
    }
    time.cycle = end;
  };
  return { bus, ...devices, time, sent, exits, io, events, screens, video, memory, advance };
}

/** Each sector is filled with its number; the first two bytes of sector 0 are A1h, B2h. */
function testImage(): Uint8Array {
  const image = new Uint8Array(32 * 512);
  for (let n = 0; n < image.length; n++) image[n] = n >> 9;
  image.set([0xa1, 0xb2]);
  return image;
}

export type Bench = ReturnType<typeof createBench>;

/**
 * A script, one action per word: `out 20=11` and `in 21=fe` (hexadecimal; the read must give that), `wait 100` (timer
 * clocks), `irq 3` and `irq -3` (raise, lower), `ack 0b` (INTA must give that vector), `intr` / `quiet` (INTR line),
 * `type A`, `sent A`; `key A` (on the keyboard, see `devices/typing.ts`), `ms 5` (milliseconds), `in16`, `out16`, `in32`,
 * `out32`, `video b8000=0741` (a word of video memory), `screen Hello` (first line of the last screen told of), `event
 * reset: …` (the oldest not yet seen; `event` alone: there is none). Throws where a step does not give what it says.
 */
export function play(bench: Bench, script: string): void {
  for (const step of script.split(/[;\n]/)) {
    const [word = "", rest = ""] = step.trim().split(/ (.*)/s);
    if (word) perform(bench, word, rest, step.trim());
  }
}

const hex = (n: number) => n.toString(16);

function typeKeys({ keyboard }: Bench["keyboard"], text: string): void {
  const strokes = strokesOf(text);
  if (typeof strokes === "string") throw new Error(strokes);
  keyboard.type(strokes);
}

function perform(
  { bus, pic, uart, keyboard, sent, advance, video, screens, events }: Bench,
  word: string,
  rest: string,
  step: string,
): void {
  const [left = "", right = ""] = rest.split("=");
  const expect = (actual: string) => {
    if (actual !== (right || left)) throw new Error(`"${step}" gave ${actual}`);
  };
  const number = Number(rest);
  if (word === "out") bus.out(Number.parseInt(left, 16), 1, Number.parseInt(right, 16));
  else if (word === "in") expect(hex(bus.in(Number.parseInt(left, 16), 1)));
  else if (word === "wait") advance(number * 100);
  else if (/^in(16|32)$/.test(word)) expect(hex(bus.in(Number.parseInt(left, 16), Number(word.slice(2)) / 8)));
  else if (/^out(16|32)$/.test(word))
    bus.out(Number.parseInt(left, 16), Number(word.slice(3)) / 8, Number.parseInt(right, 16));
  else if (word === "ms") advance(Math.round((number * cyclesPerSecond) / 1000));
  else if (word === "key") typeKeys(keyboard, rest);
  else if (word === "video")
    for (const n of [0, 1]) video.set(Number.parseInt(left, 16) + n, (Number.parseInt(right, 16) >> (8 * n)) & 0xff);
  else if (word === "screen") expect(screens.at(-1)?.[0] ?? "none");
  else if (word === "event") expect(events.shift() ?? "");
  else if (word === "irq") pic.line(Math.abs(number))(!rest.startsWith("-"));
  else if (word === "ack") expect(hex(bus.acknowledgeInterrupt()));
  else if (word === "intr" || word === "quiet") {
    if (bus.interruptPending() !== (word === "intr")) throw new Error(`"${step}": the INTR line is the other way`);
  } else if (word === "type") uart.type([...rest].map((c) => c.charCodeAt(0)));
  else if (word === "sent") expect(String.fromCharCode(...sent.splice(0)));
  else throw new Error(`no such action: ${step}`);
}
