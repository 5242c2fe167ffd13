import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assemble } from "../../../assembler/index.ts";
import { existsIn } from "../../../isa/form.ts";
import type { Row } from "../../../isa/instruction.ts";
import type { Bits } from "../../../isa/operands.ts";
import { rows } from "../../../isa/table.ts";
import { differenceOf, randomGuest, type Setting } from "./guest.ts";
import { anywhere, floating, randomNumbers, randomOfRow, randomPointer } from "./random-code.ts";

const settings: readonly Setting[] = [
  { name: "16-bit code", bits: 16 },
  { name: "16-bit code with segment bases and limits", bits: 16, base: 0x1_0000, limit: 0x9fff },
  { name: "32-bit flat code", bits: 32 },
  { name: "32-bit code with segment bases and limits", bits: 32, base: 0x1_0000, limit: 0x97ff },
  { name: "32-bit code with paging", bits: 32, paging: true },
  { name: "32-bit code of a user with paging", bits: 32, paging: true, user: true },
  { name: "32-bit code that writes to itself", bits: 32, selfModifying: true },
  { name: "16-bit code across two pages", bits: 16, across: true },
  { name: "32-bit code across two pages with paging", bits: 32, across: true, paging: true },
  { name: "64-bit code of a user across two pages", bits: 64, across: true, paging: true, user: true },
  { name: "64-bit code", bits: 64 },
  { name: "64-bit code with paging", bits: 64, paging: true },
  { name: "64-bit code of a user with paging", bits: 64, paging: true, user: true },
  { name: "64-bit code of a user that writes to itself", bits: 64, paging: true, user: true, selfModifying: true },
];

/** Runs a program in slices of random length on both engines. Gives how many steps were taken as translated code. */
function compare(setting: Setting, seed: number, code?: Uint8Array): number {
  const random = randomNumbers(seed);
  const interpreted = randomGuest(setting, seed, undefined, code);
  const translated = randomGuest(setting, seed, 1 + random(40), code);
  for (let slice = 0; slice < 25; slice++) {
    const steps = 1 + random(random(2) === 0 ? 5 : 250);
    const stop = interpreted.engine.run({ steps });
    expect(translated.engine.run({ steps })).toEqual(stop);
    expect(differenceOf(interpreted, translated)).toBeUndefined();
    if (stop.kind !== "limit") break;
  }
  return translated.engine.translatedSteps;
}

describe("interpreter and translator agree on all state after every slice", () => {
  test.each(settings)("$name", (setting) => {
    let steps = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        steps += compare(setting, seed);
      }),
      { seed: 20, numRuns: 40 },
    );
    expect(steps).toBeGreaterThan(1000);
  });
});

const rowsPerProgram = 12;

/** Loops over one random instruction of each of some rows, with pointers set in between. */
function programOf(some: readonly Row[], bits: Bits, seed: number): Uint8Array {
  const random = randomNumbers(seed);
  const bytes = some.flatMap((row) => [...randomPointer(random, bits), ...(randomOfRow(random, row, bits) ?? [])]);
  const distance = -(bytes.length + (bits === 16 ? 3 : 5));
  const jump = Array.from({ length: bits === 16 ? 2 : 4 }, (_, n) => (distance >> (8 * n)) & 0xff);
  return Uint8Array.from([...bytes, 0xe9, ...jump]);
}

describe("interpreter and translator agree on every row", () => {
  test.each(settings.filter(({ name }) => name.endsWith(" code")))("$name", (setting) => {
    const { bits } = setting;
    const plain = rows.filter((row) => anywhere.has(row.family) && row.modes !== (bits === 64 ? "not-64" : "only-64"));
    let steps = 0;
    for (let first = 0; first < plain.length; first += rowsPerProgram)
      for (let seed = 1; seed <= 3; seed++) {
        const some = plain.slice(first, first + rowsPerProgram);
        steps += compare(setting, seed, programOf(some, bits, first + seed));
      }
    expect(steps).toBeGreaterThan(5000);
  });
});

describe("interpreter and translator agree on every row of the x87 and vector units", () => {
  // Most of these fault where an address is not aligned, and the program begins again: so there are few in each.
  const rowsPerLoop = 4;
  test.each(settings.filter(({ name }) => /^(16|32|64)-bit( flat)? code$/.test(name)))("$name", (setting) => {
    const { bits } = setting;
    const some = rows.filter((row) => floating.has(row.family) && existsIn(row, bits) && !row.writtenOnly);
    let steps = 0;
    for (let first = 0; first < some.length; first += rowsPerLoop)
      steps += compare(setting, first, programOf(some.slice(first, first + rowsPerLoop), bits, first));
    expect(steps).toBeGreaterThan(5000);
  });
});

/** Loops of what regions leave to the interpreter, mixed with what they translate. */
const systemLoops: readonly (readonly [name: string, body: string])[] = [
  [
    "SSE",
    "movups xmm0, [3001h]\n paddq xmm0, xmm1\n movaps [3010h], xmm0\n pxor xmm1, [3020h]\n movq [300ch], xmm1\n movd eax, xmm0\n movhps xmm1, [3ffch]\n movdqu [3ff8h], xmm1",
  ],
  [
    "CR0.TS",
    "movd xmm1, ebx\n mov %a, cr0\n or al, 8\n test bl, 3\n jnz .keep\n mov cr0, %a\n.keep: inc ebx\n clts\n movd eax, xmm1\n movaps xmm0, xmm1",
  ],
  ["CPUID", "xor eax, eax\n cpuid\n add edi, ebx"],
  [
    "CPUID, leaf after leaf",
    "mov eax, edi\n and eax, 7\n mov ecx, edi\n shr ecx, 1\n cpuid\n add edi, ebx\n ror edi, 1\n lea edi, [edi + ecx + 1]",
  ],
  ["port I/O", "out 80h, al\n in al, 80h\n add al, 3\n mov [3000h], al"],
  ["INVLPG", "invlpg [3000h]\n add eax, [3000h]\n add dword [3004h], 3"],
  ["CR3", "mov %a, cr3\n mov cr3, %a\n add ebx, [3000h]\n add dword [7008h], 5"],
  ["INVLPG of the code itself", "invlpg [1000h]\n add eax, [3000h]\n invlpg [0c000h]\n add dword [3004h], 3"],
  // Entries of page 3000h in the tables of 32-bit and of 64-bit code.
  [
    "a translation whose entry changes",
    "and dword [7100ch], 0ffffff9fh\n and dword [73018h], 0ffffff9fh\n invlpg [3000h]\n add eax, [3000h]\n xor dword [7100ch], 1000h\n xor dword [73018h], 1000h\n invlpg [3000h]\n add [3000h], ebx\n mov %a, cr3\n mov cr3, %a\n mov [3010h], eax",
  ],
  ["control registers", "mov %a, cr2\n add ebx, eax\n mov %a, cr0\n add ebx, eax\n mov %a, cr4\n xor ebx, eax"],
  ["wide ports", "mov dx, 80h\n out dx, ax\n in eax, dx\n add ebx, eax\n out dx, eax\n in ax, dx\n adc ebx, eax"],
  [
    "flags read in other blocks",
    "cmp eax, ebx\n jb .below\n ja .above\n jmp .on\n.below: adc ecx, 1\n inc eax\n jmp .on\n.above: sbb edx, 2\n dec ebx\n.on: setc cl\n jl .less\n inc edi\n.less: rcl esi, 1",
  ],
  [
    "CF kept by INC and DEC",
    "add eax, 31234567h\n dec ecx\n jz .zero\n adc edx, 0\n.zero: inc edi\n jns .on\n rcr esi, 1\n.on: setbe bl\n lahf",
  ],
  [
    "flags of bytes, words and shifts",
    "cmp al, bl\n jle .a\n add al, 3\n.a: cmp ax, cx\n jg .b\n sub cx, 77\n.b: test dl, al\n js .c\n shl edx, 1\n.c: jbe .d\n shl edx, cl\n.d: adc dl, 1\n jo .e\n neg dh\n.e: setp bl\n setg bh",
  ],
  [
    "flags behind a jump through a register",
    "call .next\n.next: pop %d\n add %d, 11\n cmp eax, ecx\n jmp %d\n nop\n nop\n nop\n jbe .on\n inc ecx\n.on: adc edi, 1\n imul eax, 3",
  ],
  ["segment registers", "mov ax, ds\n mov es, ax\n add [es:3000h], al\n push fs\n pop gs\n inc ebx"],
  ["flags", "pushf\n cld\n popf\n sti\n cli\n adc ebx, 7"],
  ["REP MOVS", "mov esi, 7003h\n mov edi, 7005h\n mov ecx, 300\n rep movsb\n mov cl, 90\n rep movsd\n inc edx"],
  ["REP MOVS down", "std\n mov esi, 7403h\n mov edi, 7405h\n mov ecx, 70\n rep movsw\n cld\n inc edx"],
  ["REP STOS", "mov edi, 7ff1h\n mov ecx, 99\n rep stosd\n add eax, 5\n mov cl, 3\n rep stosb"],
  [
    "REPE CMPS",
    "mov esi, 7000h\n mov edi, 7000h\n mov ecx, 40\n inc byte [7010h]\n repe cmpsb\n setz dl\n mov cl, 9\n repe cmpsd",
  ],
  ["REPNE SCAS", "mov edi, 7000h\n mov ecx, 500\n mov al, [7033h]\n repne scasb\n adc ebx, ecx\n inc byte [edi]"],
];

describe("interpreter and translator agree on loops of system instructions", () => {
  const places: readonly Setting[] = [
    { name: "32-bit code", bits: 32 },
    { name: "32-bit code with paging", bits: 32, paging: true },
    { name: "32-bit code across two pages", bits: 32, paging: true, across: true },
    { name: "64-bit code", bits: 64, paging: true },
  ];
  test.each(systemLoops.flatMap(([name, body]) => places.map((setting) => ({ name, body, setting }))))(
    "$name in $setting.name",
    ({ body, setting }) => {
      const text = `bits ${setting.bits}\nagain: inc ebp\n ${body.replaceAll("%a", setting.bits === 64 ? "rax" : "eax").replaceAll("%d", setting.bits === 64 ? "rdx" : "edx")}\n test bp, 7\n jnz again\n add ebp, 3\n jmp again`;
      const { bytes, problems } = assemble({ file: "loop.asm", text });
      expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
      for (let seed = 1; seed <= 4; seed++) compare(setting, seed, bytes);
    },
  );
});
