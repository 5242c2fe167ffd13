import { createDevices } from "../../../emulator/devices/index.ts";
import { Bus } from "../../../emulator/memory/bus.ts";
import type { EventBody } from "../../../emulator/trace/event.ts";

/** The devices of a machine on a bus, with a clock that the test sets. */
export function createBench() {
  const time = { cycle: 0 };
  const sent: number[] = [];
  const exits: number[] = [];
  const io: EventBody[] = [];
  const devices = createDevices({
    clock: () => time.cycle,
    send: (_device, byte) => sent.push(byte),
    exit: (code) => exits.push(code),
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
  return { bus, ...devices, time, sent, exits, io, advance };
}

export type Bench = ReturnType<typeof createBench>;

/**
 * A script, one action per word: `out 20=11` and `in 21=fe` (hexadecimal; the read must give that), `wait 100` (timer
 * clocks), `irq 3` and `irq -3` (raise, lower), `ack 0b` (INTA must give that vector), `intr` / `quiet` (INTR line),
 * `type A`, `sent A`. Throws where a step does not give what it says.
 */
export function play(bench: Bench, script: string): void {
  for (const step of script.split(/[;\n]/)) {
    const [word = "", rest = ""] = step.trim().split(/ (.*)/s);
    if (word) perform(bench, word, rest, step.trim());
  }
}

const hex = (n: number) => n.toString(16);

function perform({ bus, pic, uart, sent, advance }: Bench, word: string, rest: string, step: string): void {
  const [left = "", right = ""] = rest.split("=");
  const expect = (actual: string) => {
    if (actual !== (right || left)) throw new Error(`"${step}" gave ${actual}`);
  };
  const number = Number(rest);
  if (word === "out") bus.out(Number.parseInt(left, 16), 1, Number.parseInt(right, 16));
  else if (word === "in") expect(hex(bus.in(Number.parseInt(left, 16), 1)));
  else if (word === "wait") advance(number * 100);
  else if (word === "irq") pic.line(Math.abs(number))(!rest.startsWith("-"));
  else if (word === "ack") expect(hex(bus.acknowledgeInterrupt()));
  else if (word === "intr" || word === "quiet") {
    if (bus.interruptPending() !== (word === "intr")) throw new Error(`"${step}": the INTR line is the other way`);
  } else if (word === "type") uart.type([...rest].map((c) => c.charCodeAt(0)));
  else if (word === "sent") expect(String.fromCharCode(...sent.splice(0)));
  else throw new Error(`no such action: ${step}`);
}
