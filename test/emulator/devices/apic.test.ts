import { describe, expect, test } from "vitest";
import { ApicBus } from "../../../emulator/devices/apic/apic-bus.ts";
import { createIoApic, ioApicBase } from "../../../emulator/devices/apic/io-apic.ts";
import { LocalApic } from "../../../emulator/devices/apic/local-apic.ts";

/** Three processors' local APICs with an I/O APIC, and what their processors have been told. */
function bench() {
  const time = { cycle: 0 };
  const told: string[] = [];
  const bus = new ApicBus();
  const io = createIoApic(bus);
  const apics = [0, 1, 2].map(
    (id) =>
      new LocalApic({
        id,
        bus,
        clock: () => time.cycle,
        signals: {
          nmi: () => told.push(`${id} NMI`),
          init: () => told.push(`${id} INIT`),
          startUp: (vector) => told.push(`${id} SIPI ${vector.toString(16)}`),
          changed: () => {},
        },
      }),
  );
  const writeIo = (register: number, value: number) => {
    const [region] = io.regions;
    region!.wide!.write(0, 4, register);
    region!.wide!.write(0x10, 4, value);
  };
  const readIo = (register: number) => {
    const [region] = io.regions;
    region!.wide!.write(0, 4, register);
    return region!.wide!.read(0x10, 4);
  };
  return { time, told, bus, io, apics: apics as [LocalApic, LocalApic, LocalApic], writeIo, readIo };
}

/** The same with all local APICs enabled by software. */
function running() {
  const made = bench();
  for (const apic of made.apics) apic.write(0xf0, 0x1ff);
  return made;
}

describe("local APIC registers", () => {
  const resetValues: [string, number, number][] = [
    ["version", 0x30, 0x50014],
    ["task priority", 0x80, 0],
    ["logical destination", 0xd0, 0],
    ["destination format", 0xe0, 0xffffffff],
    ["spurious vector", 0xf0, 0xff],
    ["timer", 0x320, 0x10000],
    ["LINT0", 0x350, 0x10000],
    ["LINT1", 0x360, 0x10000],
    ["error", 0x370, 0x10000],
    ["initial count", 0x380, 0],
    ["divide configuration", 0x3e0, 0],
  ];
  test.each(resetValues)("%s after reset", (_name, offset, value) => {
    expect(bench().apics[1].read(offset)).toBe(value);
  });

  test("the ID is in the top byte", () => {
    expect(bench().apics[2].read(0x20)).toBe(0x02000000);
  });

  test("local vectors stay masked while software has it disabled, and are masked when it disables it", () => {
    const { apics } = bench();
    apics[0].write(0x320, 0x30);
    expect(apics[0].read(0x320)).toBe(0x10030);
    apics[0].write(0xf0, 0x1ff);
    apics[0].write(0x320, 0x30);
    expect(apics[0].read(0x320)).toBe(0x30);
    apics[0].write(0xf0, 0xff);
    expect(apics[0].read(0x320)).toBe(0x10030);
  });

  test("a register that does not exist is an error, read after ESR is written", () => {
    const [apic] = running().apics;
    apic.write(0x370, 0x40);
    expect(apic.read(0x400)).toBe(0);
    expect(apic.pending).toBe(0x40);
    expect(apic.read(0x280)).toBe(0);
    apic.write(0x280, 0);
    expect(apic.read(0x280)).toBe(0x80);
  });

  test("an error vector that is illegal itself raises nothing", () => {
    const [apic] = running().apics;
    apic.write(0x370, 0x05);
    apic.write(0x300, 0x4003);
    apic.write(0x280, 0);
    expect(apic.read(0x280)).toBe(0x60);
    expect(apic.pending).toBe(-1);
  });
});

describe("priorities", () => {
  test("the highest vector comes first, a lower class waits for the end of interrupt", () => {
    const [apic] = running().apics;
    for (const vector of [0x31, 0x55, 0x52])
      apic.accept({ mode: 0, vector, level: false, destination: 0, logical: false });
    expect(apic.acknowledge()).toBe(0x55);
    expect(apic.read(0xa0)).toBe(0x50);
    expect(apic.pending).toBe(-1);
    apic.write(0xb0, 0);
    expect(apic.acknowledge()).toBe(0x52);
    apic.write(0xb0, 0);
    expect(apic.acknowledge()).toBe(0x31);
    apic.write(0xb0, 0);
    expect(apic.pending).toBe(-1);
  });

  test("a class above the task priority interrupts", () => {
    const [apic] = running().apics;
    apic.taskPriority = 0x40;
    apic.accept({ mode: 0, vector: 0x4f, level: false, destination: 0, logical: false });
    expect(apic.pending).toBe(-1);
    apic.taskPriority = 0x3f;
    expect(apic.pending).toBe(0x4f);
    apic.taskPriority = 0x40;
    expect(apic.acknowledge()).toBe(0xff);
  });
});

describe("interprocessor interrupts", () => {
  const pendings = (made: ReturnType<typeof bench>) => made.apics.map((apic) => apic.pending);
  const sends: [string, number, number, number[]][] = [
    ["to an ID", 0x02000000, 0x40, [-1, -1, 0x40]],
    ["to all IDs", 0xff000000, 0x40, [0x40, 0x40, 0x40]],
    ["to an ID nobody has", 0x07000000, 0x40, [-1, -1, -1]],
    ["to itself", 0, 0x40041, [0x41, -1, -1]],
    ["to all", 0, 0x80042, [0x42, 0x42, 0x42]],
    ["to all others", 0, 0xc0043, [-1, 0x43, 0x43]],
    ["to a logical set (flat)", 0x06000000, 0x844, [-1, 0x44, 0x44]],
    ["to the one of lowest priority in a set", 0x06000000, 0x945, [-1, -1, 0x45]],
  ];
  test.each(sends)("%s", (_name, high, low, expected) => {
    const made = running();
    for (const [n, apic] of made.apics.entries()) apic.write(0xd0, (1 << (24 + n)) >>> 0);
    made.apics[1].taskPriority = 0x20;
    made.apics[0].write(0x310, high);
    made.apics[0].write(0x300, low);
    expect(pendings(made)).toEqual(expected);
  });

  test("clusters", () => {
    const made = running();
    for (const [n, apic] of made.apics.entries()) {
      apic.write(0xe0, 0x0fffffff);
      apic.write(0xd0, [0x11000000, 0x12000000, 0x21000000][n]!);
    }
    made.apics[0].write(0x310, 0x13000000);
    made.apics[0].write(0x300, 0x850);
    expect(pendings(made)).toEqual([0x50, 0x50, -1]);
  });

  test("NMI, INIT and start-up reach the processor; the level de-assert of INIT does nothing", () => {
    const { apics, told } = running();
    apics[0].write(0x310, 0x01000000);
    apics[0].write(0x300, 0x4400);
    apics[0].write(0x300, 0xc500);
    apics[0].write(0x300, 0x8500);
    apics[0].write(0x300, 0x4609);
    expect(told).toEqual(["1 NMI", "1 INIT", "1 SIPI 9"]);
    expect(apics[1].enabled).toBe(false);
  });
});

describe("the timer", () => {
  test("counts down once, by its divisor", () => {
    const { apics, time } = running();
    const [apic] = apics;
    apic.write(0x320, 0x60);
    apic.write(0x3e0, 0xb);
    apic.write(0x380, 1000);
    time.cycle = 400;
    expect(apic.read(0x390)).toBe(600);
    expect(apic.nextDeadline()).toBe(1000);
    time.cycle = 1000;
    apic.tick();
    expect([apic.pending, apic.read(0x390), apic.nextDeadline()]).toEqual([0x60, 0, undefined]);
  });

  test("goes on and on in periodic mode", () => {
    const { apics, time } = running();
    const [apic] = apics;
    apic.write(0x320, 0x20061);
    apic.write(0x3e0, 0);
    apic.write(0x380, 100);
    time.cycle = 250;
    apic.tick();
    expect([apic.acknowledge(), apic.nextDeadline(), apic.read(0x390)]).toEqual([0x61, 400, 75]);
    apic.tick();
    expect(apic.pending).toBe(-1);
  });

  test("fires at a deadline", () => {
    const { apics, time } = running();
    const [apic] = apics;
    apic.write(0x320, 0x40062);
    apic.setDeadline(5000);
    expect(apic.nextDeadline()).toBe(5000);
    time.cycle = 5000;
    apic.tick();
    expect([apic.pending, apic.nextDeadline(), apic.deadline]).toEqual([0x62, undefined, 0]);
  });
});

describe("I/O APIC", () => {
  test("its registers", () => {
    const { readIo, writeIo, io } = bench();
    expect(io.regions[0]).toMatchObject({ space: "memory", base: ioApicBase });
    expect(readIo(1)).toBe(0x00170011);
    expect(readIo(0x10)).toBe(0x10000);
    writeIo(0, 0x05000000);
    expect(readIo(0)).toBe(0x05000000);
    writeIo(0x13, 0x02abcdef);
    expect(readIo(0x13)).toBe(0x02000000);
  });

  test("an edge is delivered once, where the entry says", () => {
    const { apics, writeIo, io } = running();
    writeIo(0x13, 0x01000000);
    writeIo(0x12, 0x31);
    const line = io.line(1);
    line(true);
    line(true);
    expect(apics.map(({ pending }) => pending)).toEqual([-1, 0x31, -1]);
    apics[1].acknowledge();
    apics[1].write(0xb0, 0);
    expect(apics[1].pending).toBe(-1);
    line(false);
    line(true);
    expect(apics[1].pending).toBe(0x31);
  });

  test("a level is delivered again after its end of interrupt while the line is active", () => {
    const { apics, writeIo, readIo, io } = running();
    writeIo(0x14, 0x8032);
    const line = io.line(2);
    line(true);
    expect(readIo(0x14)).toBe(0xc032);
    expect(apics[0].acknowledge()).toBe(0x32);
    apics[0].write(0xb0, 0);
    expect(apics[0].pending).toBe(0x32);
    apics[0].acknowledge();
    line(false);
    apics[0].write(0xb0, 0);
    expect([apics[0].pending, readIo(0x14)]).toEqual([-1, 0x8032]);
  });

  test("a masked input is heard when it is unmasked only if it is a level", () => {
    const { apics, writeIo, io } = running();
    io.line(3)(true);
    writeIo(0x16, 0x33);
    expect(apics[0].pending).toBe(-1);
    io.line(4)(true);
    writeIo(0x18, 0x8034);
    expect(apics[0].pending).toBe(0x34);
  });
});

test("state is saved and restored", () => {
  const made = running();
  const [apic] = made.apics;
  apic.write(0x320, 0x20061);
  apic.write(0x380, 100);
  made.writeIo(0x14, 0x8032);
  made.io.line(2)(true);
  apic.acknowledge();
  const saved = JSON.parse(JSON.stringify([apic.save(), made.io.save()]));
  const other = running();
  other.apics[0].restore(saved[0]);
  other.io.restore(saved[1]);
  expect(other.apics[0].nextDeadline()).toBe(apic.nextDeadline());
  other.apics[0].write(0xb0, 0);
  expect(other.apics[0].pending).toBe(0x32);
  expect([other.apics[0].save(), other.io.save()]).not.toEqual(saved);
});
