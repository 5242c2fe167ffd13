import { describe, expect, it } from "vitest";
import { parseOpcode } from "../../isa/opcode.ts";
import { parseSyntax } from "../../isa/operand-pattern.ts";

/** Place, kind and widths of each operand, in short. */
const read = (opcode: string, syntax: string) =>
  parseSyntax(syntax, parseOpcode(opcode)).operands.map((o) =>
    [o.place, o.kind, o.width ?? o.memoryWidth, o.signed ? "signed" : undefined].filter(Boolean).join(" "),
  );

describe("the syntax column", () => {
  it.each([
    ["01 /r", "ADD r/m32, r32", ["rm rm 32", "reg register 32"]],
    ["00 /r", "ADD r/m8, r8", ["rm rm 8", "reg register 8"]],
    ["83 /0 ib", "ADD r/m64, simm8", ["rm rm 64", "immediate immediate 8 signed"]],
    ["B8+r id", "MOV r32, imm32", ["opcode register 32", "immediate immediate 32"]],
    ["90+r", "XCHG EAX, r32", ["fixed register 32", "opcode register 32"]],
    ["8E /r", "MOV Sreg, r/m16", ["reg segment 16", "rm rm 16"]],
    ["0F 20 /r", "MOV r32, CRn", ["rm register 32", "reg control"]],
    ["0F 23 /r", "MOV DRn, r64", ["reg debug", "rm register 64"]],
    ["D1 /4", "SHL r/m16, 1", ["rm rm 16", "fixed immediate 8"]],
    ["D3 /4", "SHL r/m16, CL", ["rm rm 16", "fixed register 8"]],
    ["A0 moffs", "MOV AL, moffs8", ["fixed register 8", "moffs memory 8"]],
    ["E8 cd", "CALL rel32", ["relative relative 32"]],
    ["EA cp", "JMP ptr16:32", ["far far 32"]],
    ["FF /5", "JMP m16:32", ["rm memory"]],
    ["0F C7 /6", "RDRAND r32", ["rm register 32"]],
    ["0F 01 /2", "LGDT m16&32", ["rm memory"]],
    ["VEX.LZ.0F38.W0 F2 /r", "ANDN r32, r32, r/m32", ["reg register 32", "vvvv register 32", "rm rm 32"]],
    ["VEX.LZ.0F38.W1 F7 /r", "BEXTR r64, r/m64, r64", ["reg register 64", "rm rm 64", "vvvv register 64"]],
    ["VEX.LZ.0F38.W0 F3 /1", "BLSR r32, r/m32", ["vvvv register 32", "rm rm 32"]],
    ["F4", "HLT", []],
  ])("%s  %s", (opcode, syntax, expected) => {
    expect(read(opcode, syntax)).toEqual(expected);
  });

  it("keeps the widths of register and memory apart", () => {
    const [operand] = parseSyntax("SLDT r32/m16", parseOpcode("0F 00 /0")).operands;
    expect(operand).toMatchObject({ place: "rm", width: 32, memoryWidth: 16 });
  });

  it.each(["ADD r/m24, r24", "add r/m8", "MOV foo"])("refuses %j", (text) => {
    expect(() => parseSyntax(text, parseOpcode("00 /r"))).toThrow();
  });
});
