import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { lockstep } from "../../../emulator/compare/lockstep.ts";
import { Machine, type MachineEvent } from "../../../emulator/index.ts";
import { assembled, configurationOf } from "../machine/program.ts";
import { boot, dword, guestWithTables, outcome, protectedGuest, register, run } from "./guest.ts";
import { identityPaging } from "./setup.ts";

const technique = "binary-translation";
const ofKind = <K extends MachineEvent["kind"]>(events: readonly MachineEvent[], kind: K) =>
  events.filter((event): event is MachineEvent & { kind: K } => event.kind === kind);

/** A machine under a technique, with the symbols of its program. */
function machineOf(source: string, under: "bare-metal" | typeof technique = technique, translate = true) {
  const assembly = assembled(source, "guest.asm");
  const configuration = configurationOf(assembly, { technique: under });
  const machine = new Machine({ ...configuration, translate, clock: "instructions" });
  return { machine, addressOf: (name: string) => Number(assembly.symbols.get(name)!.value) };
}

/** The first difference from the bare machine, looking before every instruction. */
function divergence(source: string, translate = true) {
  const [bare, hosted] = (["bare-metal", technique] as const).map(
    (under) => machineOf(source, under, translate).machine,
  );
  return lockstep(bare!, hosted!, 200_000).divergence;
}

describe("isPrime(49) of Adams and Agesen", () => {
  const source = readFileSync(new URL("../../../examples/is-prime.asm", import.meta.url), "utf8");
  const { machine, addressOf } = machineOf(source);
  const entry = addressOf("isPrime");
  const end = addressOf("print");
  const inside = () => Number(machine.linearRip) >= entry && Number(machine.linearRip) < end;
  // The first call makes the units, the second runs them.
  for (const _ of [1, 2]) {
    machine.run({ steps: 100_000, breakpoints: new Set([BigInt(entry)]) });
  }

  it("executes 51 instructions, as 54 of the translation", () => {
    const { now, instructions } = machine;
    expect(Number(machine.linearRip)).toBe(entry);
    while (inside()) machine.step();
    expect(machine.instructions - instructions).toBe(51);
    expect(machine.now - now).toBe(54);
  });

  it("is 14 instructions in 4 units, chained but for the two exits that are never taken", () => {
    const units = machine.translatedUnits().filter(({ linear }) => {
      const at = Number.parseInt(linear, 16);
      return at >= entry && at < end;
    });
    expect(units.map(({ guest }) => guest.length)).toEqual([4, 5, 3, 2]);
    const open = units.flatMap(({ exits }) => exits.filter((exit) => exit.unit === null));
    expect(open.map(({ kind, target }) => [kind, Number.parseInt(target, 16)])).toEqual([
      ["taken", addressOf("prime")],
      ["fall-through", addressOf("prime")],
    ]);
    expect(units.map(({ hits }) => hits)).toEqual([2, 12, 10, 2]);
    expect(units.flatMap(({ exits }) => exits.filter(({ elided }) => elided))).toHaveLength(2);
  });
});

/** Each kind of translation: what the guest does, and how one of its instructions was translated. */
const kinds: [string, string, "identical" | "in-cache" | "callout", number?][] = [
  ["mov", "mov eax, 5", "identical"],
  ["rep", "mov ecx, 4\n mov esi, 8000h\n mov edi, 700h\n rep movsb", "identical"],
  ["cli", "sti\n cli", "in-cache", 1],
  ["sti", "cli\n sti\n nop\n pushfd\n pop eax", "in-cache"],
  ["pushfd", "pushfd\n pop eax\n sti\n stc\n pushfd\n pop ebx", "in-cache", 9],
  ["popfd", "push dword 0AD7h\n popfd\n pushfd\n pop eax", "in-cache", 11],
  ["popfd", "push dword 3002h\n popfd\n pushfd\n pop eax\n cli\n pushfd\n pop ebx\n push dword 2\n popfd", "in-cache"],
  ["popfd", "push dword 102h\n popfd\n nop\nresume: nop", "in-cache"],
  ["jmp", "jmp over\n nop\nover: nop", "in-cache", 1],
  ["je", "cmp eax, eax\n je over\n nop\nover: nop", "in-cache", 1],
  ["loop", "mov ecx, 3\nagain: inc eax\n loop again", "in-cache", 3],
  ["jecxz", "xor ecx, ecx\n jecxz over\n nop\nover: nop", "in-cache", 3],
  ["call", "call there\n jmp over\nthere: ret\nover: nop", "in-cache", 2],
  ["ret", "call there\n jmp over\nthere: ret\nover: nop", "in-cache", 4],
  ["ret", "push dword 7\n call there\n jmp over\nthere: ret 4\nover: nop", "in-cache", 5],
  ["jmp", "mov ecx, over\n jmp ecx\n nop\nover: nop", "in-cache", 5],
  [
    "call",
    "mov dword [700h], there\n mov ecx, 6C0h\n call [ecx + 40h]\n jmp over\nthere: ret\nover: nop",
    "in-cache",
    6,
  ],
  ["call", "push dword there\n call [esp]\n jmp over\nthere: ret\nover: nop", "in-cache", 6],
  ["mov", "mov eax, cs\n mov bx, ss\n mov ecx, gs\n mov edx, ds", "in-cache", 1],
  ["push", "push cs\n push ss\n push gs\n push fs\n pop eax\n pop ebx\n pop ecx\n pop edx", "in-cache", 1],
  ["mov", "mov ax, 10h\n mov gs, ax\n mov ebx, [gs:8000h]", "callout", 1],
  ["mov", "mov eax, [cs:8000h]", "callout"],
  ["lodsd", "mov esi, 8000h\n cs lodsd", "callout"],
  ["sgdt", "sgdt [700h]\n mov eax, [700h]", "callout"],
  ["sidt", "sidt [700h]\n mov eax, [702h]", "callout"],
  ["sldt", "sldt eax", "callout"],
  ["str", "str ax", "callout"],
  ["smsw", "smsw eax", "callout"],
  ["lar", "mov bx, 18h\n lar eax, bx", "callout"],
  ["lsl", "mov bx, 10h\n lsl eax, bx", "callout"],
  ["verr", "mov bx, 18h\n verr bx\n setz al", "callout"],
  ["verw", "mov bx, 20h\n verw bx\n setz al", "callout"],
  ["pop", "push dword 10h\n pop ds\n push dword 0\n pop fs", "callout"],
  ["lss", "mov dword [700h], 9000h\n mov word [704h], 10h\n lss esp, [700h]", "callout"],
  ["jmp", "jmp 8:over\nover: nop", "callout"],
  ["call", "call 8:there\n jmp over\nthere: retf\nover: nop", "callout"],
  ["iretd", "pushfd\n push cs\n push dword over\n iret\nover: nop", "callout"],
  ["int", "int 30\nresume: nop", "callout"],
  ["int3", "int3\nresume: nop", "callout"],
  ["into", "mov al, 7Fh\n inc al\n into\nresume: nop", "callout"],
  ["ud2", "ud2\nresume: nop", "callout"],
  ["mov", "mov eax, cr0\n mov cr0, eax\n mov cr3, ebx", "callout"],
  ["invlpg", "invlpg [700h]", "callout"],
  ["lgdt", "lgdt [gdtr]", "callout"],
  ["lidt", "lidt [idtr]", "callout"],
  ["out", "mov al, 1\n out 0E9h, al", "callout"],
  ["rdmsr", "mov ecx, 277h\n rdmsr", "callout"],
  ["clts", "clts", "callout"],
  ["cpuid", "xor eax, eax\n cpuid", "callout"],
  ["fnstenv", "fninit\n fld1\n fld dword [8000h]\n fnstenv [700h]\n mov eax, [70Ch]\n mov ebx, [710h]", "callout"],
  ["fld", "fninit\n fld1\n fld dword [ss:8000h]\n fnsave [700h]\n mov ecx, [718h]", "identical"],
];

const withResume = (body: string): string => (body.includes("resume:") ? body : `${body}\n jmp finish\nresume: nop`);

describe("each kind of translation does what the instruction does", () => {
  test.each(kinds)("%s: %j", (mnemonic, body, kind, count) => {
    const source = guestWithTables(withResume(body));
    expect(divergence(source, false)).toBeUndefined();
    const { machine } = run(technique, source);
    const found = machine
      .translatedUnits()
      .flatMap(({ guest }) => guest)
      .filter(({ text, kind: how }) => text.split(" ").some((word) => word === mnemonic) && how === kind);
    expect(found).not.toEqual([]);
    if (count !== undefined) expect(found.map(({ code }) => code.length)).toContain(count);
  });
});

/** Descriptors at 30h: 16-bit code of ring 0; at 38h and 40h code and data of ring 1. */
const moreDescriptors = (source: string): string =>
  source.replace("tss, 8900h, 0\n", "tss, 8900h, 0\n dq 00009B000000FFFFh, 00CFBB000000FFFFh, 00CFB3000000FFFFh\n");

const ring1 = `
        push dword 41h
        push dword 9F000h
        push dword 202h
        push dword 39h
        push dword lower
        iret
lower:  mov eax, cs
        pushfd
        pop ebx
        ud2
resume: nop`;

const realMode = `
        mov eax, cr0
        and al, 0FEh
        mov cr0, eax
        mov bx, 5
        or al, 1
        mov cr0, eax`;

describe("what the VMM interprets instead", () => {
  test.each([
    ["single steps", "push dword 102h\n popfd\n nop\n nop\nresume: nop"],
    ["ring 1", ring1],
    ["real mode", realMode],
    [
      "16-bit code",
      "jmp far [narrow]\nnarrow: dd word_code\n dw 30h\n bits 16\nword_code: mov ax, 7\n jmp dword 8:wide\n bits 32\nwide: nop",
    ],
    ["long mode", "mov ecx, 0C0000080h\n mov eax, 100h\n xor edx, edx\n wrmsr\n rdmsr\n xor eax, eax\n wrmsr"],
  ])("%s", (_, body) => {
    const source = moreDescriptors(guestWithTables(withResume(body)));
    expect(divergence(source)).toBeUndefined();
    expect(ofKind(run(technique, source).events, "interpret")).not.toEqual([]);
  });
});

describe("code that changes", () => {
  it("is translated again where the guest overwrites it, also in the same unit", () => {
    const source = protectedGuest(`
        mov ecx, 3
again:  mov byte [patched + 1], cl
        nop
patched: mov al, 0
        add ebx, eax
        loop again`);
    expect(divergence(source)).toBeUndefined();
    const { events } = run(technique, source);
    expect(ofKind(events, "invalidate").some(({ why }) => why.includes("overwritten"))).toBe(true);
  });

  it("is translated again where a debugger overwrites it, also under the processor", () => {
    const source = protectedGuest("mov ecx, 100\nagain: inc eax\n loop again");
    const { machine, addressOf } = machineOf(source);
    machine.run({ steps: 40 });
    const { instructions } = machine;
    // DEC EAX
    machine.writeMemory("linear", BigInt(addressOf("again")), Uint8Array.of(0x48));
    const [bare] = [machineOf(source, "bare-metal").machine];
    bare.run({ steps: instructions });
    bare.writeMemory("linear", BigInt(addressOf("again")), Uint8Array.of(0x48));
    for (const one of [machine, bare]) one.run({ steps: 10_000 });
    expect(register(machine, "RAX")).toBe(register(bare, "RAX"));
    expect(machine.instructions).toBe(bare.instructions);
  });

  it("is translated again where the guest maps it to another page", () => {
    const source = guestWithTables(`
${identityPaging}
        mov dword [40000h], 0C3C08Bh
        mov dword [41000h], 0C3C089h
        mov word [41000h], 0C043h
        mov word [41000h], 0C343h
        mov word [40000h], 0C340h
        mov edi, 40000h
        call edi
        mov dword [21000h + 4 * 40h], 41007h
        invlpg [40000h]
        call edi
        jmp finish
resume: nop`);
    expect(divergence(source)).toBeUndefined();
    const { machine } = run(technique, source);
    expect(register(machine, "RBX")).toBe(1n);
  });
});

describe("adaptive translation", () => {
  it("makes a store that keeps trapping a callout, and itself again when it stops", () => {
    const source = protectedGuest(`
        mov edi, near_code
        mov ecx, 12
again:  mov [edi], ecx
        loop again
        mov edi, 90000h
        mov ecx, 200
        jmp again2
again2: mov eax, ecx
        call store
        loop again2
        mov edi, near_code
        mov ecx, 12
again3: call store
        loop again3
        mov edi, 90000h
        mov ecx, 200
again4: call store
        loop again4
        jmp over
store:  mov [edi], ecx
        ret
        align 16
near_code: dd 0
over:   nop`);
    expect(divergence(source)).toBeUndefined();
    const { events } = run(technique, source);
    expect(ofKind(events, "adapt").map(({ callout }) => callout)).toEqual([true, true, false]);
  });
});

describe("the guest and the VMM's memory", () => {
  test.each(["mov eax, [0FFD00000h]", "mov [0FFCF0000h], eax", "mov eax, 0FFCF0008h\n pop dword [eax]"])(
    "the kernel finds its own memory there: %s",
    (body) => {
      const source = guestWithTables(`mov eax, 12345678h\n ${body}\n jmp finish\nresume: nop`);
      expect(divergence(source)).toBeUndefined();
      const { machine } = run(technique, source);
      expect(dword(machine, 0x500)).toBe(0xffffffff);
    },
  );
});

describe("the debugger sees the guest", () => {
  const source = protectedGuest(`
        mov ecx, 5
again:  push ecx
        pushfd
        call work
        popfd
        pop ecx
        loop again
        jmp over
work:   mov eax, 7
        ret
over:   nop`);

  it("stops at breakpoints in translated code, before and after it is translated", () => {
    const { machine, addressOf } = machineOf(source);
    const work = BigInt(addressOf("work"));
    for (let n = 0; n < 5; n++) {
      const stop = machine.run({ steps: 10_000, breakpoints: new Set([work]) });
      expect(stop).toEqual({ kind: "breakpoint", address: work });
      expect(machine.rip).toBe(work);
      expect(register(machine, "RIP")).toBe(work);
    }
    expect(machine.run({ steps: 10_000, breakpoints: new Set([work]) })).toMatchObject({ kind: "stopped" });
  });

  it("sees the guest between two instructions, whatever the translation is in the middle of", () => {
    const { machine } = machineOf(source);
    const bare = machineOf(source, "bare-metal").machine;
    const at = new Map<number, string>();
    const look = (one: Machine) =>
      one
        .registers()
        .filter(({ group, name }) => (group === "general" || group === "flags") && !name.includes("("))
        .map(({ name, value }) => `${name}=${value.toString(16)}`)
        .join(" ");
    for (; !bare.stopped; bare.step()) at.set(bare.instructions, look(bare));
    for (; !machine.stopped; machine.step()) expect(look(machine)).toBe(at.get(machine.instructions));
  });

  it("goes on with registers that a debugger has changed", () => {
    const { machine, addressOf } = machineOf(source);
    machine.run({ steps: 10_000, breakpoints: new Set([BigInt(addressOf("work"))]) });
    expect(machine.setRegister("EBX", 77n)).toBe(true);
    expect(machine.setRegister("ZF", 1n)).toBe(true);
    machine.run({ steps: 10_000 });
    expect(register(machine, "RBX")).toBe(77n);
    expect(register(machine, "RCX")).toBe(0n);
  });
});

describe("interrupts", () => {
  it("come between the guest's instructions only, with its own flags, and not behind STI", () => {
    const source = readFileSync(new URL("../../../examples/timer.asm", import.meta.url), "utf8");
    const machine = boot(technique, source, 16);
    const { output } = outcome(machine, machine.run({ steps: 1_000_000 }));
    const bare = boot("bare-metal", source, 16);
    expect(output).toBe(outcome(bare, bare.run({ steps: 1_000_000 })).output);
  });
});
