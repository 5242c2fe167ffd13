import { describe, expect, it } from "vitest";
import { assign, assignmentIn, evaluateText, type Subject } from "../../debug-adapter/evaluate.ts";
import { load } from "../../debug-adapter/launch.ts";

async function stopped(source: string, steps: number): Promise<Subject> {
  const subject = await load({ program: "/guest.asm", technique: "vtx-ept", memory: 1 }, async () =>
    new TextEncoder().encode(source),
  );
  while (subject.machine.instructions < steps) subject.machine.step();
  return subject;
}

const real = `        org 7C00h
limit   equ 9
start:  mov ax, 1234h
        mov bx, 10h
        mov es, bx
        mov bp, 7BFEh
        mov word [bp], 0BEEFh
        mov byte [es:5], 77h
        stc
.here:  nop
text:   db "AB"
`;

const long = `%pragma ringside mode long
        org 8000h
        bits 64
start:  mov rax, 0FEDCBA9876543210h
        mov r9, rax
        nop
`;

describe("in 16-bit code", () => {
  it.each([
    ["ax", 0x1234n],
    ["AH", 0x12n],
    ["al + 1", 0x35n],
    ["eax & 0FFFFh", 0x1234n],
    ["cf", 1n],
    ["zf || cf", 1n],
    ["es.base", 0x100n],
    ["byte [es:5]", 0x77n],
    ["byte [gpa:105h]", 0x77n],
    ["byte [hpa:200105h]", 0x77n],
    ["word [bp]", 0xbeefn],
    ["[bp]", 0xbeefn],
    ["byte [lin:7C00h]", 0xb8n],
    ["start", 0x7c00n],
    [".here - start", 0x17n],
    ["$ == .here", 1n],
    ["limit * 2", 18n],
    ["word [text] == 'AB'", 1n],
    ["al == -204", 1n],
    ["ip", 0x7c17n],
    ["bx = 10h", 1n],
    ["cpl", 0n],
  ])("%s", async (expression, value) => {
    const outcome = evaluateText(await stopped(real, 7), expression);
    expect(outcome.problem).toBeUndefined();
    expect(outcome).toMatchObject({ value });
  });

  it.each([
    ["rax", 'there is no register, flag, label or constant "rax"'],
    ["[xs:0]", '"xs" is neither a segment register nor gpa or hpa'],
    ["1 / (zf & 0)", "division by zero"],
    ["1 << 64", "a shift count must be 0 to 63, not 64"],
    ["byte [gpa:100000h]", "guest-physical address 0x100000 is not mapped"],
  ])("%s has no value", async (expression, problem) => {
    expect(evaluateText(await stopped(real, 7), expression)).toEqual({ problem });
  });

  it.each([
    ["ah", "0CDh", "ax", 0xcd34n],
    ["ax", "-1", "eax", 0xffffn],
    ["zf", "1", "eflags & 40h", 0x40n],
    ["byte [text]", "'Z'", "word [text]", 0x425an],
    ["dword [gpa:500h]", "limit", "[lin:500h]", 9n],
    ["cs", "1000h", "cs.base", 0x10000n],
  ])("%s = %s", async (target, value, shown, result) => {
    const subject = await stopped(real, 7);
    expect(assign(subject, target, value).problem).toBeUndefined();
    expect(evaluateText(subject, shown)).toMatchObject({ value: result });
  });

  it.each([
    ["al", "100h", "256 does not fit in the 8 bits of AL"],
    ["byte [text]", "256", "256 does not fit in 8 bits"],
    ["cs.base", "0", "CS.base cannot be changed"],
    ["start", "0", "there is no register start in this mode"],
    ["1", "0", '"1" is not a register, a flag, a field of the control block or memory'],
    ["byte [gpa:100000h]", "0", "guest-physical address 0x100000 is not mapped"],
  ])("%s = %s is refused", async (target, value, problem) => {
    expect(assign(await stopped(real, 7), target, value)).toEqual({ problem });
  });
});

describe("in 64-bit code", () => {
  it.each([
    ["rax", 0xfedcba9876543210n],
    ["eax", 0x76543210n],
    ["ah", 0x32n],
    ["r9d", 0x76543210n],
    ["r9b", 0x10n],
    ["rax == r9", 1n],
    ["rip", 0x800dn],
  ])("%s", async (expression, value) => {
    expect(evaluateText(await stopped(long, 2), expression)).toMatchObject({ value });
  });

  it("writing 32 bits clears the upper half, writing fewer keeps the rest", async () => {
    const subject = await stopped(long, 2);
    assign(subject, "al", "0FFh");
    expect(evaluateText(subject, "rax")).toMatchObject({ value: 0xfedcba98765432ffn });
    assign(subject, "r9d", "5");
    expect(evaluateText(subject, "r9")).toMatchObject({ value: 5n });
  });
});

it("tells assignments from comparisons", () => {
  expect(assignmentIn("eax = 5")).toEqual({ target: "eax", value: "5" });
  expect(assignmentIn("byte [text] = 'A' + 1")).toEqual({ target: "byte [text]", value: "'A' + 1" });
  for (const text of ["eax == 5", "eax != 5", "eax <= 5", "eax >= 5", "eax"])
    expect(assignmentIn(text)).toBeUndefined();
});
