import { describe, expect, test } from "vitest";
import { createConsoleText } from "../../../emulator/devices/console-text.ts";
import type { DeviceName } from "../../../emulator/devices/device-names.ts";
import { Bus } from "../../../emulator/memory/bus.ts";
import { createBench, play } from "./device-script.ts";

/** ICW1–4 of both chips as PC firmware writes them, vectors 20h and 28h, all unmasked. */
const initialised = `out 20=11; out 21=20; out 21=4; out 21=1; out a0=11; out a1=28; out a1=2; out a1=1
  out 21=0; out a1=0; quiet`;

const scripts: Record<string, Record<string, string>> = {
  PIC: {
    "is masked before it is programmed": "in 21=ff; in a1=ff; irq 4; quiet",
    "takes its vector from ICW2": `${initialised}; irq 4; intr; ack 24; quiet`,
    "reads back the mask": `${initialised}; out 21=fb; in 21=fb`,
    "holds a masked request until it is unmasked": `${initialised}; out 21=10; irq 4; quiet; in 20=10; out 21=0; intr`,
    "shows requests and services by OCW3": `${initialised}; irq 3; out 20=0a; in 20=8; ack 23; in 20=0; out 20=0b; in 20=8`,
    "blocks the same and lower levels in service": `${initialised}; irq 3; ack 23; irq 5; quiet; out 20=20; intr; ack 25`,
    "lets a higher level interrupt": `${initialised}; irq 5; ack 25; irq 3; intr; ack 23`,
    "ends a named level by specific EOI": `${initialised}; irq 5; ack 25; irq 3; ack 23; out 20=65; out 20=0b; in 20=8`,
    "ends the highest by non-specific EOI": `${initialised}; irq 5; ack 25; irq 3; ack 23; out 20=20; out 20=0b; in 20=20`,
    "is edge triggered": `${initialised}; irq 4; ack 24; out 20=20; quiet; irq -4; irq 4; intr`,
    "loses a request that falls before INTA, spuriously": `${initialised}; irq 4; irq -4; quiet; ack 27; out 20=0b; in 20=0`,
    "cascades the second chip": `${initialised}; irq 10; intr; ack 2a; out a0=0b; in a0=4; out 20=0b; in 20=4`,
    "needs both EOIs for the second chip": `${initialised}; irq 10; ack 2a; irq 12; quiet; out a0=20; quiet; out 20=20; intr; ack 2c`,
    "gives a higher level of the second chip only after the first's EOI": `${initialised}; irq 12; ack 2c; irq 8; quiet; out 20=20; intr; ack 28`,
    "ends automatically with AEOI":
      "out 20=11; out 21=20; out 21=4; out 21=3; out 21=0; irq 4; ack 24; irq 5; intr; ack 25",
    "rotates priority": `${initialised}; out 20=c4; irq 4; irq 5; ack 25`,
    "rotates on non-specific EOI": `${initialised}; irq 4; ack 24; out 20=a0; irq -4; irq 4; irq 5; ack 25`,
    "special mask mode lets lower levels through": `${initialised}; irq 3; ack 23; out 21=8; irq 5; quiet; out 20=68; intr; ack 25`,
    polls: `${initialised}; irq 4; out 20=0c; in 20=84; out 20=0b; in 20=10`,
    "works alone without ICW3": "out 20=13; out 21=40; out 21=1; out 21=0; irq 1; ack 41",
    "triggers by level with LTIM": "out 20=19; out 21=20; out 21=4; out 21=1; out 21=1; irq 4; ack 24; out 20=20; intr",
  },
  PIT: {
    "mode 0 raises at terminal count, once": `${initialised}; out 43=30; out 40=a; out 40=0; wait 9; quiet; wait 1; intr; ack 20; out 20=20; wait 70000; quiet`,
    "mode 2 interrupts every period": `${initialised}; out 43=34; out 40=64; out 40=0; wait 99; quiet; wait 1; ack 20; out 20=20; quiet; wait 100; ack 20`,
    "mode 3 interrupts every period": `${initialised}; out 43=36; out 40=64; out 40=0; wait 99; quiet; wait 1; ack 20; out 20=20; wait 99; quiet; wait 1; ack 20`,
    "programming it makes no interrupt": `${initialised}; out 43=36; quiet; out 40=64; out 40=0; quiet`,
    "counts down": "out 43=34; out 40=0; out 40=10; wait 1; in 40=ff; in 40=f",
    latches: "out 43=34; out 40=0; out 40=10; out 43=0; wait 5; in 40=0; in 40=10; in 40=fb; in 40=f",
    "mode 3 counts by two": "out 43=36; out 40=64; out 40=0; wait 10; in 40=50; in 40=0; wait 45; in 40=5a; in 40=0",
    "reads one byte when told": "out 43=14; out 40=80; wait 16; in 40=70; in 40=70",
    "counts in BCD": "out 43=35; out 40=0; out 40=10; wait 1; in 40=99; in 40=9",
    "reads status back": "out 43=34; out 43=e2; in 40=f4; out 40=0; out 40=10; out 43=e2; in 40=b4",
    "reads status and count back": "out 43=34; out 40=0; out 40=10; out 43=c2; in 40=b4; in 40=0; in 40=10",
    "mode 1 waits for its gate":
      "out 61=0; out 43=b2; out 42=5; out 42=0; wait 9; in 61=20; out 61=1; in 61=1; wait 5; in 61=21",
    "mode 2 on the gate of port 61h": "out 61=1; out 43=b4; out 42=a; out 42=0; wait 9; in 61=1; wait 1; in 61=21",
    "a low gate stops mode 0":
      "out 61=1; out 43=b0; out 42=a; out 42=0; wait 4; out 61=0; wait 9; in 42=6; in 42=0; out 61=1; wait 6; in 61=31",
    "mode 4 strobes once":
      "out 61=1; out 43=b8; out 42=5; out 42=0; wait 4; in 61=21; wait 1; in 61=1; wait 1; in 61=21",
    "mode 5 strobes after its gate":
      "out 61=0; out 43=ba; out 42=5; out 42=0; wait 8; in 61=20; out 61=1; wait 5; in 61=1; wait 1; in 61=21",
    "a new count waits for the end of the period":
      "out 43=34; out 40=a; out 40=0; wait 4; out 40=64; out 40=0; in 40=6; in 40=0; wait 6; in 40=64",
    "speaker bit reads back": "out 61=2; in 61=22",
  },
  UART: {
    "sends at once": "in 3fd=60; out 3f8=41; sent A; in 3fd=60",
    receives: "in 3fd=60; type AB; in 3fd=61; in 3f8=41; in 3f8=42; in 3fd=60; in 3f8=0",
    "has the divisor behind DLAB": "out 3fb=83; out 3f8=c; out 3f9=0; in 3f8=c; in 3f9=0; out 3fb=3; in 3f9=0",
    "has a scratch register": "out 3ff=5a; in 3ff=5a",
    "shows a terminal": "in 3fe=b0",
    "identifies a 16550A by its FIFO bits": "in 3fa=1; out 3fa=1; in 3fa=c1; out 3fa=0; in 3fa=1",
    "interrupts on received data through OUT2": `${initialised}; out 3f9=1; type A; quiet; out 3fc=8; intr; ack 24; in 3fa=4; in 3f8=41; in 3fa=1`,
    "interrupts when the transmitter is empty": `${initialised}; out 3fc=8; out 3f9=2; intr; ack 24; in 3fa=2; in 3fa=1; out 20=20; out 3f8=41; intr; ack 24`,
    "waits for the trigger level": `${initialised}; out 3fc=8; out 3fa=41; out 3f9=1; type abc; quiet; type d; intr; in 3fa=c4`,
    "times out below the trigger level": `${initialised}; out 3fc=8; out 3fa=c1; out 3f9=1; type a; quiet; wait 500; intr; in 3fa=cc; in 3f8=61; in 3fa=c1`,
    "keeps what is typed beyond its FIFO":
      "out 3fa=1; type 0123456789abcdefXY; in 3f8=30; out 3fa=3; in 3f8=59; in 3fd=60",
    "interrupts for each byte that waited": `${initialised}; out 3fc=8; out 3f9=1; type AB; ack 24; in 3f8=41; out 20=20; intr; ack 24; in 3f8=42; out 20=20; quiet`,
    "leaves no interrupt behind for a handler that takes all": `${initialised}; out 3fc=8; out 3f9=1; type AB; ack 24; in 3f8=41; in 3f8=42; in 3fd=60; out 20=20; quiet`,
    "loops back": "out 3fc=10; out 3f8=41; in 3fd=61; in 3f8=41; sent ",
    "loops modem lines back with their changes": "out 3fc=10; in 3fe=b; out 3fc=1a; in 3fe=99; in 3fe=90",
    "overruns in loopback": "out 3fc=10; out 3f8=41; out 3f8=42; in 3fd=63; in 3fd=61; in 3f8=42",
    "reports an overrun first": "out 3fc=10; out 3f9=5; out 3f8=41; out 3f8=42; in 3fa=6; in 3fd=63; in 3fa=4",
    "sends only the bits of its word length": "out 3fb=2; out 3f8=c1; sent A",
  },
  ports: {
    "nobody answers with ones": "in 1234=ff",
    "E9h is the console and says it is there": "in e9=e9; out e9=42; sent B",
    "80h keeps the last code": "out 80=7; in 80=7",
  },
};

for (const [device, cases] of Object.entries(scripts))
  describe(device, () => {
    test.each(Object.entries(cases))("%s", (_name, script) => play(createBench(), script));
    // The state of a device is in what it saves: half of each script on one machine, the rest on another.
    test.each(Object.entries(cases))("saved and restored in the middle: %s", (_name, script) => {
      const steps = script.split(/[;\n]/);
      const [first, second] = [createBench(), createBench()];
      const half = Math.floor(steps.length / 2);
      play(first, steps.slice(0, half).join(";"));
      second.bus.restore(JSON.parse(JSON.stringify(first.bus.save())));
      second.time.cycle = first.time.cycle;
      second.sent.push(...first.sent);
      play(second, steps.slice(half).join(";"));
    });
  });

describe("bus", () => {
  test("splits wide accesses into bytes and records them whole", () => {
    const { bus, sent, io } = createBench();
    bus.out(0xe8, 2, 0x4100);
    expect(sent).toEqual([0x41]);
    expect(bus.in(0x3fd, 4)).toBe(0xff00b060);
    expect(io).toEqual([
      { kind: "io", direction: "out", port: 0xe8, bytes: 2, value: 0x4100, device: "none" },
      { kind: "io", direction: "in", port: 0x3fd, bytes: 4, value: 0xff00b060, device: "UART" },
    ]);
  });

  test("refuses overlapping regions, naming both devices", () => {
    const device = (name: DeviceName, base: number) => ({
      name,
      regions: [{ space: "port" as const, base, length: 4, read: () => 0, write: () => {} }],
      nextDeadline: () => undefined,
      tick: () => {},
      save: () => null,
      restore: () => {},
    });
    const { pic } = createBench();
    const build = () => new Bus([device("PCI", 0x100), device("POST", 0x103)], pic, { record() {}, touched() {} });
    expect(build).toThrow("POST and PCI both claim port 103h");
  });

  test("the debug-exit port ends the machine with its code", () => {
    const { bus, exits } = createBench();
    bus.out(0xf4, 1, 3);
    expect(exits).toEqual([3]);
  });
});

describe("console text", () => {
  const cases: [string, number[], string[]][] = [
    ["ASCII", [0x48, 0x69, 0x0a], ["H", "i", "\n"]],
    ["UTF-8", [0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80], ["é", "€", "😀"]],
    ["other bytes as their numbers", [0x80, 0xff, 0xc3, 0x41], ["\x80", "\xff", "Ã", "A"]],
    ["overlong and surrogate forms", [0xe0, 0x80, 0x80, 0xed, 0xa0, 0x80], ["à", "\x80", "\x80", "í", "\xa0", "\x80"]],
    ["an unfinished sequence, when flushed", [0xe2, 0x82], ["â", "\x82"]],
  ];
  test.each(cases)("%s", (_name, bytes, texts) => {
    const found: string[] = [];
    const text = createConsoleText((piece) => found.push(piece));
    for (const byte of bytes) text.send(byte);
    text.flush();
    expect(found).toEqual(texts);
  });
});
