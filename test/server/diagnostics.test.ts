import { describe, expect, it } from "vitest";
import { techniques } from "../../isa/technique.ts";
import { analyse, withMarks } from "../support/marked-source.ts";

/** Robin and Irvine's list, one statement for each entry and grade; `bits 32`. */
const seventeen = [
  ["sgdt [table]", "warning"],
  ["sidt [table]", "warning"],
  ["sldt ax", "warning"],
  ["smsw ax", "warning"],
  ["pushfd", "warning"],
  ["popfd", "warning"],
  ["lar eax, ecx", "warning"],
  ["lsl eax, ecx", "warning"],
  ["verr cx", "warning"],
  ["verw cx", "warning"],
  ["pop ds", "information"],
  ["push ds", "information"],
  ["push cs", "warning"],
  ["call 8:table", "information"],
  ["jmp 8:table", "information"],
  ["int 80h", "information"],
  ["retf", "information"],
  ["str ax", "warning"],
  ["mov ds, ax", "information"],
  ["mov ax, ds", "information"],
  ["mov ax, cs", "warning"],
] as const;

const marksOf = async (statement: string, technique?: string) => {
  const text = await withMarks(`bits 32\n        ${statement}\ntable:`, technique ? { technique } : {});
  return text.split("\n").filter((line) => line.includes("^"));
};

describe("sensitive unprivileged instructions", () => {
  it.each(seventeen)("%s is flagged with %s where no technique is settled", async (statement, grade) => {
    const marks = await marksOf(statement);
    expect(marks).toHaveLength(1);
    expect(marks[0]).toMatch(
      new RegExp(`\\^ ${grade}: [A-Z]+ is sensitive but not privileged\\. It .*trap and emulate`),
    );
  });

  it.each(seventeen)("%s is flagged with %s under trap and emulate", async (statement, grade) => {
    expect((await marksOf(statement, "trap-and-emulate"))[0]).toContain(` ${grade}: `);
  });

  const harmless = techniques.filter((t) => !["deprivileged", "hypercalls"].includes(t.kernel)).map((t) => t.id);
  it.each(harmless)("nothing is flagged under %s", async (technique) => {
    for (const [statement] of seventeen) expect(await marksOf(statement, technique)).toEqual([]);
  });

  it("privileged and innocuous instructions are not flagged", async () => {
    for (const statement of ["hlt", "mov cr0, eax", "add eax, ecx", "out 80h, al", "cli"])
      expect(await marksOf(statement, "trap-and-emulate")).toEqual([]);
  });

  it("the source's own technique overrules the setting", async () => {
    const source = "%pragma ringside technique bare-metal\nbits 32\nsgdt [0]";
    expect(await withMarks(source, { technique: "trap-and-emulate" })).toBe(source);
  });
});

describe("problems of the assembler", () => {
  it("are marked under what they are about, with a remedy", async () => {
    expect(
      await withMarks(`bits 32
start:  movv eax, 1
        mov eax, nowhere
        mov [eax], [ecx]
start:  nop
        jmp short start + 1000h`),
    ).toMatchInlineSnapshot(`
      "bits 32
      start:  movv eax, 1
      ;       ^^^^ error: Unknown instruction “movv”. Did you mean “mov”?
              mov eax, nowhere
      ;                ^^^^^^^ error: “nowhere” is not defined.
              mov [eax], [ecx]
      ;                  ^^^^^ error: No form of MOV takes two memory operands; go through a register.
      start:  nop
      ;^^^^^ error: “start” is already defined.
              jmp short start + 1000h
      ;           ^^^^^^^^^^^^^^^^^^^ error: The target is too far away: JMP reaches 128 bytes back and 127 forward."
    `);
  });

  it("in an included file are shown at the %include", async () => {
    const files = { "lib.inc": "nop\nmovv eax, 1\n" };
    expect(await withMarks('bits 32\n%include "lib.inc"\nhlt', { files })).toMatchInlineSnapshot(`
      "bits 32
      %include "lib.inc"
      ;        ^^^^^^^^^ error: Unknown instruction “movv”. Did you mean “mov”?
      hlt"
    `);
  });

  it("name a missing and a cyclic include", async () => {
    const files = { "a.inc": '%include "a.inc"\n' };
    expect(await withMarks('%include "gone.inc"\n%include "a.inc"', { files })).toMatchInlineSnapshot(`
      "%include "gone.inc"
      ;        ^^^^^^^^^^ error: The file “gone.inc” cannot be found.
      %include "a.inc"
      ;        ^^^^^^^ error: “a.inc” includes itself."
    `);
  });

  it("do not depend on how the document's address is written", async () => {
    const { analysis } = await analyse('%include "sub dir/x.inc"', { files: { "sub%20dir/x.inc": "x equ 5" } });
    expect(analysis.assembly.symbols.get("x")?.value).toBe(5n);
  });
});
