import { describe, expect, test } from "vitest";
import { Machine } from "../../../emulator/index.ts";
import { isKernel, type Kernel, loadKernel } from "../../../emulator/loader/kernel.ts";
import { tablesFromEnd } from "../../../emulator/memory/start-modes.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { assembled, outputOf } from "../machine/program.ts";
import { elfFile, type Segment } from "./elf-file.ts";

const memory = 4;
const room = { bytes: memory * 2 ** 20, reservedAtEnd: tablesFromEnd };

const bytesOf = (text: string): Uint8Array => assembled(text, "kernel.asm").bytes;

/** Runs a kernel to its end and gives what it wrote to port E9h. */
function output(kernel: Kernel, technique: TechniqueId = "bare-metal"): string {
  const loaded = loadKernel(kernel, room);
  if (typeof loaded === "string") throw new Error(loaded);
  const machine = new Machine({ ...loaded, technique, memory });
  expect(machine.run({ steps: 100_000 })).toMatchObject({ kind: "stopped", reason: "halted" });
  return outputOf(machine);
}

/** Writes the text at ESI to the debug console. */
const print = `
print:  lodsb
        test al, al
        jz .end
        out 0E9h, al
        jmp print
.end:   ret`;

const load = (address: bigint, text: string, virtual = address): Segment => ({
  type: 1,
  virtual,
  physical: address,
  bytes: bytesOf(text),
});

/** A kernel that checks the magic number and prints the loader's name, its command line and its first module. */
const multibootBody = `
start:  cmp eax, 2BADB002h
        jne .end
        mov edi, ebx
        mov esi, [edi + 64]
        call print
        mov esi, [edi + 16]
        call print
        cmp dword [edi + 20], 0
        je .end
        mov ecx, [edi + 24]
        mov esi, [ecx]
        call print
        mov esi, [ecx + 8]
        call print
.end:   hlt
${print}`;

const flatMultiboot = `bits 32
org 100000h
flags   equ 10003h
header: dd 1BADB002h, flags, -(1BADB002h + flags)
        dd header, $$, 0, bss + 4096, start
${multibootBody}
bss:`;

const elfMultiboot = `bits 32
org 100000h
        dd 1BADB002h, 3, -(1BADB002h + 3)
${multibootBody}`;

const told: Kernel = {
  file: bytesOf(flatMultiboot),
  commandLine: " root=hda;",
  modules: [{ bytes: new TextEncoder().encode("disk;\0"), commandLine: "module é" }],
};

describe("Multiboot", () => {
  test("a flat file with addresses in its header is told what a loader tells", () => {
    expect(isKernel(told.file)).toBe(true);
    expect(output(told)).toBe("Ringside root=hda;disk;module é");
  });

  test("the same under each technique that runs 32-bit guests", () => {
    const kernel = { file: told.file, commandLine: " x" };
    for (const technique of ["bare-metal", "vtx-ept", "trap-and-emulate"] as const)
      expect(output(kernel, technique)).toBe("Ringside x");
  });

  test.each([32, 64] as const)("an ELF%i file is entered in 32-bit mode at its entry point", (bits) => {
    const file = elfFile({ bits, entry: 0x10000cn }, [load(0x100000n, elfMultiboot)]);
    expect(loadKernel({ file }, room)).toMatchObject({ protocol: "Multiboot", mode: "protected", entry: 0x10000c });
    expect(output({ file, commandLine: "!" })).toBe("Ringside!");
  });

  test("an entry point linked high and loaded low is found", () => {
    const file = elfFile({ bits: 32, entry: 0xc010000cn }, [load(0x100000n, elfMultiboot, 0xc0100000n)]);
    expect(loadKernel({ file }, room)).toMatchObject({ entry: 0x10000c, origin: 0x100000 });
  });

  test("the memory map covers the memory and leaves out what the loader uses", () => {
    const loaded = loadKernel(told, room);
    if (typeof loaded === "string") throw new Error(loaded);
    const [information] = loaded.handover.blocks;
    const word = (at: number) => new DataView(information!.bytes.buffer).getUint32(at, true);
    expect([word(4), word(8)]).toEqual([639, 3 * 1024 - 64]);
    const map = loaded.handover.blocks.find(({ address }) => address === word(48));
    const words = new Uint32Array(map!.bytes.buffer);
    const entries = Array.from({ length: word(44) / 24 }, (_, n) => [...words.subarray(6 * n, 6 * n + 6)]);
    expect(entries).toEqual([
      [20, 0, 0, 0x9fc00, 0, 1],
      [20, 0x9fc00, 0, 0x400, 0, 2],
      [20, 0xf0000, 0, 0x10000, 0, 2],
      [20, 0x100000, 0, 0x2f0000, 0, 1],
      [20, 0x3f0000, 0, 0x10000, 0, 2],
    ]);
  });
});

const pvhNote = (entry: number): Segment => {
  const words = Uint32Array.from([4, 4, 18, 0x006e6558, entry]);
  return { type: 4, virtual: 0n, physical: 0n, bytes: new Uint8Array(words.buffer) };
};

describe("PVH", () => {
  test("the note's entry point is given hvm_start_info", () => {
    const text = `bits 32
org 100000h
        ud2
start:  cmp dword [ebx], 336EC578h
        jne .end
        mov esi, [ebx + 24]
        call print
        mov ecx, [ebx + 16]
        mov esi, [ecx]
        call print
        mov eax, [ebx + 48]
        add al, '0'
        out 0E9h, al
.end:   hlt
${print}`;
    const file = elfFile({ bits: 64, entry: 0x100000n }, [pvhNote(0x100002), load(0x100000n, text)]);
    const modules = [{ bytes: Uint8Array.of(0x6d, 0), commandLine: "" }];
    expect(loadKernel({ file }, room)).toMatchObject({ protocol: "PVH", mode: "protected", entry: 0x100002 });
    expect(output({ file, commandLine: "c", modules })).toBe("cm5");
  });
});

describe("ELF without a boot protocol", () => {
  test("64-bit files start in long mode", () => {
    const text = "bits 64\norg 100000h\nmov rax, 1 << 40\nshr rax, 34\nout 0E9h, al\nhlt";
    expect(output({ file: elfFile({ bits: 64, entry: 0x100000n }, [load(0x100000n, text)]) })).toBe("@");
  });

  test("memory beyond the file is zero", () => {
    const text = "bits 32\norg 100000h\nmov al, [100FFFh]\nadd al, '0'\nout 0E9h, al\nhlt";
    const segment = { ...load(0x100000n, text), memorySize: 0x1000 };
    expect(output({ file: elfFile({ bits: 32, entry: 0x100000n }, [segment]) })).toBe("0");
  });
});

describe("what is refused, and how", () => {
  const code = load(0x100000n, "bits 32\nhlt");
  const good = elfFile({ bits: 32, entry: 0x100000n }, [code]);
  const header = (flags: number) => {
    const words = Uint32Array.from([0x1badb002, flags, -(0x1badb002 + flags)]);
    return new Uint8Array(words.buffer);
  };
  const cases: [string, Kernel, RegExp][] = [
    ["text", { file: new TextEncoder().encode("hello") }, /neither an ELF file nor has it a Multiboot header/],
    ["an ELF file cut short", { file: good.subarray(0, 60) }, /cut short/],
    ["a segment cut short", { file: good.subarray(0, good.length - 1) }, /cut short: a segment goes to byte/],
    ["another processor", { file: elfFile({ bits: 64, entry: 0n, machine: 183 }, [code]) }, /machine 183/],
    ["an object file", { file: elfFile({ bits: 32, entry: 0n, type: 1 }, [code]) }, /object file: link it/],
    ["a dynamic program", { file: elfFile({ bits: 32, entry: 0n }, [{ ...code, type: 2 }]) }, /dynamically linked/],
    ["nothing to load", { file: elfFile({ bits: 32, entry: 0n }, []) }, /no segment to load/],
    [
      "an entry outside",
      { file: elfFile({ bits: 32, entry: 0x200000n }, [code]) },
      /entry point 200000h is in no loaded/,
    ],
    [
      "a segment above memory",
      { file: elfFile({ bits: 64, entry: 0n }, [{ ...code, physical: 0x1_0000_0000n }]) },
      /ends at physical address 100000001h; the guest has room up to 3f0000h/,
    ],
    [
      "over the loader's structures",
      { file: elfFile({ bits: 32, entry: 0x9000n }, [load(0x9000n, elfMultiboot.replace("100000h", "9000h"))]) },
      /lies at 9000h, over what the boot loader tells it/,
    ],
    ["a command line without a protocol", { file: good, commandLine: "x" }, /cannot be given a command line/],
    ["a video mode", { file: header(4) }, /asks for a video mode/],
    ["unknown required flags", { file: header(8) }, /flags 8h/],
    ["a flat file without addresses", { file: header(3) }, /neither an ELF file nor/],
    [
      "modules that do not fit",
      { ...told, modules: [{ bytes: new Uint8Array(0x300000), commandLine: "" }] },
      /modules end at/,
    ],
  ];
  test.each(cases)("%s", (_name, kernel, words) => {
    expect(loadKernel(kernel, room)).toMatch(words);
  });
});
