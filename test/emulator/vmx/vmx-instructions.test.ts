import { describe, expect, test } from "vitest";
import { instruction, outcomeOf, place, prepared, ran, register } from "./own-hypervisor.ts";

const operation = ["vmxoff", "vmlaunch", "vmresume", "vmcall"];
const withMemory = ["vmclear [vmcs_at]", "vmptrld [vmcs_at]", "vmptrst [200500h]"];
const withRegisters = (bits: 32 | 64) =>
  bits === 64
    ? ["vmread rax, rbx", "vmwrite rax, rbx", "invept rax, [200500h]", "invvpid rax, [200500h]"]
    : ["vmread eax, ebx", "vmwrite eax, ebx", "invept eax, [200500h]", "invvpid eax, [200500h]"];
const every = (bits: 32 | 64) => [...operation, ...withMemory, ...withRegisters(bits)];

type Row = readonly [state: "outside" | "root" | "current", code: string, outcome: string];
const at = (address: number | bigint) => `mov dword [200500h], 0${BigInt.asUintN(32, BigInt(address)).toString(16)}h
        mov dword [200504h], 0${(BigInt(address) >> 32n).toString(16)}h\n        `;
const revision = (address: number, change = "") => `mov eax, [${place.vmcs}]\n ${change}\n mov [${address}], eax\n `;
const other = place.free;

/** What each instruction comes to (SDM Vol. 3, 31.3 and 31.4): the same in 32- and 64-bit code. */
const rows: readonly Row[] = [
  ["outside", "vmxon [vmxon_at]", "succeeds"],
  ["outside", `${at(place.vmxon + 8)} vmxon [200500h]`, "VMfailInvalid"],
  ["outside", `${at(1n << 40n)} vmxon [200500h]`, "VMfailInvalid"],
  ["outside", `${at(other)} vmxon [200500h]`, "VMfailInvalid"],
  ["outside", `${revision(other, "or eax, 80000000h")} ${at(other)} vmxon [200500h]`, "VMfailInvalid"],
  ["root", "vmxon [vmxon_at]", "VMfailInvalid"],
  ["current", "vmxon [vmxon_at]", "VMfailValid 15"],
  ["root", "vmcall", "VMfailInvalid"],
  ["current", "vmcall", "VMfailValid 1"],
  ["root", "vmclear [vmcs_at]", "succeeds"],
  ["root", "vmclear [vmxon_at]", "VMfailInvalid"],
  ["current", "vmclear [vmxon_at]", "VMfailValid 3"],
  ["current", `${at(place.vmcs + 4)} vmclear [200500h]`, "VMfailValid 2"],
  ["current", `${at(1n << 40n)} vmclear [200500h]`, "VMfailValid 2"],
  // Nothing is there, and nothing can be read back.
  ["current", `${at(0x1_0000_0000n)} vmclear [200500h]`, "succeeds"],
  ["current", `${at(0x1_0000_0000n)} vmptrld [200500h]`, "VMfailValid 11"],
  ["current", "vmptrld [vmxon_at]", "VMfailValid 10"],
  ["current", `${at(place.vmcs + 4)} vmptrld [200500h]`, "VMfailValid 9"],
  ["current", `${at(other)} vmptrld [200500h]`, "VMfailValid 11"],
  ["current", `${revision(other, "or eax, 80000000h")} ${at(other)} vmptrld [200500h]`, "VMfailValid 11"],
  ["current", `${revision(other)} ${at(other)} vmptrld [200500h]`, "succeeds"],
  ["root", "vmlaunch", "VMfailInvalid"],
  ["root", "vmresume", "VMfailInvalid"],
  ["current", "vmresume", "VMfailValid 5"],
  ["current", "vmlaunch", "VMfailValid 7"],
  ["current", "mov ax, ss\n mov ss, ax\n vmlaunch", "VMfailValid 26"],
  ["current", "mov ax, ss\n mov ss, ax\n nop\n vmlaunch", "VMfailValid 7"],
  ["current", "vmclear [vmcs_at]\n vmlaunch", "VMfailInvalid"],
  ["root", "vmxoff", "succeeds"],
  ["root", "vmxoff\n vmxoff", "#UD"],
  ["root", "vmptrst [200500h]", "succeeds"],
];

/** With the registers of the mode: `A` and `D` stand for the accumulator and RDX or EDX. */
const fieldRows: readonly Row[] = [
  ["root", "vmread A, D", "VMfailInvalid"],
  ["root", "vmwrite A, D", "VMfailInvalid"],
  ["current", "mov edx, 4000h\n vmread A, D", "succeeds"],
  ["current", "mov edx, 4000h\n vmwrite D, A", "succeeds"],
  ["current", "mov edx, 4001h\n vmread A, D", "VMfailValid 12"],
  ["current", "mov edx, 2011h\n vmread A, D", "succeeds"],
  ["current", "mov edx, 1000h\n vmread A, D", "VMfailValid 12"],
  ["current", "mov edx, 14000h\n vmwrite D, A", "VMfailValid 12"],
  // Fields of controls that the processor does not have.
  ["current", "mov edx, 2030h\n vmread A, D", "VMfailValid 12"],
  ["current", "mov edx, 4402h\n vmwrite D, A", "VMfailValid 13"],
  ["current", "mov edx, 2400h\n vmwrite D, A", "VMfailValid 13"],
  ["current", "mov edx, 0\n invept D, [200500h]", "VMfailValid 28"],
  ["current", "mov edx, 3\n invept D, [200500h]", "VMfailValid 28"],
  ["current", "mov edx, 1\n invept D, [200500h]", "VMfailValid 28"],
  ["current", `${at(0x20_301e)} mov edx, 1\n invept D, [200500h]`, "succeeds"],
  ["current", `${at(0x20_301e)} mov byte [200508h], 1\n mov edx, 1\n invept D, [200500h]`, "VMfailValid 28"],
  ["current", "mov edx, 2\n invept D, [200500h]", "succeeds"],
  ["current", "mov edx, 0\n invvpid D, [200500h]", "VMfailValid 28"],
  ["current", `${at(1)} mov edx, 0\n invvpid D, [200500h]`, "succeeds"],
  ["current", `${at(0x1_0001)} mov edx, 1\n invvpid D, [200500h]`, "VMfailValid 28"],
  ["current", "mov edx, 2\n invvpid D, [200500h]", "succeeds"],
  ["current", "mov edx, 3\n invvpid D, [200500h]", "VMfailValid 28"],
  ["current", "mov edx, 4\n invvpid D, [200500h]", "VMfailValid 28"],
  ["root", "mov edx, 4\n invvpid D, [200500h]", "VMfailInvalid"],
];

describe.each([32, 64] as const)("in %i-bit code", (bits) => {
  const named = (code: string): string =>
    code.replace(/\b[AD]\b/g, (name) => (bits === 64 ? "r" : "e") + (name === "A" ? "ax" : "dx"));

  test.each(rows.map(([state, code, outcome]) => [state, code.trim(), outcome] as const))(
    "%s: %s: %s",
    (state, code, outcome) => {
      expect(outcomeOf(ran(instruction(state, code, bits)))).toBe(outcome);
    },
  );

  test.each(fieldRows.map(([state, code, outcome]) => [state, named(code), outcome] as const))(
    "%s: %s: %s",
    (state, code, outcome) => {
      expect(outcomeOf(ran(instruction(state, code, bits)))).toBe(outcome);
    },
  );

  test.each(every(bits))("outside VMX operation %s raises #UD", (code) => {
    expect(outcomeOf(ran(instruction("outside", code, bits)))).toBe("#UD");
  });

  test("fields are as wide as the mode lets them be", () => {
    const accumulator = bits === 64 ? "rax" : "eax";
    const wide = bits === 64 ? "mov rax, 1122334455667788h" : "mov eax, 55667788h";
    const name = (register: string) => (bits === 64 ? `r${register}` : `e${register}`);
    const machine = ran(
      instruction(
        "current",
        `mov edx, 6800h
        mov ${accumulator}, -1
        vmwrite ${name("dx")}, ${accumulator}
        ${wide}
        vmwrite ${name("dx")}, ${accumulator}
        vmread ${name("bx")}, ${name("dx")}
        mov edx, 0800h
        vmwrite ${name("dx")}, ${accumulator}
        vmread ${name("si")}, ${name("dx")}
        mov edx, 2010h
        vmwrite ${name("dx")}, ${accumulator}
        mov edx, 2011h
        vmwrite ${name("dx")}, ${accumulator}
        vmread ${name("di")}, ${name("dx")}`,
        bits,
      ),
    );
    const full = bits === 64 ? 0x1122334455667788n : 0x55667788n;
    expect(["BX", "SI", "DI"].map((r) => register(machine, `${bits === 64 ? "R" : "E"}${r}`))).toEqual([
      full,
      0x7788n,
      0x55667788n,
    ]);
    const view = machine.vmcs()!.groups.flatMap(({ fields }) => fields);
    const value = (encoding: number) => view.find((field) => field.encoding === encoding)?.value;
    // In 32-bit code the upper half of a wide field becomes 0.
    expect(value(0x6800)).toBe(full);
    expect(value(0x2010)).toBe(0x55667788_55667788n);
  });
});

/** The program and what it uses lie where line 20 is low. */
const low = (source: string): string => source.replace("org 100000h", "org 80000h");
const closed = "in al, 92h\n and al, 0FDh\n out 92h, al\n";

describe("VMXON", () => {
  const without = (line: RegExp) => instruction("outside", "vmxon [vmxon_at]").replace(line, "");
  test.each([
    ["CR4.VMXE is 0", without(/mov cr4, rax/), "#UD"],
    ["CR0.NE is 0", without(/or eax, 20h/), "#GP"],
    [
      "IA32_FEATURE_CONTROL is not locked",
      instruction("outside", "vmxon [vmxon_at]").replace("mov eax, 5", "mov eax, 4"),
      "#GP",
    ],
    [
      "IA32_FEATURE_CONTROL does not allow it",
      instruction("outside", "vmxon [vmxon_at]").replace("mov eax, 5", "mov eax, 1"),
      "#GP",
    ],
    ["address line 20 is held low", low(instruction("outside", `${closed} vmxon [vmxon_at]`, 32)), "#GP"],
    ["the operand is not canonical", instruction("outside", "mov rax, 800000000000h\n vmxon [rax]"), "#GP"],
    ["the operand is not mapped", instruction("outside", "vmxon [70000000h]"), "#PF"],
  ])("where %s raises an exception", (_, source, exception) => {
    expect(outcomeOf(ran(source))).toBe(exception);
  });

  test("is locked out by a write that cannot be taken back", () => {
    const again = instruction("outside", "mov ecx, 3Ah\n mov eax, 0\n wrmsr");
    expect(outcomeOf(ran(again))).toBe("#GP");
  });

  test.each([
    ["VMXE", "mov rax, cr4\n and eax, ~2000h\n mov cr4, rax"],
    ["NE", "mov rax, cr0\n and eax, ~20h\n mov cr0, rax"],
    ["PG", "mov rax, cr0\n btr rax, 31\n mov cr0, rax"],
  ])("fixes %s", (_, code) => {
    expect(outcomeOf(ran(instruction("root", code)))).toBe("#GP");
  });

  test("lets address line 20 through, whatever its gate says, until VMXOFF", () => {
    const look = "mov byte [300800h], 1\n mov byte [200800h], 2\n mov bl, [300800h]\n";
    const inside = ran(low(instruction("root", `${closed} ${look}`, 32)));
    const after = ran(low(instruction("root", `${closed} vmxoff\n ${look}`, 32)));
    expect([inside, after].map((machine) => register(machine, "EBX") & 0xffn)).toEqual([1n, 2n]);
  });
});

test("compatibility mode has none of them", () => {
  const code = `lgdt [gdtr]
        push 18h
        push compatible
        retfq
        bits 32
compatible:
        vmptrst [200500h]
        bits 64
        hlt
        align 8
gdt:    dq 0, 00AF9B000000FFFFh, 00CF93000000FFFFh, 00CF9B000000FFFFh
gdtr:   dw 31
        dq gdt
        `;
  expect(outcomeOf(ran(instruction("current", code)))).toBe("#UD");
});

test("without VMX for the guest there are neither its instructions nor its registers", () => {
  const feature = prepared().split("\n").slice(0, 4).join("\n");
  expect(feature).toContain("3Ah");
  const machine = ran(instruction("outside", "nop"), { technique: "vtx-ept" });
  expect(outcomeOf(machine)).toBe("#GP");
  const leaf = (technique: "bare-metal" | "vtx-ept" | "trap-and-emulate") =>
    (register(
      ran("%pragma ringside mode protected\n org 100000h\n bits 32\n mov eax, 1\n cpuid\n cli\n hlt", { technique }),
      "ECX",
    ) >>
      5n) &
    1n;
  expect([leaf("bare-metal"), leaf("vtx-ept"), leaf("trap-and-emulate")]).toEqual([1n, 0n, 0n]);
});

test("each failure is an event that says what was wrong", () => {
  const machine = ran(instruction("current", "vmresume\n vmlaunch"));
  const failures = machine.events(0, 100, ["vmfail"]);
  expect(failures.map((event) => event.kind === "vmfail" && [event.instruction, event.error])).toEqual([
    ["VMRESUME", 5],
    ["VMLAUNCH", 7],
  ]);
  expect(failures[1]).toMatchObject({ text: expect.stringContaining("pinControls.must-be-1") });
});
