import { describe, expect, it } from "vitest";
import { parseOpcode } from "../../isa/opcode.ts";

const plain = {
  map: 0,
  second: undefined,
  last: undefined,
  wait: false,
  hasModrm: false,
  digit: undefined,
  plusRegister: false,
  prefix: undefined,
  vex: false,
  noPrefix: false,
  noRepeat: false,
  operandSize: undefined,
  addressSize: undefined,
  trailing: [],
};

describe("the opcode column", () => {
  it.each([
    ["90", { opcode: 0x90 }],
    ["80 /0 ib", { opcode: 0x80, hasModrm: true, digit: 0, trailing: ["ib"] }],
    ["01 /r", { opcode: 0x01, hasModrm: true }],
    ["B8+r id", { opcode: 0xb8, plusRegister: true, trailing: ["id"] }],
    ["0F A2", { map: 1, opcode: 0xa2 }],
    ["0F 01 /4", { map: 1, opcode: 0x01, hasModrm: true, digit: 4 }],
    ["0F 01 C1", { map: 1, opcode: 0x01, second: 0xc1 }],
    ["0F 38 F0 /r", { map: 2, opcode: 0xf0, hasModrm: true }],
    ["66 0F 3A 0F /r ib", { map: 3, opcode: 0x0f, prefix: 0x66, hasModrm: true, trailing: ["ib"] }],
    ["F3 90", { opcode: 0x90, prefix: 0xf3 }],
    ["F3 0F B8 /r", { map: 1, opcode: 0xb8, prefix: 0xf3, hasModrm: true }],
    ["D4 0A", { opcode: 0xd4, second: 0x0a }],
    ["o32 9C", { opcode: 0x9c, operandSize: 32 }],
    ["o* 0F 00 /2", { map: 1, opcode: 0x00, operandSize: "any", hasModrm: true, digit: 2 }],
    ["a16 E3 cb", { opcode: 0xe3, addressSize: 16, trailing: ["cb"] }],
    ["NP 0F C7 /6", { map: 1, opcode: 0xc7, noPrefix: true, hasModrm: true, digit: 6 }],
    ["NFx 0F C7 /6", { map: 1, opcode: 0xc7, noRepeat: true, hasModrm: true, digit: 6 }],
    ["A0 moffs", { opcode: 0xa0, trailing: ["moffs"] }],
    ["VEX.LZ.0F38.W0 F3 /1", { map: 2, opcode: 0xf3, vex: true, operandSize: 32, hasModrm: true, digit: 1 }],
    [
      "VEX.LZ.F2.0F3A.W1 F0 /r ib",
      { map: 3, opcode: 0xf0, vex: true, prefix: 0xf2, operandSize: 64, hasModrm: true, trailing: ["ib"] },
    ],
    ["C8 iw ib", { opcode: 0xc8, trailing: ["iw", "ib"] }],
  ])("reads %s", (text, expected) => {
    expect(parseOpcode(text)).toEqual({ ...plain, ...expected });
  });

  it.each(["", "8", "80 /8", "80 /0 xx", "01 02 03 04", "o8 90", "VEX.L1.0F38.W0 F2 /r"])("refuses %j", (text) => {
    expect(() => parseOpcode(text)).toThrow(/opcode/);
  });
});
