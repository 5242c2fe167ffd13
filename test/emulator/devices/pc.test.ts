import { describe, expect, test } from "vitest";
import { parseDateTime } from "../../../emulator/devices/date-time.ts";
import { createDisk, diskGeometry, floppyLayout, isHardDisk } from "../../../emulator/devices/disk-image.ts";
import { strokesOf } from "../../../emulator/devices/typing.ts";
import { createBench, play } from "./device-script.ts";

/** ICW1–4 of both controllers, vectors 20h and 28h, all unmasked; IRQ 0, which rests high, is taken. */
const interrupts = `out 20=11; out 21=20; out 21=4; out 21=1; out a0=11; out a1=28; out a1=2; out a1=1; out 21=0; out a1=0`;

/** Times are those of the bench's clock: 31 January 2026, 23:59:58, a Saturday. */
const scripts: Record<string, Record<string, string>> = {
  "keyboard controller": {
    "is as firmware leaves it": "in 64=14; out 64=20; in 64=1d; in 60=65; in 64=1c",
    "tests itself": "out 64=aa; in 60=55; out 64=ab; in 60=0; out 64=a9; in 60=0",
    "keeps its memory": "out 64=65; out 60=5a; out 64=25; in 60=5a",
    "sends a key in scan-code set 1, half a millisecond after it":
      "key a; ms 4; in 64=14; ms 2; in 64=15; in 60=1e; in 64=14; ms 5; in 60=9e",
    interrupts: `${interrupts}; key a; quiet; ms 6; intr; ack 21; in 60=1e; quiet; out 20=20; ms 5; intr; ack 21; in 60=9e`,
    "does not interrupt unless told to": `${interrupts}; out 64=60; out 60=64; key a; ms 6; quiet; in 64=15; in 60=1e`,
    "passes set 2 on untranslated": "out 64=60; out 60=25; key a; ms 6; in 60=1c; ms 5; in 60=f0; ms 1; in 60=1c",
    "holds keys shifted": "key A; ms 6; in 60=2a; ms 5; in 60=1e; ms 5; in 60=9e; ms 5; in 60=aa",
    "sends extended keys with a prefix": "key {left}; ms 6; in 60=e0; ms 1; in 60=4b; ms 5; in 60=e0; ms 1; in 60=cb",
    "waits in typing": "key {wait 100}x; ms 104; in 64=14; ms 2; in 60=2d",
    "loses no key while nobody reads":
      "key ab; ms 100; in 60=1e; ms 1; in 60=9e; ms 1; in 60=30; ms 1; in 60=b0; ms 1; in 64=14",
    "is silent while disabled": "out 64=ad; key a; ms 50; in 64=1c; out 64=ae; ms 1; in 60=1e",
    "resets the keyboard": "out 60=ff; in 64=14; ms 1; in 60=fa; ms 1; in 60=aa",
    "identifies the keyboard": "out 60=f2; ms 1; in 60=fa; ms 1; in 60=ab; ms 1; in 60=41",
    echoes: "out 60=ee; ms 1; in 60=ee",
    "takes parameters":
      "out 60=ed; ms 1; in 60=fa; out 60=7; ms 1; in 60=fa; out 60=f3; ms 1; in 60=fa; out 60=20; ms 1; in 60=fa",
    "knows set 2 only":
      "out 60=f0; ms 1; in 60=fa; out 60=0; ms 1; in 60=fa; ms 1; in 60=41; out 60=f0; ms 1; in 60=fa; out 60=3; ms 1; in 60=fe",
    "refuses what it does not know": "out 60=e1; ms 1; in 60=fe",
    "stops and starts scanning":
      "out 60=f5; ms 1; in 60=fa; key a; ms 50; in 64=14; out 60=f4; ms 1; in 60=fa; ms 2; in 60=1e",
    "switches address line 20":
      "out 64=d1; out 60=dd; event a20 off; in 92=0; out 64=d0; in 60=c1; out 64=df; event a20 on; in 92=2",
    "resets the machine": "out 64=fe; event reset: the keyboard controller, command FEh; out 64=ff; event",
    "resets by its output port": "out 64=d1; out 60=fe; event reset: the keyboard controller's output port",
    "writes its own output buffer": `${interrupts}; out 64=d2; out 60=77; intr; in 64=15; in 60=77; quiet`,
    "has no mouse": "out 64=d4; out 60=ff; ms 50; in 64=14",
  },
  "port 92h": {
    "is open at first": "in 92=2; out 92=2; event",
    "switches address line 20": "out 92=0; event a20 off; in 92=0; out 92=0; event; out 92=2; event a20 on",
    resets: "out 92=3; event reset: bit 0 of port 92h",
  },
  RTC: {
    "shows the time in BCD":
      "out 70=0; in 71=58; out 70=2; in 71=59; out 70=4; in 71=23; out 70=6; in 71=7; out 70=7; in 71=31; out 70=8; in 71=1; out 70=9; in 71=26; out 70=32; in 71=20",
    "rolls over at midnight":
      "ms 2000; out 70=0; in 71=0; out 70=4; in 71=0; out 70=6; in 71=1; out 70=7; in 71=1; out 70=8; in 71=2",
    "counts in binary": "out 70=b; out 71=6; out 70=0; in 71=3a; out 70=4; in 71=17; out 70=7; in 71=1f",
    "counts in 12 hours": "out 70=b; out 71=0; out 70=4; in 71=91; ms 2000; in 71=12",
    "shows an update coming": "out 70=a; in 71=26; ms 998; in 71=a6; ms 3; in 71=26",
    "is set while stopped":
      "out 70=b; out 71=82; out 70=4; out 71=12; out 70=9; out 71=99; out 70=32; out 71=19; ms 5000; out 70=0; in 71=58; out 70=b; out 71=2; ms 2000; out 70=0; in 71=0; out 70=4; in 71=13; out 70=6; in 71=1",
    "keeps bytes": "out 70=40; out 71=5a; in 71=5a; out 70=41; in 71=0; out 70=40; in 71=5a",
    "has a good battery": "out 70=d; in 71=80; out 71=0; in 71=80",
    "interrupts periodically": `${interrupts}; out 70=b; out 71=42; quiet; ms 1; intr; ack 28; ms 5; out a0=20; out 20=20; quiet; out 70=c; in 71=c0; in 71=0; ms 1; intr`,
    "sets flags without interrupts": `${interrupts}; out 70=c; in 71=0; ms 2; in 71=40; ms 1000; in 71=50; quiet`,
    "interrupts after each update": `${interrupts}; out 70=b; out 71=12; ms 999; quiet; ms 2; intr; ack 28; out 70=c; in 71=d0`,
    rings: `${interrupts}; out 70=1; out 71=1; out 70=3; out 71=0; out 70=5; out 71=0; out 70=b; out 71=22; ms 2999; quiet; ms 2; intr; out 70=c; in 71=f0`,
    "rings every minute": `${interrupts}; out 70=1; out 71=0; out 70=3; out 71=ff; out 70=5; out 71=ff; out 70=b; out 71=22; ms 2001; ack 28; out 70=c; in 71=f0; out a0=20; out 20=20; ms 59998; quiet; ms 3; intr`,
  },
  VGA: {
    "shows text at a frame": "video b8000=0748; video b8002=0769; ms 14; screen none; ms 1; screen Hi",
    "has the cursor in the CRTC":
      "out 3d4=e; in 3d5=0; out 3d5=1; out 3d4=f; out 3d5=40; in 3d5=40; out 3d4=e; in 3d5=1",
    "scrolls by its start address": "video b80a0=0741; out 3d4=d; out 3d5=50; ms 15; screen A",
    "is in mode 3": "in 3cc=67; out 3d4=1; in 3d5=4f; out 3ce=6; in 3cf=e",
    "is not at the monochrome ports": "out 3b4=f; in 3b4=ff; in 3ba=ff",
    "shows the beam": "in 3da=0; ms 13.14; in 3da=9; ms 0.1; in 3da=1; ms 1.1; in 3da=0",
    "has two registers behind 3C0h":
      "in 3da=0; out 3c0=2; out 3c0=17; in 3c0=2; in 3c1=17; in 3da=0; out 3c0=5; in 3c1=5",
    "keeps the palette":
      "out 3c8=5; out 3c9=1; out 3c9=2; out 3c9=3f; in 3c8=6; out 3c7=5; in 3c7=3; in 3c9=1; in 3c9=2; in 3c9=3f",
    "protects CRTC registers":
      "out 3d4=11; out 3d5=80; out 3d4=1; out 3d5=0; in 3d5=4f; out 3d4=11; out 3d5=0; out 3d4=1; out 3d5=27; in 3d5=27",
  },
  IDE: {
    "has one disk": "in 1f7=50; in 1f1=1; out 1f6=b0; in 1f7=0; out 1f6=a0; in 1f7=50",
    "identifies it": `${interrupts}; out 1f7=ec; in 1f7=58; in16 1f0=40; in16 1f0=4; in16 1f0=0; in16 1f0=2`,
    "reads a sector by LBA": `${interrupts}; out 1f2=1; out 1f3=5; out 1f4=0; out 1f5=0; out 1f6=e0; out 1f7=20; in 1f7=80; quiet; ms 1; intr; ack 2e; in 3f6=58; in16 1f0=505; in32 1f0=5050505; in 1f7=58`,
    "reads a sector by cylinder, head and sector":
      "out 1f2=1; out 1f3=2; out 1f4=1; out 1f5=0; out 1f6=a1; out 1f7=20; ms 1; in16 1f0=d0d",
    "gives the first bytes of the disk":
      "out 1f2=1; out 1f3=0; out 1f4=0; out 1f5=0; out 1f6=e0; out 1f7=20; ms 1; in 1f0=a1; in 1f0=b2; in 1f0=0",
    "does not interrupt if told so": `${interrupts}; out 3f6=2; out 1f2=1; out 1f3=5; out 1f6=e0; out 1f7=20; ms 1; quiet; in 1f7=58`,
    "acknowledges by the status": `${interrupts}; out 1f6=e0; out 1f7=e7; intr; in 3f6=50; intr; in 1f7=50; quiet`,
    "does not know all commands": "out 1f7=c8; in 1f7=51; in 1f1=4",
    "refuses sectors beyond the end":
      "out 1f2=2; out 1f3=1f; out 1f4=0; out 1f5=0; out 1f6=e0; out 1f7=20; in 1f7=51; in 1f1=10",
    verifies: "out 1f2=2; out 1f3=1; out 1f4=0; out 1f5=0; out 1f6=e0; out 1f7=40; ms 1; in 1f7=50; in 1f3=2",
    resets: "out 1f2=7; out 3f6=4; in 1f7=80; out 3f6=0; in 1f7=50; in 1f1=1; in 1f2=1; in 1f3=1",
    "changes its geometry":
      "out 1f2=8; out 1f6=a0; out 1f7=91; in 1f7=50; out 1f2=1; out 1f3=8; out 1f4=0; out 1f5=0; out 1f6=a0; out 1f7=20; ms 1; in 1f0=7",
    "says how large it is": "out 1f6=e0; out 1f7=f8; in 1f3=1f; in 1f4=0; in 1f5=0",
  },
  PCI: {
    "has a host bridge":
      "out32 cf8=80000000; in32 cf8=80000000; in32 cfc=12378086; in16 cfe=1237; out32 cf8=80000008; in32 cfc=6000002",
    "has nothing else": "out32 cf8=80000800; in32 cfc=ffffffff; out32 cf8=0; in32 cfc=ffffffff",
    "takes doublewords only": "out cf8=1; in32 cf8=0; out16 cf8=80; in32 cf8=0",
  },
  "debug ports": {
    "402h is a console too": "in 402=e9; out 402=42; sent B",
    "600h has no events, and keeps what of them is enabled":
      "in16 600=0; out16 602=321; in16 602=321; out16 600=ffff; in16 600=0; in16 602=321; in16 604=1; event",
    "604h switches off": "out16 604=2000; event off: port 604h; out16 604=0; event",
  },
};

for (const [device, cases] of Object.entries(scripts))
  describe(device, () => {
    test.each(Object.entries(cases))("%s", (_name, script) => play(createBench(), script));
    test.each(Object.entries(cases))("%s, restored halfway", (_name, script) => {
      const steps = script.split(/[;\n]/);
      const half = Math.floor(steps.length / 2);
      const [first, second] = [createBench(), createBench()];
      play(first, steps.slice(0, half).join(";"));
      second.bus.restore(JSON.parse(JSON.stringify(first.bus.save())));
      second.time.cycle = first.time.cycle;
      for (const [at, byte] of first.video) second.video.set(at, byte);
      second.sent.push(...first.sent);
      second.events.push(...first.events);
      second.screens.push(...first.screens);
      play(second, steps.slice(half).join(";"));
    });
  });

/** Moves a sector's 256 words through the data port. */
function transfer({ bus }: ReturnType<typeof createBench>, value?: number): number[] {
  const read: number[] = [];
  for (let n = 0; n < 256; n++)
    if (value === undefined) read.push(bus.in(0x1f0, 2));
    else bus.out(0x1f0, 2, value + n);
  return read;
}

describe("IDE transfers", () => {
  test("several sectors, an interrupt for each", () => {
    const bench = createBench();
    play(
      bench,
      `${interrupts}; out 1f2=2; out 1f3=3; out 1f4=0; out 1f5=0; out 1f6=e0; out 1f7=20; ms 1; ack 2e; in 1f7=58`,
    );
    expect(new Set(transfer(bench))).toEqual(new Set([0x303]));
    play(bench, "in 1f7=80; out a0=20; out 20=20; quiet; ms 1; ack 2e; in 1f7=58");
    expect(new Set(transfer(bench))).toEqual(new Set([0x404]));
    play(bench, "in 1f7=50; in 1f3=4");
  });

  test("what was written is read again", () => {
    const bench = createBench();
    const start = "out 1f2=1; out 1f3=9; out 1f4=0; out 1f5=0; out 1f6=e0";
    play(bench, `${interrupts}; ${start}; out 1f7=30; in 1f7=58; quiet`);
    transfer(bench, 0x1200);
    play(bench, `in 3f6=80; ms 1; ack 2e; in 1f7=50; ${start}; out 1f7=20; ms 1`);
    expect(transfer(bench)).toEqual(Array.from({ length: 256 }, (_, n) => 0x1200 + n));
  });

  test("blocks of READ MULTIPLE", () => {
    const bench = createBench();
    play(bench, "out 1f2=1; out 1f7=c4; in 1f7=51; out 1f2=2; out 1f7=c6; in 1f7=50");
    play(bench, "out 1f2=3; out 1f3=1; out 1f4=0; out 1f5=0; out 1f6=e0; out 1f7=c4; ms 1; in 1f7=58");
    expect([...transfer(bench), ...transfer(bench)].filter((word) => word === 0x202)).toHaveLength(256);
    play(bench, "in 1f7=80; ms 1; in 1f7=58");
    expect(transfer(bench)[0]).toBe(0x303);
    play(bench, "in 1f7=50");
  });
});

describe("typing", () => {
  test.each([
    ["{nokey}", /no key \{nokey\}/],
    ["{a+b}", /a is not held down/],
    ["ü", /“ü” is not on the keyboard/],
  ])("refuses %s", (text, message) => expect(strokesOf(text)).toMatch(message));

  test("types every printable character of a US keyboard", () => {
    for (let code = 0x20; code < 0x7f; code++) {
      const text = String.fromCharCode(code);
      expect(strokesOf(text === "{" ? "{{" : text), text).toBeInstanceOf(Array);
    }
  });
});

describe("disk images", () => {
  test.each([
    [163_840, 40, 1, 8],
    [184_320, 40, 1, 9],
    [327_680, 40, 2, 8],
    [368_640, 40, 2, 9],
    [737_280, 80, 2, 9],
    [1_228_800, 80, 2, 15],
    [1_474_560, 80, 2, 18],
    [2_949_120, 80, 2, 36],
    [512, 80, 2, 18],
    [1_500_000, 80, 2, 36],
  ])("a floppy of %i bytes has %i cylinders, %i heads, %i sectors", (bytes, cylinders, heads, sectors) =>
    expect(floppyLayout(bytes)).toMatchObject({ cylinders, heads, sectors }),
  );

  test("no floppy is larger than 2.88 MB", () => expect(floppyLayout(2_949_121)).toBeUndefined());

  /** A boot sector with one partition that ends at head 3, sector 17. */
  const partitioned = () => {
    const image = new Uint8Array(512 * 100);
    image.set([0x80, 0, 1, 0, 6, 3, 17, 0, 1, 0, 0, 0, 99, 0, 0, 0], 446);
    image.set([0x55, 0xaa], 510);
    return image;
  };

  test("a partition table makes a hard disk, and tells its geometry", () => {
    expect(isHardDisk(partitioned())).toBe(true);
    expect(isHardDisk(new Uint8Array(1_474_560))).toBe(false);
    expect(isHardDisk(new Uint8Array(2_949_121))).toBe(true);
    expect(diskGeometry(partitioned())).toEqual({ cylinders: 2, heads: 4, sectors: 17 });
    expect(diskGeometry(new Uint8Array(16 * 63 * 512 * 3))).toEqual({ cylinders: 3, heads: 16, sectors: 63 });
  });

  test("the image never changes", () => {
    const image = new Uint8Array(1000).fill(7);
    const disk = createDisk(image, { cylinders: 1, heads: 1, sectors: 8 });
    expect(disk.read(1)[487]).toBe(7);
    expect(disk.read(1)[488]).toBe(0);
    disk.write(3, new Uint8Array(512).fill(9));
    expect(image.every((byte) => byte === 7)).toBe(true);
    const saved = disk.save();
    disk.write(3, new Uint8Array(512));
    expect(disk.contents()[3 * 512]).toBe(0);
    disk.restore(saved);
    expect(disk.contents()[3 * 512]).toBe(9);
    expect(disk.contents()).toHaveLength(4 * 512);
  });
});

test.each([
  ["2026-02-29", false],
  ["2024-02-29", true],
  ["2026-01-31T23:59:59", true],
  ["2026-01-31T24:00", false],
  ["1979-12-31", false],
  ["tomorrow", false],
])("the date %s is possible: %s", (text, possible) => expect(parseDateTime(text) !== undefined).toBe(possible));

/** Numbers that look random, the same each time. */
function* numbers(seed: number): Generator<number> {
  for (let n = seed; ; ) {
    n = (Math.imul(n, 1664525) + 1013904223) >>> 0;
    yield n >>> 8;
  }
}

/** A write to a port; what the machine does not have may be refused. */
function write({ bus }: ReturnType<typeof createBench>, port: number, bytes: number, value: number): void {
  try {
    bus.out(port, bytes, value);
  } catch (thrown) {
    expect(thrown).toEqual({ kind: "unsupported", what: "planar VGA graphics" });
  }
}

test.each([
  ["mode 12h by its registers", "out 3c4=4; out 3c5=6; out 3ce=6; out 3cf=5"],
  ["mode 13h unchained", "out 3c4=4; out 3c5=e; out 3ce=6; out 3cf=5; out 3c4=4; out 3c5=6"],
])("refuses planar graphics: %s", (_name, script) => {
  let thrown: unknown;
  try {
    play(createBench(), script);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toEqual({ kind: "unsupported", what: "planar VGA graphics" });
});

test("lets text fonts be loaded into their plane", () =>
  play(createBench(), "out 3c4=4; out 3c5=7; out 3ce=6; out 3cf=0; out 3c4=4; out 3c5=3; out 3ce=6; out 3cf=e"));

test("whatever is done to the ports, no device breaks, and each is all in what it saves", () => {
  const [first, second] = [createBench(), createBench()];
  const ports = first.bus.devices.flatMap(({ regions }) =>
    regions.flatMap(({ space, base, length }) => (space === "port" ? Array.from({ length }, (_, n) => base + n) : [])),
  );
  const next = numbers(1);
  const draw = (below: number) => next.next().value! % below;
  for (let round = 0; round < 20; round++) {
    for (let n = 0; n < 3000; n++) {
      const [port, bytes, value] = [ports[draw(ports.length)]!, 1 << draw(3), draw(2 ** 24)];
      if (draw(2)) write(first, port, bytes, value);
      else expect(first.bus.in(port, bytes)).toBeGreaterThanOrEqual(0);
      if (draw(8) === 0) first.advance(draw(1_000_000));
      if (draw(50) === 0 && first.bus.interruptPending()) first.bus.acknowledgeInterrupt();
    }
    const saved = first.bus.save();
    second.bus.restore(JSON.parse(JSON.stringify(saved)));
    expect(second.bus.save()).toEqual(saved);
  }
});

/** Channel 2 for `sectors` sectors at 12345h, into memory (46h) or out of it (4Ah). */
const dmaFor = (sectors: number, mode: string) =>
  `out a=6; out c=0; out b=${mode}; out 4=45; out 4=23; out 81=1; out 5=ff; out 5=${(2 * sectors - 1).toString(16)}; out a=2`;
/** Motor, calibration and sensing of drive 0. */
const spun = `${interrupts}; out 3f2=1c; out 3f5=7; out 3f5=0; in 3f4=10; ms 1; intr; ack 26; in 3f4=80; out 3f5=8; in 3f4=d0; in 3f5=20; in 3f5=0; in 3f4=80; out 20=20; quiet`;
const command = (bytes: string) =>
  bytes
    .split(" ")
    .map((byte) => `out 3f5=${byte}`)
    .join("; ");
const result = (bytes: string) =>
  bytes
    .split(" ")
    .map((byte) => `in 3f5=${byte}`)
    .join("; ");

const floppyScripts: Record<string, string> = {
  "resets, and tells of four drives": `${interrupts}; out 3f2=8; in 3f4=0; out 3f2=c; intr; ack 26; in 3f4=80; out 3f5=8; in 3f5=c0; in 3f5=0; out 3f5=8; in 3f5=c1; in 3f5=0; out 3f5=8; in 3f5=c2; in 3f5=0; out 3f5=8; in 3f5=c3; in 3f5=0; out 3f5=8; in 3f5=80`,
  "says its version": "out 3f5=10; in 3f5=90",
  "does not know all commands": "out 3f5=1f; in 3f5=80; in 3f4=80",
  calibrates: spun,
  seeks: `${spun}; ${command("f 0 2")}; ms 1; ack 26; out 3f5=8; in 3f5=20; in 3f5=2`,
  "finds no drive where there is none": `${interrupts}; out 3f2=2d; ${command("7 1")}; ms 1; ack 26; out 3f5=8; in 3f5=71; in 3f5=0`,
  "reads an identifier": `${spun}; ${command("4a 4")}; ms 1; ack 26; ${result("4 0 0 0 1 1 2")}`,
  "has no such sector": `${spun}; ${dmaFor(1, "46")}; ${command("e6 0 0 0 5 2 4 1b ff")}; ms 1; ${result("40 4 0 0 0 5 2")}`,
  "needs DMA": `${spun}; ${command("e6 0 0 0 1 2 4 1b ff")}; ms 1; ${result("40 10 0 0 0 2 2")}`,
  "programs DMA":
    "out c=0; out 4=34; out 4=12; in 4=34; in 4=12; out 81=5; in 81=5; out 5=ff; out 5=1; in 5=ff; in 5=1; out d=0; in 8=0",
};

describe("floppy controller", () => {
  test.each(Object.entries(floppyScripts))("%s", (_name, script) => play(createBench(), script));

  test("reads sectors over both sides until terminal count", () => {
    const bench = createBench();
    play(
      bench,
      `${spun}; ${dmaFor(3, "46")}; ${command("e6 0 0 0 3 2 4 1b ff")}; in 3f4=10; quiet; ms 1; intr; ack 26`,
    );
    // Sectors 3 and 4 of head 0, then sector 1 of head 1.
    expect([0, 512, 1024, 1535].map((at) => bench.memory.get(0x12345 + at))).toEqual([2, 3, 4, 4]);
    expect(bench.memory.size).toBe(1536);
    play(bench, `in 8=4; in 8=0; ${result("0 0 0 0 1 2 2")}; in 3f4=80; out 20=20; quiet`);
  });

  test("writes a sector that is read again", () => {
    const bench = createBench();
    for (let n = 0; n < 512; n++) bench.memory.set(0x12345 + n, n & 0xff);
    play(
      bench,
      `${spun}; ${dmaFor(1, "4a")}; ${command("c5 0 0 0 2 2 4 1b ff")}; ms 1; ack 26; ${result("0 0 0 0 0 3 2")}`,
    );
    bench.memory.clear();
    play(bench, `out 20=20; ${dmaFor(1, "46")}; ${command("e6 0 0 0 2 2 4 1b ff")}; ms 1; ack 26`);
    expect([0, 1, 255, 511].map((at) => bench.memory.get(0x12345 + at))).toEqual([0, 1, 255, 255]);
  });

  test("ends at the end of the track without terminal count", () => {
    const bench = createBench();
    play(bench, `${spun}; ${dmaFor(4, "46")}; ${command("66 0 0 0 4 2 4 1b ff")}; ms 1; ${result("40 80 0 1 0 1 2")}`);
    expect(bench.memory.size).toBe(512);
  });
});
