import { describe, expect, it } from "vitest";
import { assemble } from "../../../assembler/index.ts";
import { exceptionName } from "../../../emulator/cpu/exception-names.ts";
import { layout, ramBase } from "../../../emulator/cpu/layout.ts";
import { CR0, CR4 } from "../../../emulator/cpu/state.ts";
import { codeAt, createProcessor, type Processor } from "../../support/processor.ts";

const dataAt = 0x2_0000;

function processor(text: string, more = ""): { made: Processor; end: number } {
  const source = `bits 64\norg ${codeAt}\n${text.replaceAll("; ", "\n")}\n${more}`;
  const { bytes, problems } = assemble({ file: "test.asm", text: source });
  expect(problems).toEqual([]);
  const made = createProcessor({ bits: 64, code: bytes });
  made.cpu.r64[3] = BigInt(dataAt);
  made.cpu.r64[layout.cr4 >> 3]! |= BigInt(CR4.OSFXSR | CR4.OSXMMEXCPT);
  made.cpu.r64[layout.cr0 >> 3]! |= BigInt(CR0.NE);
  made.cpu.refresh();
  return { made, end: codeAt + bytes.length };
}

/** The first exception of the code, with the place of the instruction it is at; undefined if it comes to its end. */
function firstException({ cpu, engine }: Processor, end: number): string | undefined {
  let found: string | undefined;
  cpu.observer = {
    exception: ({ vector }) => {
      found ??= exceptionName(vector);
    },
  };
  for (let steps = 0; steps < 50 && cpu.rip !== end && found === undefined; steps++) engine.step();
  return found;
}

const set = ({ cpu }: Processor, cr0: number, cr4: number): void => {
  cpu.r64[layout.cr0 >> 3]! |= BigInt(cr0);
  cpu.r64[layout.cr4 >> 3]! &= ~BigInt(cr4);
};

describe("what CR0 and CR4 allow", () => {
  const { EM, TS, MP } = CR0;
  const { OSFXSR } = CR4;
  it.each([
    ["fld1", 0, 0, undefined],
    ["fld1", EM, 0, "#NM"],
    ["fld1", TS, 0, "#NM"],
    ["fninit", TS, 0, "#NM"],
    ["fnstsw ax", EM, 0, "#NM"],
    ["fwait", TS, 0, undefined],
    ["fwait", MP, 0, undefined],
    ["fwait", TS | MP, 0, "#NM"],
    ["paddb mm0, mm1", 0, 0, undefined],
    ["paddb mm0, mm1", 0, OSFXSR, undefined],
    ["paddb mm0, mm1", EM, 0, "#UD"],
    ["paddb mm0, mm1", TS, 0, "#NM"],
    ["emms", TS, 0, "#NM"],
    ["pshufw mm0, mm1, 0", 0, OSFXSR, undefined],
    ["addps xmm0, xmm1", 0, 0, undefined],
    ["addps xmm0, xmm1", 0, OSFXSR, "#UD"],
    ["addps xmm0, xmm1", EM, 0, "#UD"],
    ["addps xmm0, xmm1", TS, 0, "#NM"],
    ["addps xmm0, xmm1", EM | TS, 0, "#UD"],
    ["movdqa xmm0, [rbx]", TS, 0, "#NM"],
    ["movnti [rbx], eax", EM | TS, OSFXSR, undefined],
    ["ldmxcsr [rbx]", 0, OSFXSR, "#UD"],
    ["fxsave [rbx]", 0, OSFXSR, undefined],
    ["fxsave [rbx]", EM, 0, "#UD"],
    ["fxrstor [rbx]", TS, 0, "#NM"],
  ] as const)("%s, CR0 %i, without CR4 %i: %s", (text, cr0, cr4, expected) => {
    const { made, end } = processor(text);
    set(made, cr0, cr4);
    expect(firstException(made, end)).toBe(expected);
  });

  it.each([
    ["movaps xmm0, [rbx+8]", "#GP"],
    ["movups xmm0, [rbx+8]", undefined],
    ["addpd xmm0, [rbx+8]", "#GP"],
    ["addsd xmm0, [rbx+1]", undefined],
    ["cvtps2pd xmm0, [rbx+1]", undefined],
    ["movntdq [rbx+8], xmm0", "#GP"],
    ["fxsave [rbx+8]", "#GP"],
    ["paddb mm0, [rbx+1]", undefined],
  ] as const)("alignment: %s: %s", (text, expected) => {
    const { made, end } = processor(text);
    expect(firstException(made, end)).toBe(expected);
  });

  it.each([
    ["mov dword [rbx], 0x1f80; ldmxcsr [rbx]", undefined],
    ["mov dword [rbx], 0xffff; ldmxcsr [rbx]", undefined],
    ["mov dword [rbx], 0x10000; ldmxcsr [rbx]", "#GP"],
    ["fxsave [rbx]; mov dword [rbx+24], 0x10000; fxrstor [rbx]", "#GP"],
  ] as const)("reserved bits: %s: %s", (text, expected) => {
    const { made, end } = processor(text);
    expect(firstException(made, end)).toBe(expected);
  });
});

const divideByZero = "fninit; mov word [rbx], 0x37b; fldcw [rbx]; fld1; fldz; fdivp";

describe("exceptions that are not masked", () => {
  it.each([
    ["the next x87 instruction raises it", `${divideByZero}; fld1`, "#MF"],
    ["or FWAIT", `${divideByZero}; fwait`, "#MF"],
    ["or an MMX instruction", `${divideByZero}; paddb mm0, mm1`, "#MF"],
    ["or an SSE instruction with an MMX register", `${divideByZero}; cvtps2pi mm0, xmm0`, "#MF"],
    ["but no SSE instruction", `${divideByZero}; addps xmm0, xmm1`, undefined],
    ["nor one that does not wait", `${divideByZero}; fnstsw ax; fnclex; fld1`, undefined],
    ["masking it makes it vanish", `${divideByZero}; fnstenv [rbx]; fld1`, undefined],
    [
      "unmasking a flag that is set raises it",
      "fninit; fld1; fldz; fdivp; mov word [rbx], 0x37b; fldcw [rbx]; fld1",
      "#MF",
    ],
  ] as const)("x87: %s", (_, text, expected) => {
    const { made, end } = processor(text);
    expect(firstException(made, end)).toBe(expected);
  });

  it("leaves the operands of a division by zero as they are", () => {
    const { made, end } = processor(divideByZero);
    expect(firstException(made, end)).toBeUndefined();
    expect(made.cpu.u32[layout.x87Status >> 2]).toBe(0xb084);
    expect(made.cpu.u32[layout.x87Empty >> 2]).toBe(0x3f);
  });

  const unmasked = "mov dword [rbx], 0x1d80; ldmxcsr [rbx]; mov eax, 1; cvtsi2sd xmm0, eax";
  it("SSE: raises #XM at the instruction, and leaves the destination", () => {
    const { made, end } = processor(`${unmasked}; divsd xmm0, xmm1`);
    expect(firstException(made, end)).toBe("#XM");
    expect(made.cpu.f64[layout.xmm >> 3]).toBe(1);
    expect(made.cpu.u32[layout.mxcsr >> 2]).toBe(0x1d84);
  });

  it("SSE: #UD where the system does not expect #XM", () => {
    const { made, end } = processor(`${unmasked}; divsd xmm0, xmm1`);
    set(made, 0, CR4.OSXMMEXCPT);
    expect(firstException(made, end)).toBe("#UD");
  });
});

const bytesAt = ({ cpu }: Processor, at: number, count: number): string =>
  Buffer.from(cpu.bytes.subarray(ramBase + at, ramBase + at + count)).toString("hex");

describe("state in memory", () => {
  it("FNSAVE stores the environment of 28 bytes and the stack from its top, and initializes", () => {
    const { made, end } = processor("fninit; fldpi; fld1; fnsave [rbx]");
    expect(firstException(made, end)).toBeUndefined();
    const codeOfLast = (codeAt + 4).toString(16).padStart(4, "0");
    const pointer = `${codeOfLast.slice(2)}${codeOfLast.slice(0, 2)}0000`;
    expect(bytesAt(made, dataAt, 28)).toBe(`7f03ffff0030ffffff0fffff${pointer}0800000000000000${"0000ffff"}`);
    expect(bytesAt(made, dataAt + 28, 20)).toBe("0000000000000080ff3f" + "35c26821a2da0fc90040");
    expect(made.cpu.u32[layout.x87Empty >> 2]).toBe(0xff);
    expect(made.cpu.u32[layout.x87Status >> 2]).toBe(0);
  });

  it.each([
    ["fnsave and frstor", "fnsave [rbx]; frstor [rbx]"],
    ["fnsave and frstor of 16 bits", "o16 fnsave [rbx]; o16 frstor [rbx]"],
    ["fxsave and fxrstor", "fxsave [rbx]; fninit; xorps xmm1, xmm1; fxrstor [rbx]"],
    ["fxsave64 and fxrstor64", "fxsave64 [rbx]; fninit; xorps xmm1, xmm1; fxrstor64 [rbx]"],
  ] as const)("%s bring everything back", (_, text) => {
    const fill = "fninit; fld1; fldpi; fldl2e; fxch; fincstp; mov eax, 0x12345678; movd xmm1, eax";
    const { made: before, end: filled } = processor(fill);
    expect(firstException(before, filled)).toBeUndefined();
    const { made: after, end } = processor(`${fill}; ${text}`);
    expect(firstException(after, end)).toBeUndefined();
    const stateOf = ({ cpu }: Processor) => [
      Buffer.from(cpu.r8.slice(layout.x87Registers, layout.x87InstructionPointer)).toString("hex"),
      cpu.u32[layout.mxcsr >> 2],
    ];
    expect(stateOf(after)).toEqual(stateOf(before));
  });

  it("after RESET the registers are in use and zero, and all x87 exceptions unmasked", () => {
    const { made } = processor("nop");
    const { cpu } = made;
    expect([layout.x87Control, layout.x87Status, layout.x87Empty, layout.mxcsr].map((at) => cpu.u32[at >> 2])).toEqual([
      0x40, 0, 0, 0x1f80,
    ]);
  });

  it("MMX registers are the significands of the x87 registers", () => {
    const { made, end } = processor("fninit; mov eax, -1; movd mm3, eax; fnstenv [rbx]; emms");
    expect(firstException(made, end)).toBeUndefined();
    expect(bytesAt(made, dataAt + 4, 4)).toBe("0000ffff");
    expect(made.cpu.u32[(layout.x87Registers >> 2) + 12]).toBe(0xffff_ffff);
    expect(made.cpu.r16[(layout.x87Registers >> 1) + 28]).toBe(0xffff);
    expect(made.cpu.u32[layout.x87Empty >> 2]).toBe(0xff);
  });

  it("MASKMOVDQU stores the bytes whose mask has its top bit set", () => {
    const { made, end } = processor(
      "mov rdi, rbx; pcmpeqb xmm0, xmm0; mov rax, 0x8000ff007f800001; movq xmm1, rax; maskmovdqu xmm0, xmm1",
    );
    expect(firstException(made, end)).toBeUndefined();
    expect(bytesAt(made, dataAt, 16)).toBe("0000ff0000ff00ff0000000000000000");
  });
});
