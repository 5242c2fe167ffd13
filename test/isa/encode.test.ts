import { describe, expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";
import { select } from "../../isa/index.ts";
import type { Bits } from "../../isa/operands.ts";
import type { WrittenNumber, WrittenOperand } from "../../isa/statement.ts";
import { writtenMemory, writtenRegister } from "./samples.ts";

const register = (name: string): WrittenOperand => writtenRegister(name).operand;
const number = (value: bigint | undefined, more: Partial<WrittenNumber> = {}): WrittenOperand => ({
  kind: "number",
  value,
  ...more,
});
const hex = (bits: Bits, address: bigint, mnemonic: string, ...operands: WrittenOperand[]): string => {
  const result = select({ mnemonic, operands }, { bits, address });
  return result.kind === "encoding" ? Buffer.from(result.bytes).toString("hex") : result.code;
};

describe("what depends on the place", () => {
  it("branches are short while the target is near enough", () => {
    const jump = (target: bigint | undefined, more = {}) =>
      hex(32, 0x1000n, "jmp", number(target, { relocatable: true, ...more }));
    expect(jump(0x1000n)).toBe("ebfe");
    expect(jump(0x1002n + 127n)).toBe("eb7f");
    expect(jump(0x1002n + 128n)).toBe("e97d000000");
    expect(jump(0x1002n - 128n)).toBe("eb80");
    expect(jump(0x1002n - 129n)).toBe("e97cffffff");
    expect(jump(undefined)).toBe("eb00");
    expect(jump(0x1000n, { distance: "near" })).toBe("e9fbffffff");
    expect(jump(0x2000n, { distance: "short" })).toBe("jump-out-of-range");
    expect(hex(32, 0n, "jmp", number(5n))).toBe("e900000000");
  });

  it("labels take the full width", () => {
    expect(hex(32, 0n, "add", register("eax"), number(5n, { relocatable: true }))).toBe("0505000000");
    expect(hex(64, 0n, "mov", register("rax"), number(5n, { relocatable: true }))).toBe("48b80500000000000000");
    expect(hex(32, 0n, "push", number(5n, { relocatable: true }))).toBe("6805000000");
    // What is not known yet may turn out to be small.
    expect(hex(32, 0n, "push", number(undefined))).toBe("6a00");
    const { operand } = writtenMemory({ base: "ebx", displacement: 5n, relocatable: true }, undefined);
    expect(hex(32, 0n, "mov", register("eax"), operand)).toBe("8b8305000000");
  });

  it("RIP-relative distances count from the next instruction", () => {
    const target = writtenMemory({ displacement: 0x2000n, relocatable: true, relative: true }, 8).operand;
    expect(hex(64, 0x1000n, "mov", register("rax"), { ...target, size: 64 } as WrittenOperand)).toBe("488b05f90f0000");
    // The immediate is part of the instruction too.
    expect(hex(64, 0x1000n, "mov", target, number(5n))).toBe("c605f90f000005");
    const absolute = writtenMemory({ displacement: 0x2000n, relative: true }, 8).operand;
    expect(hex(64, 0x1000n, "mov", target, number(5n))).not.toBe(hex(64, 0x1000n, "mov", absolute, number(5n)));
  });
});

const message = (bits: Bits, line: string): string =>
  assemble({ file: "line.asm", text: `bits ${bits}\n${line}\n` }).problems[0]?.message ?? "none";

describe("says why not", () => {
  it.each([
    [32, "mov [eax], [ebx]", /two memory operands; go through a register/],
    [32, "mov ds, 5", /segment register cannot be loaded with a number; load DS from a register/],
    [32, "mov cs, ax", /CS cannot be loaded with MOV; use a far jump/],
    [32, "add eax, bx", /different sizes: EAX has 32 bits, BX has 16/],
    [32, "mov [eax], 5", /size of the operation is not known: write byte, word, dword or qword/],
    [32, "mov eax", /MOV takes 2 operands, not 1/],
    [32, "inc", /INC takes 1 operand, not none/],
    [32, "mov rax, 1", /RAX exists only in 64-bit code, and this is 32-bit code/],
    [16, "mov al, r8b", /R8B exists only in 64-bit code/],
    [64, "pusha", /PUSHA does not exist in 64-bit code/],
    [64, "push eax", /PUSH has no 32-bit operand in 64-bit code, so not EAX; write RAX/],
    [64, "mov ah, r8b", /AH, BH, CH and DH cannot be used together/],
    [16, "mov al, [cx]", /16-bit address is made of BX or BP/],
    [32, "mov al, [eax+ebx*5]", /cannot be multiplied by 5/],
    [32, "mov al, [esp*2]", /stack pointer cannot be multiplied/],
    [32, "mov al, [eax+bx]", /EAX and BX have different widths/],
    [64, "mov al, [bx]", /16-bit addresses do not exist in 64-bit code/],
    [32, "loop $+200", /too far away: LOOP reaches 128 bytes back and 127 forward/],
    [32, "loop short $", /always short: leave out SHORT/],
    [32, "jz dword $", /no size: leave out DWORD/],
    [32, "mov eax, cr1", /there is no CR1; the control registers are CR0, CR2, CR3, CR4 and, in 64-bit code, CR8/i],
    [32, "add al, 300", /300 does not fit into 8 bits; only its low 8 bits are used/],
    [64, "add rax, 0xffffffff", /4294967295 does not fit here; what is used is 0xffffffffffffffff/],
    [32, "lock nop", /NOP cannot be locked here; the processor raises #UD/],
  ] as const)("%i bits: %s", (bits, line, expected) => {
    expect(message(bits, line)).toMatch(expected);
  });

  it("accepts what is right without a word", () => {
    for (const line of ["mov eax, [ebx]", "lock add [eax], ebx", "add eax, -1", "add eax, 0xffffffff", "mov al, -1"])
      expect(message(32, line)).toBe("none");
  });
});
