import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { screenLines } from "../../../emulator/devices/screen.ts";
import { type BootKind, bootKindOf } from "../../../emulator/firmware/drives.ts";
import { configurationProblem, Machine, type MachineConfiguration } from "../../../emulator/index.ts";
import { romTable } from "../../../scripts/firmware.ts";
import { assembled, outputOf } from "../machine/program.ts";

/** A boot sector around some code; `hex16` prints AX to port E9h as four digits and a blank, `bytes` AL as two. */
const sector = (body: string, after = "") => `
  org 7C00h
  bits 16
  xor cx, cx
  mov ds, cx
  mov es, cx
${body}
  cli
  hlt
hex16:
  pushf
  pusha
  mov cx, 4
.digit:
  rol ax, 4
  push ax
  and al, 15
  add al, '0'
  cmp al, '9'
  jbe .out
  add al, 7
.out:
  out 0E9h, al
  pop ax
  loop .digit
  mov al, ' '
  out 0E9h, al
  popa
  popf
  ret
carry:
  mov al, '0'
  adc al, 0
  out 0E9h, al
  ret
  times 510 - ($ - $$) db 0
  dw 0AA55h
${after}`;

interface Options extends Partial<MachineConfiguration> {
  readonly keys?: string;
}

const techniques = ["bare-metal", "vtx-ept"] as const;

function configured(image: Uint8Array, { keys: _, ...over }: Options, kind: BootKind = bootKindOf(image)) {
  const drives = kind === "disk" ? { disks: [image] } : { floppies: [image] };
  const fixed = { technique: "bare-metal", image: new Uint8Array(), origin: 0x7c00, mode: "real", memory: 2 } as const;
  return { ...fixed, boot: kind, drives, ...over } satisfies MachineConfiguration;
}

function booted(source: string, options: Options = {}): Machine {
  const machine = new Machine(configured(assembled(source).bytes, options));
  if (options.keys !== undefined) expect(machine.press(options.keys)).toBeUndefined();
  return machine;
}

interface Case {
  readonly body: string;
  readonly after?: string;
  /** What it writes to port E9h. */
  readonly output?: string;
  /** Lines of the screen at the end, from the top. */
  readonly screen?: readonly string[];
  readonly options?: Options;
}

const print = (text: string) => [...text].map((c) => `mov ax, ${0x0e00 + c.charCodeAt(0)}\nint 10h`).join("\n");

const cases: Record<string, Record<string, Case>> = {
  "power-on self test": {
    "enters the boot sector with interrupts on and the drive in DL": {
      body: "pushf\npop ax\ncall hex16\nmov ax, dx\ncall hex16\nmov ax, sp\ncall hex16",
      output: "0246 0000 7C00 ",
    },
    "fills the data area": {
      body: `mov ax, [413h]\ncall hex16\nmov ax, [410h]\ncall hex16\nmov ax, [40Eh]\ncall hex16\nmov ax, [449h]\ncall hex16`,
      output: "027F 0223 9FC0 5003 ",
    },
    "has vectors into its own segment": {
      body: "mov ax, [10h * 4 + 2]\ncall hex16\nmov ax, [9 * 4 + 2]\ncall hex16",
      output: "F000 F000 ",
    },
    "cannot be overwritten": {
      body: "mov ax, 0F000h\nmov ds, ax\nmov byte [0FFF0h], 0\nmov al, [0FFF0h]\nmov ah, [0FFFEh]\ncall hex16",
      output: "FCEA ",
    },
    "counts 18.2 ticks a second": {
      body: "mov bx, [46Ch]\n.wait:\nhlt\nmov ax, [46Ch]\nsub ax, bx\ncmp ax, 3\njb .wait\ncall hex16",
      output: "0003 ",
    },
    "calls the hook of the timer": {
      body: "mov word [1Ch * 4], tick\nmov [1Ch * 4 + 2], cs\nhlt\nhlt\nmov al, [ticks]\nxor ah, ah\ncall hex16\njmp finish\ntick: inc byte [cs:ticks]\niret\nticks: db 0\nfinish:",
      output: "0002 ",
    },
  },
  "INT 10h": {
    "writes as a terminal": { body: print("Hi\r\nyou\b!"), screen: ["Hi", "yo!"] },
    "scrolls at the last row": {
      body: `mov ah, 2\nmov dx, 1800h\nxor bx, bx\nint 10h\n${print("a\nb\nc")}`,
      screen: [...Array<string>(22).fill(""), "a", " b", "  c"],
    },
    "goes on in the next row": {
      body: `mov ah, 2\nmov dx, 4Eh\nxor bx, bx\nint 10h\n${print("abc")}`,
      screen: [`${" ".repeat(78)}ab`, "c"],
    },
    "keeps the cursor": {
      body: `mov ah, 2\nmov dx, 0305h\nxor bx, bx\nint 10h\n${print("x")}\nmov ah, 3\nxor bx, bx\nint 10h\nmov ax, dx\ncall hex16\nmov ax, cx\ncall hex16`,
      output: "0306 0607 ",
    },
    "writes a character many times, with its attribute": {
      body: "mov ax, 0941h\nmov bx, 1Eh\nmov cx, 3\nint 10h\nmov ax, 0800h\nint 10h\ncall hex16\nmov ax, 0A42h\nmov cx, 2\nint 10h\nmov ah, 8\nint 10h\ncall hex16",
      output: "1E41 1E42 ",
      screen: ["BBA"],
    },
    "writes strings, with and without moving the cursor": {
      body: "mov ax, 1301h\nmov bx, 7\nmov cx, 3\nmov dx, 0102h\nmov bp, text\nint 10h\nmov ax, 1300h\nmov cx, 2\nmov dx, 0300h\nint 10h\nmov ah, 3\nint 10h\nmov ax, dx\ncall hex16\njmp finish\ntext: db 'abc'\nfinish:",
      output: "0105 ",
      screen: ["", "  abc", "", "ab"],
    },
    "scrolls a window": {
      body: `${print("abc\r\ndef\r\nghi")}\nmov ax, 0601h\nmov bh, 7\nmov cx, 1\nmov dx, 0201h\nint 10h`,
      screen: ["aec", "dhf", "g i"],
    },
    "scrolls a window down": {
      body: `${print("abc\r\ndef\r\nghi")}\nmov ax, 0701h\nmov bh, 7\nmov cx, 1\nmov dx, 0201h\nint 10h`,
      screen: ["a c", "dbf", "gei"],
    },
    clears: {
      body: `${print("abc")}\nmov ax, 0600h\nmov bh, 7\nxor cx, cx\nmov dx, 184Fh\nint 10h\n${print("x")}`,
      screen: ["   x"],
    },
    "shows another page": { body: `${print("first")}\nmov ax, 0501h\nint 10h\n${print("second")}`, screen: ["second"] },
    "says its mode": {
      body: "mov ah, 0Fh\nint 10h\ncall hex16\nmov ax, 1\nint 10h\nmov ah, 0Fh\nint 10h\ncall hex16",
      output: "5003 2801 ",
    },
    "has 40 columns": {
      body: `mov ax, 1\nint 10h\nmov ah, 2\nmov dx, 27h\nint 10h\n${print("ab")}`,
      screen: [`${" ".repeat(39)}a`, "b"],
    },
    "draws and reads pixels with 256 colours": {
      body: "mov ax, 13h\nint 10h\nmov ax, 0C5Ah\nmov cx, 3\nmov dx, 2\nint 10h\nmov ah, 0Dh\nint 10h\nxor ah, ah\ncall hex16\nmov ax, 0A000h\nmov es, ax\nmov al, [es:643]\nxor ah, ah\ncall hex16",
      output: "005A 005A ",
    },
    "draws characters in graphics": {
      body: "mov ax, 13h\nint 10h\nmov ax, 0E49h\nmov bx, 0Ch\nint 10h\nmov ax, 0A000h\nmov es, ax\nmov ax, [es:2]\ncall hex16\nmov ax, [es:320 + 3]\ncall hex16",
      output: "0C0C 000C ",
    },
    "has the palette of mode 13h": {
      body: "mov ax, 13h\nint 10h\nmov ax, 1015h\nmov bx, 20h\nint 10h\nmov ax, cx\ncall hex16\nmov ax, 1015h\nmov bx, 6\nint 10h\nmov ax, dx\ncall hex16\nmov ax, cx\ncall hex16",
      output: "003F 2A00 1500 ",
    },
    "has no VBE": { body: "mov ax, 4F00h\nint 10h\ncall hex16", output: "4F00 " },
    "is a VGA with colours": {
      body: "mov ax, 1A00h\nint 10h\ncall hex16\nmov ax, bx\ncall hex16\nmov ah, 12h\nmov bl, 10h\nint 10h\nmov ax, bx\ncall hex16",
      output: "1A1A 0008 0003 ",
    },
  },
  "INT 11h and 12h": {
    "equipment and memory": { body: "int 11h\ncall hex16\nint 12h\ncall hex16", output: "0223 027F " },
  },
  "INT 13h, floppy": {
    "reads sectors": {
      body: "mov ax, 0202h\nmov bx, 8000h\nmov cx, 2\nxor dx, dx\nint 13h\ncall hex16\ncall carry\nmov ax, [8000h]\ncall hex16\nmov ax, [8200h]\ncall hex16",
      after: "times 512 db 11h\ntimes 512 db 22h",
      output: "0002 01111 2222 ",
    },
    "writes sectors, and reads them again": {
      body: "mov ax, 0301h\nmov bx, 7C00h\nmov cx, 4F03h\nmov dx, 0100h\nint 13h\ncall carry\nmov ax, 0201h\nmov bx, 8000h\nint 13h\nmov ax, [81FEh]\ncall hex16".replace(
        "5003h",
        "4F03h",
      ),
      output: "0AA55 ",
    },
    "has the parameters of a 1.44 MB disk": {
      body: "mov ah, 8\nxor di, di\nint 13h\npush dx\ncall hex16\nmov ax, cx\ncall hex16\npop ax\ncall hex16\nmov ax, bx\ncall hex16",
      output: "0000 4F12 0101 0004 ",
    },
    "refuses what is not on the disk": {
      body: "mov ax, 0201h\nmov bx, 8000h\nmov cx, 13h\nxor dx, dx\nint 13h\ncall hex16\ncall carry\nmov ah, 1\nint 13h\ncall hex16",
      output: "0100 10131 ",
    },
    "cannot cross 64 KiB of memory": {
      body: "mov ax, 1000h\nmov es, ax\nmov ax, 0202h\nmov bx, 0FE00h\nmov cx, 1\nxor dx, dx\nint 13h\ncall hex16",
      output: "0900 ",
    },
    "times out where there is no drive": { body: "mov ax, 0201h\nmov dx, 1\nint 13h\ncall hex16", output: "8001 " },
    "resets, and has no extensions": {
      body: "xor ax, ax\nxor dx, dx\nint 13h\ncall carry\nmov ah, 41h\nmov bx, 55AAh\nint 13h\ncall hex16\ncall carry\nmov ah, 15h\nint 13h\ncall hex16",
      output: "00130 10131 ",
    },
  },
  "INT 13h, hard disk": {
    "has extensions": {
      body: "mov ah, 41h\nmov bx, 55AAh\nint 13h\ncall carry\nmov ax, bx\ncall hex16\nmov ax, cx\ncall hex16\nmov ah, 48h\nmov si, 8000h\nmov word [si], 26\nint 13h\ncall carry\nmov ax, [8010h]\ncall hex16\nmov ax, [8018h]\ncall hex16",
      output: "0AA55 0001 003F0 0200 ",
      options: { boot: "disk" },
    },
    "reads by block address": {
      body: "mov word [8000h], 10h\nmov word [8002h], 1\nmov dword [8004h], 9000h\nmov dword [8008h], 2\nmov dword [800Ch], 0\nmov si, 8000h\nmov ah, 42h\nint 13h\ncall carry\nmov ax, [9000h]\ncall hex16\nmov ax, dx\ncall hex16",
      after: "times 512 db 11h\ntimes 512 db 22h",
      output: "02222 0080 ",
      options: { boot: "disk" },
    },
    "has a size": {
      body: "mov ah, 15h\nint 13h\nmov al, 0\ncall hex16\nmov ax, dx\ncall hex16",
      output: "0300 0000 ",
      options: { boot: "disk" },
    },
  },
  "INT 15h": {
    "says how much memory there is": {
      body: "mov ah, 88h\nint 15h\ncall hex16\nmov ax, 0E801h\nint 15h\ncall hex16\nmov ax, bx\ncall hex16",
      output: "0400 0400 0000 ",
    },
    "gives the memory map": {
      body: "xor ebx, ebx\nmov di, 8000h\n.next:\nmov eax, 0E820h\nmov edx, 534D4150h\nmov ecx, 24\nint 15h\njc finish\nmov ax, [8002h]\ncall hex16\nmov ax, [800Ah]\ncall hex16\nmov ax, [8010h]\ncall hex16\ntest ebx, ebx\njnz .next\nfinish:",
      output: "0000 0009 0001 0009 0000 0002 000F 0001 0002 0010 0010 0001 ",
    },
    "switches address line 20": {
      body: "mov ax, 0FFFFh\nmov es, ax\nmov word [es:510h], 1234h\nmov word [500h], 5678h\nmov ax, [es:510h]\ncall hex16\nmov ax, 2400h\nint 15h\ncall carry\nmov ax, [es:510h]\ncall hex16\nmov ax, 2402h\nint 15h\ncall hex16\nmov ax, 2401h\nint 15h\nmov ax, [es:510h]\ncall hex16",
      output: "1234 05678 0000 1234 ",
    },
    "copies blocks": {
      body: "mov si, table\nmov cx, 2\nmov ah, 87h\nint 15h\ncall carry\nmov ax, 0FFFFh\nmov es, ax\nmov ax, [es:12h]\ncall hex16\njmp finish\ntable: times 16 db 0\ndw 0FFFFh, 7C00h + 1FEh - 2, 9300h, 0, 0FFFFh, 0, 9310h, 0\ntimes 16 db 0\nfinish:",
      output: "0AA55 ",
    },
    waits: {
      body: "rdtsc\nmov esi, eax\nmov ah, 86h\nmov cx, 0\nmov dx, 10000\nint 15h\ncall carry\nrdtsc\nsub eax, esi\nshr eax, 16\ncall hex16",
      output: "00013 ",
    },
    "refuses what it does not know": {
      body: "mov ah, 53h\nint 15h\ncall hex16\ncall carry",
      output: "8655 1",
    },
  },
  "INT 16h": {
    "waits for keys": {
      body: "mov cx, 3\n.next:\nmov ah, 0\nint 16h\ncall hex16\nloop .next",
      options: { keys: "aB{f1}" },
      output: "1E61 3042 3B00 ",
    },
    "looks without waiting": {
      body: "mov ah, 1\nint 16h\nmov al, 'z'\njz .none\nmov al, 'n'\n.none:\nout 0E9h, al\n.again:\nmov ah, 1\nint 16h\njz .again\ncall hex16\nmov ah, 0\nint 16h\ncall hex16",
      options: { keys: "x" },
      output: "z2D78 2D78 ",
    },
    "knows Ctrl, Alt and Caps Lock": {
      body: "mov cx, 5\n.next:\nmov ah, 0\nint 16h\ncall hex16\nloop .next",
      options: { keys: "{ctrl+c}{alt+x}{capslock}q{shift+q}{capslock}{ctrl+f5}" },
      output: "2E03 2D00 1051 1071 6200 ",
    },
    "tells new keys from old ones only when asked": {
      body: "mov ah, 0\nint 16h\ncall hex16\nmov ah, 10h\nint 16h\ncall hex16",
      options: { keys: "{up}{up}" },
      output: "4800 48E0 ",
    },
    "keeps all keys of a long text": {
      body: "mov cx, 40\nmov ah, 86h\npush cx\nmov cx, 12\nmov dx, 0\nint 15h\npop cx\n.next:\nmov ah, 0\nint 16h\nout 0E9h, al\nloop .next",
      options: { keys: "The quick brown fox jumps over lazy dogs" },
      output: "The quick brown fox jumps over lazy dogs",
    },
    "lets scan codes be taken": {
      body: "mov word [15h * 4], hook\nmov [15h * 4 + 2], cs\nmov ah, 0\nint 16h\ncall hex16\njmp finish\nhook: cmp al, 1Eh\njne .on\nmov al, 30h\n.on: stc\nretf 2\nfinish:",
      options: { keys: "a" },
      output: "3062 ",
    },
  },
  "INT 1Ah": {
    "gives the time": {
      body: "mov ah, 2\nint 1Ah\nmov ax, cx\ncall hex16\nmov ah, 4\nint 1Ah\nmov ax, cx\ncall hex16\nmov ax, dx\ncall hex16",
      options: { date: "2031-12-24T17:05" },
      output: "1705 2031 1224 ",
    },
    "counts ticks since midnight": {
      body: "mov ah, 0\nint 1Ah\nmov ax, cx\ncall hex16",
      options: { date: "2026-01-01T18:00" },
      output: "0012 ",
    },
    "sets the time": {
      body: "mov ah, 3\nmov cx, 0815h\nmov dx, 3000h\nint 1Ah\nmov ah, 2\nint 1Ah\nmov ax, cx\ncall hex16\nmov ax, dx\ncall hex16",
      output: "0815 3000 ",
    },
  },
  "INT 19h and 18h": {
    "boots again": {
      body: "cmp byte [600h], 1\nje .second\nmov byte [600h], 1\nint 19h\n.second:\nmov al, 'B'\nout 0E9h, al",
      output: "B",
    },
    "resets through the vector": {
      body: "cmp byte [600h], 1\nje .second\nmov byte [600h], 1\njmp 0FFFFh:0\n.second:\nmov al, 'R'\nout 0E9h, al",
      output: "R",
    },
  },
};

for (const [service, some] of Object.entries(cases))
  describe(service, () => {
    for (const technique of techniques)
      test.each(Object.entries(some))(`%s (${technique})`, (_name, { body, after, output, screen, options }) => {
        const machine = booted(sector(body, after), { technique, ...options, ...driveOptions(body, after, options) });
        const stop = machine.run({ steps: 3_000_000 });
        expect(stop).toMatchObject({ reason: "halted" });
        if (output !== undefined) expect(outputOf(machine)).toBe(output);
        if (screen) expect(screenLines(machine.screen).slice(0, screen.length)).toEqual(screen);
      });
  });

/** A boot sector is a floppy's unless it is told to be a disk's. */
function driveOptions(body: string, after: string | undefined, options: Options | undefined) {
  return options?.boot === "disk" ? { drives: { disks: [assembled(sector(body, after)).bytes] } } : {};
}

describe("a booted machine", () => {
  const typing = sector(
    ".next:\nmov ah, 0\nint 16h\nmov ah, 0Eh\nint 10h\ncmp al, 'q'\njne .next\nmov ax, 0301h\nmov bx, 7C00h\nmov cx, 5\nxor dx, dx\nint 13h",
  );

  test.each(techniques)("is repeated from any moment under %s", (technique) => {
    const machine = booted(typing, { technique, keys: "abcq" });
    machine.run({ steps: 1e6 });
    const end = { step: machine.now, cells: machine.screen.cells, disk: machine.disk(0)!, last: machine.lastSequence };
    const bytes = machine.bytes.slice();
    for (const moment of [0, Math.floor(end.step / 2), end.step - 1]) {
      machine.goTo(moment);
      expect(machine.now).toBe(moment);
      if (moment < end.step / 2) expect(machine.disk(0)).toHaveLength(512);
      machine.run({ steps: 1e6 });
      expect(machine.now).toBe(end.step);
      expect({ cells: machine.screen.cells, disk: machine.disk(0), last: machine.lastSequence }).toEqual({
        cells: end.cells,
        disk: end.disk,
        last: end.last,
      });
      expect(Buffer.compare(machine.bytes, bytes)).toBe(0);
    }
  });

  test("waits for a key, and goes on when there is one", () => {
    const machine = booted(typing);
    expect(machine.run({ steps: 1e6 })).toMatchObject({ reason: "halted", text: /input from the keyboard/ });
    machine.press("q");
    expect(machine.run({ steps: 1e6 })).toMatchObject({ reason: "halted", text: /IF = 0/ });
    expect(screenLines(machine.screen)[0]).toBe("q");
  });

  test("refuses planar modes by name", () => {
    const stop = booted(sector("mov ax, 12h\nint 10h")).run({ steps: 1000 });
    expect(stop).toMatchObject({ reason: "unsupported", text: "Ringside has no VGA mode 12h: it is planar." });
  });

  test("restarts by Ctrl, Alt and Delete", () => {
    const stop = booted(typing, { keys: "{ctrl+alt+delete}" }).run({ steps: 1e6 });
    expect(stop).toMatchObject({
      reason: "reset",
      text: "The guest reset the machine: Ctrl, Alt and Delete were pressed.",
    });
  });

  test("says that there is nothing to boot from", () => {
    const machine = booted(
      sector("mov word [7DFEh], 0\nmov ax, 0301h\nmov bx, 7C00h\nmov cx, 1\nxor dx, dx\nint 13h\nint 19h"),
    );
    machine.run({ steps: 10_000 });
    expect(screenLines(machine.screen)[1]).toBe("No bootable disk.");
  });

  test("tells of its screen as it changes", () => {
    const machine = booted(sector(print("one")));
    machine.run({ steps: 10_000 });
    const [event] = machine.events(0, 1e6, ["screen"]);
    expect(event).toMatchObject({ mode: "text", columns: 80, rows: 25, lines: expect.arrayContaining(["one"]) });
  });
});

test("switching between real and protected mode within a page, both engines", () => {
  const body = `
  cli
  mov ecx, 3000
again: xor ax, ax
  mov ds, ax
  lgdt [gdtr]
  mov eax, cr0
  inc ax
  mov cr0, eax
  jmp dword 8:wide
  bits 32
wide: mov ax, 10h
  mov ds, ax
  mov eax, [1FFFFCh]
  jmp 18h:narrow
  bits 16
narrow: mov ax, 20h
  mov ds, ax
  mov eax, cr0
  and al, 0FEh
  mov cr0, eax
  jmp 0:again_real
again_real: dec ecx
  jnz again
  mov al, 'K'
  out 0E9h, al
  jmp done
gdt: dq 0, 0CF9B000000FFFFh, 0CF93000000FFFFh, 9B000000FFFFh, 93000000FFFFh
gdtr: dw 39
  dd gdt
done:`;
  for (const translate of [true, false]) {
    const machine = booted(sector(body), { translate });
    expect(machine.run({ steps: 1e6 })).toMatchObject({ reason: "halted" });
    expect(outputOf(machine)).toBe("K");
  }
});

/** Numbers that look random, the same each time. */
function* numbers(seed: number): Generator<number> {
  for (let n = seed; ; ) {
    n = (Math.imul(n, 1664525) + 1013904223) >>> 0;
    yield n >>> 8;
  }
}

test.each(techniques)("no call breaks the firmware, whatever is in the data area: %s", (technique) => {
  const next = numbers(technique.length);
  const draw = (below: number) => next.next().value! % below;
  const interrupts = [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x1a];
  /** Calls with registers that are drawn; AH is mostly a function that exists. */
  const calls = Array.from({ length: 24 }, () => {
    const registers = ["bx", "cx", "dx", "si", "di", "bp"].map(
      (name) => `mov ${name}, ${draw(8) ? draw(0x200) : draw(0x10000)}`,
    );
    const ah = draw(4) ? draw(0x20) : draw(0x100);
    // What waits for a key or for time would wait for long.
    const waits = (number: number) => number === 0x16 || number === 0x15;
    const number = interrupts[draw(interrupts.length)]!;
    const safe = waits(number) && (ah === 0 || ah === 0x10 || ah === 0x86) ? 1 : ah;
    return `${registers.join("\n")}\nmov ax, ${safe * 256 + draw(0x100)}\nint ${number}`;
  });
  for (let round = 0; round < 6; round++) {
    const some = calls.slice(4 * round, 4 * round + 4).join("\n");
    const machine = booted(sector(some), { technique });
    const area = Uint8Array.from({ length: 0x6c }, () => draw(256));
    machine.writeMemory("guest-physical", 0x410n, area);
    expect(["stopped", "limit"]).toContain(machine.run({ steps: 20_000 }).kind);
  }
});

const refused: [string, Partial<MachineConfiguration>, RegExp][] = [
  ["no signature", { drives: { floppies: [new Uint8Array(512)] } }, /not bootable/],
  ["too short", { drives: { floppies: [new Uint8Array(100)] } }, /has 512 bytes; this image has 100/],
  ["no drive", { drives: {} }, /There is no floppy to boot from/],
  ["empty", { drives: { floppies: [new Uint8Array()] } }, /empty/],
  ["too large", { drives: { floppies: [new Uint8Array(3e6)] } }, /at most 2.88 MB/],
  ["too many", { drives: { disks: [1, 2, 3].map(() => new Uint8Array(512)) } }, /There can be 2 hard disks, not 3/],
  ["another mode", { mode: "protected" }, /boots in real mode/],
  ["no real mode", { technique: "trap-and-emulate" }, /starts in real mode/],
];
test.each(refused)("refuses to boot: %s", (_name, over, message) => {
  const image = assembled(sector("nop")).bytes;
  expect(configurationProblem({ ...configured(image, {}), ...over })).toMatch(message);
});

test("the table of the ROM is what its source assembles to", () => {
  const squeezed = (text: string) => text.replace(/[\s+",]/g, "");
  const made = readFileSync(join(import.meta.dirname, "../../../emulator/firmware/rom-bytes.ts"), "utf8");
  expect(squeezed(made)).toBe(squeezed(romTable()));
});
