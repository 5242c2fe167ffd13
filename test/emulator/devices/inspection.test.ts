import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApicBus } from "../../../emulator/devices/apic/apic-bus.ts";
import { createIoApic, ioApicBase } from "../../../emulator/devices/apic/io-apic.ts";
import { LocalApic } from "../../../emulator/devices/apic/local-apic.ts";
import { localApicView } from "../../../emulator/devices/apic/local-apic-view.ts";
import type { DeviceView } from "../../../emulator/devices/device-view.ts";
import { palette200 } from "../../../emulator/devices/palette.ts";
import { videoMode } from "../../../emulator/devices/vga-modes.ts";
import { type Bench, createBench, play } from "./device-script.ts";

const ports = [0x20, 0x21, 0xa0, 0xa1, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71];
const diskPorts = [
  0x1f1, 0x1f2, 0x1f3, 0x1f4, 0x1f5, 0x1f6, 0x1f7, 0x3f6, 0x3f2, 0x3f4, 0x3f5, 0, 1, 4, 5, 8, 0xa, 0xb, 0xc, 0x92,
];
const uartPorts = [0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff];

/** What a guest and its surroundings may do, as steps of a script. */
const step = fc.oneof(
  fc
    .tuple(fc.constantFrom(...ports, ...diskPorts, ...uartPorts), fc.integer({ min: 0, max: 255 }))
    // Bit 0 of the keyboard controller's commands from F0h on, and of its output port, resets the machine: nothing to see.
    .map(([port, value]) => `out ${port.toString(16)}=${(port === 0x64 ? value & 0x3f : value).toString(16)}`),
  fc.constantFrom(
    "out 70=b",
    "out 71=72",
    "out 43=34",
    "out 40=10",
    "out 40=0",
    "out 3f9=1",
    "out 3fa=c1",
    "out 3fc=8",
  ),
  fc.integer({ min: 1, max: 200_000 }).map((clocks) => `wait ${clocks}`),
  fc.integer({ min: 0, max: 15 }).chain((irq) => fc.constantFrom(`irq ${irq}`, `irq -${irq}`)),
  fc.constantFrom("type A", "type hello world and more", "key a"),
);

const viewsOf = ({ all }: Bench): DeviceView[] => all.flatMap((device) => device.inspect?.() ?? []);
const reads = (bench: Bench): number[] => [...ports, ...diskPorts, ...uartPorts].map((port) => bench.bus.in(port, 1));

function registerOf(bench: Bench, device: RegExp, name: string): number {
  const view = viewsOf(bench).find((one) => device.test(one.name))!;
  return view.registers.find((register) => register.name === name)!.value;
}

describe("looking at devices", () => {
  it("changes nothing, whatever has been done to them", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const [looked, left] = [createBench(), createBench()];
        for (const one of steps) {
          play(looked, one);
          viewsOf(looked);
          play(left, one);
        }
        expect(looked.bus.save()).toEqual(left.bus.save());
        expect(reads(looked)).toEqual(reads(left));
        expect(looked.bus.save()).toEqual(left.bus.save());
      }),
      { numRuns: 150, seed: 8 },
    );
  });

  /** What a guest would read, by ports; some of these reads change the device. */
  const guestReads: readonly (readonly [device: RegExp, register: string, read: (bench: Bench) => number])[] = [
    [/8259A/, "first IMR", ({ bus }) => bus.in(0x21, 1)],
    [/8259A/, "second IMR", ({ bus }) => bus.in(0xa1, 1)],
    [/IDE/, "status", ({ bus }) => bus.in(0x3f6, 1)],
    [/IDE/, "LBA middle", ({ bus }) => bus.in(0x1f4, 1)],
    [/82077AA/, "main status", ({ bus }) => bus.in(0x3f4, 1)],
    [/line 20/, "port 92h", ({ bus }) => bus.in(0x92, 1)],
    [/16550A/, "SCR", ({ bus }) => bus.in(0x3ff, 1)],
    [/16550A/, "LCR", ({ bus }) => bus.in(0x3fb, 1)],
    [/16550A/, "MCR", ({ bus }) => bus.in(0x3fc, 1)],
    [/16550A/, "MSR", ({ bus }) => bus.in(0x3fe, 1)],
    [/16550A/, "IIR", ({ bus }) => bus.in(0x3fa, 1)],
    [/16550A/, "LSR", ({ bus }) => bus.in(0x3fd, 1)],
    ...["A", "B", "C", "D"].map(
      (name, n) =>
        [
          /MC146818/,
          name,
          ({ bus }: Bench) => {
            bus.out(0x70, 1, 10 + n);
            return bus.in(0x71, 1);
          },
        ] as const,
    ),
  ];
  it.each(guestReads)("shows of %s in %s what the guest would read", (device, register, read) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const bench = createBench();
        // A chip in the midst of its initialisation, or polled, gives other things at its ports.
        for (const one of steps.filter((text) => !/^out (20|a0)=/.test(text))) play(bench, one);
        const shown = registerOf(bench, device, register);
        expect(read(bench)).toBe(shown);
      }),
      { numRuns: 40, seed: 8 },
    );
  });

  it("shows which interrupts are requested, in service and masked", () => {
    const bench = createBench();
    play(
      bench,
      "out 20=11; out 21=20; out 21=4; out 21=1; out a0=11; out a1=28; out a1=2; out a1=1; out 21=10; out a1=0",
    );
    play(bench, "irq 3; ack 23; irq 4; irq 10");
    const { interrupts = [] } = viewsOf(bench).find(({ name }) => name.startsWith("8259A"))!;
    const texts = interrupts.map(({ input, vector, requested, inService, masked }) =>
      [input, vector?.toString(16), requested && "requested", inService && "in service", masked && "masked"]
        .filter(Boolean)
        .join(" "),
    );
    expect(texts.filter((text) => /requested|service|masked/.test(text))).toEqual([
      "IRQ 2 22 requested",
      "IRQ 3 23 in service",
      "IRQ 4 24 requested masked",
      "IRQ 10 2a requested",
    ]);
  });

  it("shows when a timer acts next, and where its count is", () => {
    const bench = createBench();
    play(bench, "out 43=34; out 40=64; out 40=0; wait 30");
    const { timers = [] } = viewsOf(bench).find(({ name }) => name.startsWith("8254"))!;
    expect(timers[0]).toMatchObject({ initial: 100, count: 70, next: 9900, text: /rate generator/ });
    bench.advance(9900 - bench.time.cycle);
    expect(viewsOf(bench).find(({ name }) => name.startsWith("8254"))!.timers![0]!.next).toBe(10_000);
  });

  it("shows the interrupts and the timer of a local APIC, and who an input of the I/O APIC goes to", () => {
    const time = { cycle: 0 };
    const bus = new ApicBus();
    const io = createIoApic(bus);
    const signals = { nmi: () => {}, init: () => {}, startUp: () => {}, changed: () => {} };
    const apic = new LocalApic({ id: 1, bus, clock: () => time.cycle, signals });
    const [page] = io.regions;
    expect(page!.base).toBe(ioApicBase);
    for (const [register, value] of [
      [0x10 + 8, 0x8031],
      [0x10 + 9, 0x0100_0000],
    ] as const) {
      page!.wide!.write(0, 4, register);
      page!.wide!.write(0x10, 4, value);
    }
    apic.write(0xf0, 0x1ff);
    apic.write(0x320, 0x2_0040);
    apic.write(0x3e0, 0xb);
    apic.write(0x380, 1000);
    io.line(4)(true);
    apic.acknowledge();
    apic.accept({ mode: 0, vector: 0x22, level: false, destination: 1, logical: false });
    time.cycle = 100;
    const before = JSON.stringify([apic.save(), io.save()]);
    const { interrupts = [], timers = [] } = localApicView(apic);
    expect(interrupts.slice(0, 3)).toMatchObject([
      { input: "vector 31h", requested: false, inService: true, text: "level" },
      { input: "vector 22h", requested: true, inService: false, text: "edge" },
      { input: "LVT timer", vector: 0x40, masked: false, text: "periodic" },
    ]);
    expect(timers).toMatchObject([{ count: 900, initial: 1000, next: 1000, text: "periodic" }]);
    expect(io.inspect!().interrupts![4]).toMatchObject({
      inService: true,
      masked: false,
      text: "level, fixed, to APIC 1h",
    });
    expect(JSON.stringify([apic.save(), io.save()])).toBe(before);
    apic.switch(false);
    expect(localApicView(apic)).toMatchObject({ registers: [], name: expect.stringMatching(/switched off/) });
  });
});

describe("the picture on the screen", () => {
  it("has the sixteen colours of text", () => {
    const { palette, pixels } = createBench().vga.picture();
    expect(pixels).toBeUndefined();
    expect(palette.slice(0, 16).map((colour) => colour.toString(16).padStart(6, "0"))).toEqual(
      "000000 0000aa 00aa00 00aaaa aa0000 aa00aa aa5500 aaaaaa 555555 5555ff 55ff55 55ffff ff5555 ff55ff ffff55 ffffff".split(
        " ",
      ),
    );
  });

  it.each([
    [0x13, 0xa0000 + 320 + 5, 0x2a, { x: 5, y: 1, colour: 0x2a }],
    [4, 0xb8000 + 0x2000 + 1, 0b00_01_10_11, { x: 6, y: 1, colour: 2 }],
    [6, 0xb8000 + 80 + 1, 0b0000_0100, { x: 13, y: 2, colour: 1 }],
  ])("has in mode %i the pixels of video memory", (mode, address, value, { x, y, colour }) => {
    const { vga, video } = createBench();
    vga.setMode(videoMode(mode)!);
    if (mode !== 0x13) for (let n = 0; n < 256; n++) vga.setPalette(n, palette200(n));
    video.set(address, value);
    const { pixels, palette } = vga.picture();
    expect([pixels!.width, pixels!.height]).toEqual([videoMode(mode)!.width, videoMode(mode)!.height]);
    expect(pixels!.colours[y * pixels!.width + x]).toBe(colour);
    if (mode === 4) expect(palette.slice(0, 4)).toEqual([0, 0x55ffff, 0xff55ff, 0xffffff]);
    if (mode === 6) expect(palette.slice(0, 2)).toEqual([0, 0xffffff]);
  });
});
