import { describe, expect, test } from "vitest";
import { lockstep } from "../../../emulator/compare/lockstep.ts";
import { Machine } from "../../../emulator/index.ts";
import { assembled, configurationOf } from "../machine/program.ts";
import { Choices } from "./choices.ts";
import { guestWithTables } from "./guest.ts";
import { gate, timerTicks } from "./setup.ts";

const registers = ["eax", "ebx", "ecx", "edx", "esi", "ebp"] as const;
const conditions = ["z", "nz", "c", "nc", "s", "ns", "o", "no", "p", "a", "be", "l", "g"] as const;

/** Kernel code of every kind that the translator treats in its own way; `n` makes labels unique. */
const operations: readonly ((c: Choices, n: string) => string)[] = [
  (c) => `add ${c.of(registers)}, ${c.of(registers)}`,
  (c) => `sub ${c.of(registers)}, ${c.below(1000)}`,
  (c) => `xor ${c.of(registers)}, ${c.of(registers)}`,
  (c) => `mov ${c.of(registers)}, [700h + ${4 * c.below(16)}]`,
  (c) => `mov [700h + ${4 * c.below(16)}], ${c.of(registers)}`,
  (c) => `rol ${c.of(registers)}, ${1 + c.below(30)}`,
  (c, n) => `j${c.of(conditions)} j${n}\n inc ${c.of(registers)}\nj${n}:`,
  (c, n) =>
    `push ecx\n mov ecx, ${1 + c.below(4)}\nl${n}: dec ebx\n ${c.of(["loop", "loope", "loopne"])} l${n}\n pop ecx`,
  (_c, n) => `jecxz z${n}\n inc edx\nz${n}:`,
  (c) => `call f${c.below(4)}`,
  (c) => `mov ${c.of(registers)}, f${c.below(4)}\n call [table + ${4 * c.below(4)}]`,
  (c, n) => `push dword i${n}\n ${c.of(["ret", "pop ecx\n jmp ecx", "add esp, 4\n jmp [esp - 4]"])}\ni${n}:`,
  (c, n) =>
    `mov ebx, i${n}\n ${c.of(["jmp ebx", `push eax\n call ebx\n add esp, 4\n pop eax\n jmp m${n}`])}\ni${n}: nop\nm${n}:`,
  (c) => `pushfd\n pop ${c.of(registers)}`,
  (c) => `push dword ${c.of(["2", "202h", "0AD7h", "4ED7h", "40002h", "1002h", "3202h", "200AD7h"])}\n popfd`,
  () => "cli",
  () => "sti",
  () => "sti\n cli",
  () => "std\n cld",
  (c) => `push ${c.of(["cs", "ss", "gs", "fs", "ds"])}\n pop ${c.of(registers)}`,
  (c) => `mov ${c.of(["eax", "bx", "ecx"])}, ${c.of(["cs", "ss", "gs", "es"])}`,
  (c) => `mov ax, ${c.of(["10h", "23h", "0"])}\n mov ${c.of(["fs", "gs"])}, ax`,
  () => "mov ax, 10h\n mov gs, ax\n mov edx, [gs:700h]",
  (c) => `mov ${c.of(registers)}, [cs:700h]`,
  () => "smsw eax",
  () => "str bx\n sldt cx",
  () => "mov eax, cr0\n mov cr0, eax",
  () => "int 30",
  () => "pushfd\n push cs\n call f5",
  (c) => `inc byte [patch + ${c.below(3)}]`,
  () => "call patch",
  () => "fld1\n fstp dword [780h]",
  () => "fnstenv [7A0h]\n mov eax, [7ACh]",
  () => "mov esi, 700h\n mov edi, 720h\n push ecx\n mov ecx, 5\n rep movsd\n pop ecx",
  () => "xor ecx, ecx\n div ecx",
];

/** A guest whose loop runs random operations `rounds` times. */
function guest(seed: number, rounds: number): string {
  const c = new Choices(seed, 99);
  const body = Array.from(
    { length: 40 },
    (_, n) => ` mov dword [next], s${n}\n ${c.of(operations)(c, `${n}`)}\ns${n}:`,
  );
  return guestWithTables(`
${gate("soft")}
        fninit
        mov dword [rounds], ${rounds}
round:
${body.join("\n")}
        dec dword [rounds]
        jnz round
        jmp finish
soft:   inc edx
        iret
f0:     ret
f1:     add eax, 3
        ret
f2:     call f1
        ret
f3:     push ebx
        call f2
        pop ebx
        ret
f5:     iret
resume: mov esp, 60000h
        jmp [next]
        align 4
table:  dd f0, f1, f2, f3
        align 4096
rounds: dd 0
next:   dd 0
        align 4096
patch:  mov al, 0
        mov ah, 0
        nop
        ret`);
}

/** A timer that interrupts every 200 cycles. */
const timer = `
${gate("tick", "20h", 0)}
${timerTicks(2)}
        sti`;
const handler = `
tick:   push eax
        pushfd
        mov al, 20h
        out 20h, al
        popfd
        pop eax
        iret`;

const withTimer = (source: string): string =>
  source.replace("        fninit", `${timer}\n        fninit`).replace("f0:     ret", `${handler}\nf0:     ret`);

describe("random kernel code is the same, translated, before every instruction", () => {
  const seeds = Array.from({ length: 16 }, (_, seed) => seed);
  test.each(seeds)("seed %i", (seed) => {
    const assembly = assembled(guest(seed, 10), "guest.asm");
    const [bare, hosted] = (["bare-metal", "binary-translation"] as const).map(
      (technique) => new Machine({ ...configurationOf(assembly, { technique }), clock: "instructions" }),
    );
    expect(lockstep(bare!, hosted!, 100_000).divergence).toBeUndefined();
  });

  test.each(seeds.slice(0, 6))("seed %i, with interrupts at the same instructions", (seed) => {
    const assembly = assembled(withTimer(guest(seed, 10)), "guest.asm");
    const [bare, hosted] = (["bare-metal", "binary-translation"] as const).map(
      (technique) => new Machine({ ...configurationOf(assembly, { technique }), clock: "instructions" }),
    );
    expect(lockstep(bare!, hosted!, 100_000).divergence).toBeUndefined();
    expect(hosted!.events(0, Number.MAX_SAFE_INTEGER, ["interrupt"])).not.toEqual([]);
  });

  test.each(seeds.slice(0, 3))("seed %i, as WebAssembly and interpreted", (seed) => {
    const assembly = assembled(guest(seed, 600), "guest.asm");
    const ends = [true, false].map((translate) => {
      const technique = "binary-translation";
      const machine = new Machine({ ...configurationOf(assembly, { technique, memory: 2 }), translate });
      machine.run({ steps: 3_000_000 });
      const registers = machine.registers().map(({ name, value }) => `${name} ${value.toString(16)}`);
      const { now, cycle, instructions, lastSequence } = machine;
      return {
        registers,
        now,
        cycle,
        instructions,
        lastSequence,
        hits: machine.translatedUnits().map(({ hits }) => hits),
      };
    });
    expect(ends[0]).toEqual(ends[1]);
  });
});
