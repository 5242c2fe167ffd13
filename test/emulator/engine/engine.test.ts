import { describe, expect, test } from "vitest";
import { assemble } from "../../../assembler/index.ts";
import { layout, ramBase } from "../../../emulator/cpu/layout.ts";
import type { EngineStop } from "../../../emulator/engine/interpreter.ts";
import { guard } from "../../../emulator/mmu/physical.ts";
import { type Bits, codeAt, createProcessor, type Processor } from "../../support/processor.ts";
import { differenceOf } from "./guest.ts";

interface Program {
  readonly machine: Processor;
  /** Offset of a label. */
  readonly at: (label: string) => number;
}

/** A processor with this program at `codeAt`. */
function program(bits: Bits, text: string, threshold?: number, image?: { start: number; end: number }): Program {
  const source = `bits ${bits}\norg ${codeAt}\n${text}\n`;
  const { bytes, problems, symbols } = assemble({ file: "test.asm", text: source });
  expect(problems).toEqual([]);
  const translation = threshold === undefined ? {} : { threshold };
  const machine = createProcessor({ bits, code: bytes, ...translation, ...(image && { image }) });
  const at = (label: string): number => Number(symbols.get(label)?.value);
  return { machine, at };
}

const stepsOf = ({ cpu }: Processor): number => cpu.f64[layout.steps >> 3]!;
const limit: EngineStop = { kind: "limit" };
const engines = [
  ["interpreter", undefined],
  ["translator", 1],
] as const;

describe.each(engines)("%s", (_, threshold) => {
  test("a repeated string instruction takes one step an iteration and RIP stays at it until the last", () => {
    const { machine, at } = program(
      32,
      "mov ecx, 3\n mov esi, 4000h\n mov edi, 5000h\n copy: rep movsb\n after: jmp after",
      threshold,
    );
    const { cpu, engine } = machine;
    cpu.bytes.set([1, 2, 3], ramBase + 0x4000);
    engine.run({ steps: 3 });
    const seen: number[][] = [];
    for (let n = 0; n < 3; n++) {
      engine.step();
      seen.push([cpu.rip, cpu.r32[2]!]);
    }
    expect(seen).toEqual([
      [at("copy"), 2],
      [at("copy"), 1],
      [at("after"), 0],
    ]);
    expect([...cpu.bytes.subarray(ramBase + 0x5000, ramBase + 0x5004)]).toEqual([1, 2, 3, 0]);
  });

  test("a repeated string instruction with a count of zero does nothing in one step", () => {
    const { machine, at } = program(16, "xor cx, cx\n mov di, 5000h\n rep stosb\n after: jmp after", threshold);
    machine.engine.run({ steps: 3 });
    expect([machine.cpu.rip, machine.cpu.r16[28], stepsOf(machine)]).toEqual([at("after"), 0x5000, 3]);
  });

  test("REPNE SCASB ends at the match", () => {
    const { machine } = program(32, "mov al, 7\n mov ecx, 9\n mov edi, 5000h\n repne scasb\n l: jmp l", threshold);
    machine.cpu.bytes.set([1, 2, 7, 3], ramBase + 0x5000);
    machine.engine.run({ steps: 20 });
    expect([machine.cpu.r32[2], machine.cpu.r32[14]]).toEqual([6, 0x5003]);
  });

  test("a run takes exactly the steps asked for, wherever in a hot loop that is", () => {
    const { machine, at } = program(32, "l: inc eax\n add ebx, eax\n dec ecx\n jmp l", threshold);
    for (let steps = 1; steps < 60; steps++) {
      const before = stepsOf(machine);
      expect(machine.engine.run({ steps })).toEqual(limit);
      expect(stepsOf(machine)).toBe(before + steps);
      expect(machine.cpu.r32[0]).toBe(Math.floor((stepsOf(machine) + 3) / 4));
      expect(machine.cpu.rip).toBe(at("l") + [0, 1, 3, 4][stepsOf(machine) % 4]!);
    }
  });

  test("a run stops before every breakpoint in a loop that is hot already", () => {
    const { machine, at } = program(64, "l: inc rax\n here: lea rbx, [rax*2]\n jmp l", threshold);
    machine.engine.run({ steps: 3000 });
    const breakpoints = new Set([BigInt(at("here"))]);
    for (let n = 1; n <= 5; n++) {
      const stop = machine.engine.run({ steps: 1000, breakpoints });
      expect(stop).toEqual({ kind: "breakpoint", address: BigInt(at("here")) });
      expect(machine.cpu.r64[0]).toBe(BigInt(1000 + n));
      expect(machine.cpu.r64[3]).toBe(BigInt(2 * (999 + n)));
    }
    machine.engine.run({ steps: 3000 });
    expect(machine.cpu.r64[0]).toBe(2005n);
  });

  test("a breakpoint is found where only a jump leads", () => {
    const { machine, at } = program(32, "l: dec ecx\n jnz l\n there: inc ebx\n mov ecx, 50\n jmp l", threshold);
    machine.cpu.r32[2] = 5000;
    const breakpoints = new Set([BigInt(at("there"))]);
    expect(machine.engine.run({ steps: 1e6, breakpoints }).kind).toBe("breakpoint");
    expect(stepsOf(machine)).toBe(10000);
    expect(machine.engine.run({ steps: 1e6, breakpoints }).kind).toBe("breakpoint");
    expect(stepsOf(machine)).toBe(10000 + 3 + 100);
  });

  test("an instruction that the loop itself rewrites is executed as rewritten", () => {
    const text = `mov ecx, 1000
      l: add eax, 1
      inc byte [l + 2]        ; the immediate of ADD EAX, 1
      dec ecx
      jnz l
      e: jmp e`;
    const { machine, at } = program(32, text, threshold);
    machine.engine.run({ steps: 4002 });
    let expected = 0;
    for (let n = 0, immediate = 1; n < 1000; n++, immediate = (immediate + 1) & 0xff)
      expected += (immediate << 24) >> 24;
    expect([machine.cpu.r32[0], machine.cpu.rip]).toEqual([expected, at("e")]);
  });

  test("an instruction that the one before it rewrites is executed as rewritten", () => {
    // The NOP after the store becomes INC EBX (43h).
    const { machine } = program(32, "mov byte [n], 43h\n n: nop\n e: jmp e", threshold);
    machine.engine.run({ steps: 10 });
    expect(machine.cpu.r32[6]).toBe(1);
  });

  test("data beside the code can be written, before, behind and between it", () => {
    const text = `jmp start
      first: dd 0
      times 200 nop
      start: mov ecx, 500
      l: inc dword [first]
      inc dword [last]
      inc dword [middle]
      dec ecx
      jnz l
      jmp e
      times 200 nop
      middle: dd 0
      times 200 nop
      e: jmp e
      last: dd 0`;
    const { machine, at } = program(32, text, threshold);
    machine.engine.run({ steps: 2 + 5 * 500 + 2 });
    const word = (label: string) => machine.cpu.readPhysical(at(label), 4);
    expect([word("first"), word("middle"), word("last")]).toEqual([500, 500, 500]);
  });

  test("a watched page tells of every store, also to data beside the code", () => {
    const { machine, at } = program(32, "l: inc dword [data]\n dec ecx\n jnz l\n data: dd 0", threshold);
    const { cpu, engine } = machine;
    cpu.r32[2] = 1e6;
    engine.run({ steps: 300 });
    const stores: number[] = [];
    cpu.memoryObserver.watched = (physical, _bytes, access) => void (access === "write" && stores.push(physical));
    cpu.guardPage(codeAt >> 12, guard.watchWrites);
    engine.run({ steps: 300 });
    expect(stores).toEqual(new Array(100).fill(at("data")));
    cpu.unguardPage(codeAt >> 12, guard.watchWrites);
    engine.run({ steps: 300 });
    expect([stores.length, cpu.readPhysical(at("data"), 4)]).toEqual([100, 300]);
  });

  test("code written from outside is executed as written", () => {
    const { machine, at } = program(32, "l: inc eax\n jmp l", threshold);
    machine.engine.run({ steps: 1000 });
    machine.cpu.writePhysical(at("l"), 1, 0x43);
    machine.engine.run({ steps: 1000 });
    expect([machine.cpu.r32[0], machine.cpu.r32[6]]).toEqual([500, 500]);
  });

  test("an instruction across two pages is executed, also after its second part changed", () => {
    const text =
      "jmp l\n times 0ffbh - ($ - $$) nop\n l: inc ecx\n mov eax, 11223344h\n cmp ecx, 300\n jb l\n e: jmp e";
    const { machine, at } = program(32, text, threshold);
    expect(at("l") + 1 + 5).toBeGreaterThan(codeAt + 0x1000);
    machine.engine.run({ steps: 1300 });
    expect([machine.cpu.r32[0], machine.cpu.rip]).toEqual([0x11223344, at("e")]);
    machine.cpu.writePhysical(at("l") + 5, 1, 0x55);
    machine.cpu.r32[2] = 0;
    machine.cpu.rip = at("l");
    machine.engine.run({ steps: 1300 });
    expect(machine.cpu.r32[0]).toBe(0x55223344);
  });

  test("the same bytes are other code in another mode", () => {
    // 40h is INC EAX in 32-bit code and a REX prefix in 64-bit code: here of a NOP.
    const { machine } = program(32, "l: db 40h\n nop\n jmp l", threshold);
    machine.engine.run({ steps: 3000 });
    expect(machine.cpu.r32[0]).toBe(1000);
    machine.cpu.setSegment(1, { ...machine.cpu.segment(1), access: 0x9b, limit: 0xffff });
    machine.engine.run({ steps: 3000 });
    expect([machine.cpu.r32[0], machine.cpu.bits]).toEqual([2000, 16]);
  });

  test("a page of code that is mapped twice runs at both addresses", () => {
    // Two-level paging: 8000h is the directory, 9000h the table; page 5 is another name of page 1.
    const text = `mov dword [8000h], 9003h
      mov edi, 9000h
      mov eax, 3
      fill: stosd
      add eax, 1000h
      cmp edi, 9000h + 4*256
      jb fill
      mov dword [9000h + 4*5], 1003h
      mov eax, 8000h
      mov cr3, eax
      mov eax, cr0
      or eax, 80000000h
      mov cr0, eax
      again: mov ecx, 200
      l: call f
      dec ecx
      jnz l
      mov eax, again + 4000h
      jmp eax
      f: mov edx, [esp]
      add ebx, edx
      ret`;
    const { machine, at } = program(32, text, threshold);
    machine.engine.run({ steps: 3 + 4 * 256 + 6 });
    let sum = 0;
    const after = at("l") + 5;
    for (const linear of [0, 0x4000, 0x4000]) {
      machine.engine.run({ steps: 1 + 200 * 6 + 2 });
      sum += 200 * (after + linear);
      expect([machine.cpu.rip - at("again"), machine.cpu.r32[6]]).toEqual([0x4000, sum]);
    }
  });

  test("an instruction beyond the limit of CS faults before it does anything", () => {
    const { machine, at } = program(32, "l: inc eax\n nop\n far_end: mov ebx, 5\n jmp l", threshold);
    machine.engine.run({ steps: 400 });
    const { cpu, engine } = machine;
    cpu.rip = at("l");
    cpu.r32[6] = 0;
    cpu.setSegment(1, { ...cpu.segment(1), limit: at("far_end") + 2 });
    const vectors: number[] = [];
    cpu.observer = { exception: ({ vector }) => void vectors.push(vector) };
    expect(engine.run({ steps: 10 })).toEqual({ kind: "shutdown" });
    expect([vectors[0], cpu.r32[6], cpu.rip]).toEqual([13, 0, at("far_end")]);
  });

  test("an undefined encoding raises #UD", () => {
    const { machine } = program(32, "nop\n db 0fh, 0ffh", threshold);
    const vectors: number[] = [];
    machine.cpu.observer = { exception: ({ vector }) => void vectors.push(vector) };
    machine.engine.run({ steps: 5 });
    expect(vectors[0]).toBe(6);
  });

  test("with TF set every instruction of a loop traps after it", () => {
    const text = `mov word [4], trap      ; vector 1
      mov word [6], 0
      mov cx, 500
      hot: dec cx
      jnz hot
      pushf
      mov bp, sp
      or word [bp], 100h
      mov cx, 3
      popf
      l: dec cx
      jnz l
      e: jmp e
      trap: inc bx
      iret`;
    const { machine } = program(16, text, threshold);
    machine.engine.run({ steps: 2000 });
    // Trapped: DEC and JNZ three times, then JMP to itself for ever, each followed by delivery, INC and IRET.
    const { cpu } = machine;
    expect(cpu.r16[4]).toBe(0);
    const before = 3 + 1000 + 5;
    expect(cpu.r16[12]).toBe(Math.floor((2000 - before + 1) / 4));
  });

  test("a halted processor is idle and takes no steps", () => {
    const { machine } = program(32, "hlt", threshold);
    expect(machine.engine.run({ steps: 100 })).toEqual({ kind: "idle" });
    expect(stepsOf(machine)).toBe(1);
  });
});

test("translated code returns from calls, and takes jumps through tables, without leaving", () => {
  const text = `mov ecx, 100000
    l: mov eax, ecx
    and eax, 3
    call [table + eax*4]
    loop l
    e: jmp e
    a: inc ebx
    ret
    b: dec edx
    ret
    c: add esi, 2
    d: ret
    table: dd a, b, c, d`;
  const one = program(32, text).machine;
  const other = program(32, text, 100).machine;
  for (const machine of [one, other]) expect(machine.engine.run({ steps: 600_000 })).toEqual(limit);
  expect(differenceOf(one, other)).toBeUndefined();
  expect(other.engine.translatedSteps).toBeGreaterThan(550_000);
});

test("breakpoints that a hot loop passes rarely or never do not keep it from being translated", () => {
  const text = `l: inc eax
    test ax, ax
    jnz l
    rare: inc ebx
    jmp l
    nowhere: jmp nowhere`;
  const { machine, at } = program(32, text, 100);
  const { cpu, engine } = machine;
  const breakpoints = new Set([BigInt(at("rare")), BigInt(at("nowhere"))]);
  for (let n = 1; n <= 5; n++) {
    const stop = engine.run({ steps: 1e6, breakpoints });
    expect(stop).toEqual({ kind: "breakpoint", address: BigInt(at("rare")) });
    expect([cpu.r32[0], cpu.r32[6]]).toEqual([n * 0x1_0000, n - 1]);
  }
  expect(engine.translatedSteps).toBeGreaterThan(0.95 * stepsOf(machine));
});

describe("outside the loaded image", () => {
  const image = { start: codeAt, end: codeAt + 10 };
  const text = "l: dec ecx\n jnz l\n jmp 5000h";

  test.each(engines)("eight zero bytes are no code (%s)", (_, threshold) => {
    const { machine } = program(32, text, threshold, image);
    machine.cpu.r32[2] = 1000;
    expect(machine.engine.run({ steps: 1e5 })).toEqual({ kind: "ran-off-code", address: 0x5000n });
    expect([stepsOf(machine), machine.cpu.rip]).toEqual([2001, 0x5000]);
  });

  test.each(engines)("code that the guest put there is executed (%s)", (_, threshold) => {
    const { machine } = program(32, text, threshold, image);
    machine.cpu.bytes.set([0x43, 0xeb, 0xfd], ramBase + 0x5000);
    machine.cpu.r32[2] = 1000;
    expect(machine.engine.run({ steps: 2101 })).toEqual(limit);
    expect(machine.cpu.r32[6]).toBe(50);
  });
});

describe("instructions that exist in protected mode only", () => {
  const texts = [
    "sldt ax",
    "str ax",
    "lldt ax",
    "ltr ax",
    "lar ax, bx",
    "lsl ax, bx",
    "verr ax",
    "verw ax",
    "arpl ax, bx",
  ];

  test.each(texts)("%s raises #UD in real mode, however often it was run", (text) => {
    for (const threshold of [undefined, 1]) {
      const { machine, at } = program(16, `mov cx, 5\n again: ${text}\n handler: inc dx\n loop again\n hlt`, threshold);
      const { cpu, engine } = machine;
      cpu.setIdtr(0, 0x3ff);
      cpu.view.setUint16(ramBase + 4 * 6, at("handler"), true);
      expect(engine.run({ steps: 1000 })).toEqual({ kind: "idle" });
      // Each time, the event pushed 6 bytes and skipped the instruction.
      expect([cpu.r16[4 * 4], cpu.r16[2 * 4]]).toEqual([0x9000 - 5 * 6, (0x06d7 + 5) & 0xffff]);
    }
  });
});
