import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pageOf } from "../../server/diagnostics/index.ts";
import { diagnostics } from "../../server/features/diagnostics.ts";
import { fixed, linesWith, saidOf } from "../support/fixes.ts";
import { analyse, uri } from "../support/marked-source.ts";

/** A diagnostic in a program: on which lines (from 1) it is, none if it must be silent. */
interface Case {
  readonly why: string;
  readonly source: string;
  readonly technique?: string;
  readonly lines: readonly number[];
  /** The first fix is applied: the diagnostic is gone, nothing new is said, and the source has this text. */
  readonly fix?: string;
}

const guarded = `bits 32
        sti
        pushfd
        cli
        inc dword [500h]
        popfd
        ret`;

const enters = (flags: string) => `bits 32
        push dword 23h
        push dword 60000h
        push dword ${flags}
        push dword 1Bh
        push dword user
        iretd
user:   cli
        hlt`;

/** Protected mode with these descriptors from selector 8 on, then `code`. */
const withTable = (descriptors: string, code: string, behind = "") => `bits 16
        org 7C00h
        lgdt [table]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        ${code}
gdt:    dq 0, ${descriptors}
table:  dw $ - gdt - 1
        dd gdt
${behind}`;
const [code32, data32, code16] = ["0CF9A000000FFFFh", "0CF92000000FFFFh", "9A000000FFFFh"];
const [code64, user32, userData, absent] = [
  "0AF9A000000FFFFh",
  "0CFFA000000FFFFh",
  "0CFF2000000FFFFh",
  "0CF1A000000FFFFh",
];
const next32 = "bits 32\nnext: mov eax, 1";

const cases: Readonly<Record<string, readonly Case[]>> = {
  "sensitive-unprivileged": [
    { why: "the kernel is not in ring 0", source: "bits 32\n sgdt [500h]", technique: "trap-and-emulate", lines: [2] },
    { why: "no technique is settled", source: "bits 64\n smsw eax", lines: [2] },
    { why: "the kernel is in ring 0", source: "bits 32\n sgdt [500h]", technique: "svm-npt", lines: [] },
    {
      why: "a comment says that it is meant",
      source: "bits 32\n ; ringside: ignore sensitive-unprivileged\n sgdt [500h]",
      technique: "trap-and-emulate",
      lines: [],
    },
  ],
  "mode-mismatch": [
    {
      why: "32-bit code in real mode",
      source: "bits 16\n cli\n jmp near next\nbits 32\nnext: mov eax, 1\n nop",
      lines: [5],
    },
    {
      why: "protected mode is on, but CS is still that of 16-bit code",
      source: "bits 16\n mov eax, cr0\n or al, 1\n mov cr0, eax\n jmp near next\nbits 32\nnext: mov eax, 1",
      lines: [7],
    },
    {
      why: "a far jump leads there",
      source: "bits 16\n mov eax, cr0\n or al, 1\n mov cr0, eax\n jmp dword 8:next\nbits 32\nnext: mov eax, 1",
      lines: [],
    },
    {
      why: "LMSW and a far return lead there",
      source: "bits 16\n smsw ax\n or ax, 1\n lmsw ax\n push 8\n push next\n retf\nbits 32\nnext: mov eax, 1",
      lines: [],
    },
    { why: "the descriptor is of 32-bit code", source: withTable(code32, "jmp dword 8:next", next32), lines: [] },
    { why: "the descriptor is of 16-bit code", source: withTable(code16, "jmp dword 8:next", next32), lines: [12] },
    { why: "L does not count outside long mode", source: withTable(code64, "jmp 8:next", "next: nop"), lines: [] },
    {
      why: "a descriptor of 32-bit code in long mode",
      source: withTable(
        `${code32}, ${code64}`,
        "jmp dword 8:next",
        `bits 32
next:   mov ecx, 0C0000080h
        rdmsr
        or eax, 100h
        wrmsr
        mov eax, cr0
        bts eax, 31
        mov cr0, eax
        jmp 8:wide
bits 64
wide:   mov rax, 1`,
      ),
      lines: [21],
    },
    { why: "nothing is seen to lead there", source: "bits 16\n cli\n hlt\n jmp $\nbits 32\nroutine: ret", lines: [] },
    {
      why: "64-bit code without long mode",
      source: "bits 32\n jmp next\nbits 64\nnext: mov rax, 1",
      lines: [4],
    },
    {
      why: "long mode was entered",
      source:
        "bits 32\n mov ecx, 0C0000080h\n rdmsr\n or eax, 100h\n wrmsr\n mov eax, cr0\n bts eax, 31\n mov cr0, eax\n jmp 8:next\nbits 64\nnext: mov rax, 1",
      lines: [],
    },
    {
      why: "the far jump comes before EFER.LME is set",
      source: "bits 32\n mov eax, cr0\n bts eax, 31\n mov cr0, eax\n jmp 8:next\nbits 64\nnext: mov rax, 1",
      lines: [7],
    },
    {
      why: "the source says what leads there",
      source:
        "bits 16\n mov eax, cr0\n or al, 1\n mov cr0, eax\n jmp near next\n%pragma ringside mode protected\nbits 32\nnext: nop",
      lines: [],
    },
  ],
  "bad-selector": [
    { why: "a code segment", source: withTable(`${code32}, ${data32}`, "jmp dword 8:next", next32), lines: [] },
    { why: "a data segment", source: withTable(`${code32}, ${data32}`, "jmp dword 16:next", next32), lines: [7] },
    {
      why: "null",
      source: withTable(code32, "jmp dword 8:next", "bits 32\nnext: push dword 0\n push dword next\n retf"),
      lines: [14],
    },
    {
      why: "null in a jump: it is put there at run time",
      source: withTable(code32, "jmp dword 0:next", next32),
      lines: [],
    },
    { why: "beyond the limit", source: withTable(code32, "jmp dword 16:next", next32), lines: [7] },
    { why: "not present", source: withTable(absent, "jmp dword 8:next", next32), lines: [7] },
    { why: "a code segment of ring 3", source: withTable(user32, "jmp dword 8:next", next32), lines: [7] },
    {
      why: "a return to ring 3",
      source: withTable(
        `${code32}, ${data32}, ${user32}`,
        "jmp dword 8:next",
        "bits 32\nnext: push dword 1Bh\n push dword user\n retf\nuser: nop",
      ),
      lines: [],
    },
    {
      why: "a return to ring 3 through a segment of ring 0",
      source: withTable(
        `${code32}, ${data32}`,
        "jmp dword 8:next",
        "bits 32\nnext: push dword 0Bh\n push dword user\n retf\nuser: nop",
      ),
      lines: [14],
    },
    {
      why: "stacks of ring 0 and of ring 3",
      source: withTable(
        `${code32}, ${data32}, ${userData}`,
        "jmp dword 8:next",
        "bits 32\nnext: mov eax, 10h\n mov ss, ax\n lss esp, [stack]\n mov eax, 1Bh\n mov ss, ax\nstack: dd 9000h\n dw 8",
      ),
      lines: [14],
    },
    {
      why: "the descriptor is changed by a store that is seen",
      source: withTable(data32, "jmp dword 8:next", `${next32}\n mov byte [gdt + 13], 9Ah`),
      lines: [],
    },
    {
      why: "another table",
      source: withTable(data32, "jmp dword 8:next", next32).replace("dd gdt", "dd 0"),
      lines: [],
    },
  ],
  "privilege-fault": [
    { why: "CLI in ring 3, below IOPL", source: enters("2"), lines: [8, 9] },
    { why: "CLI in ring 3 with IOPL 3", source: enters("3002h"), lines: [9] },
    { why: "HLT in ring 0", source: "bits 32\n hlt", lines: [] },
    { why: "LTR in real mode", source: "bits 16\n mov ax, 8\n ltr ax", lines: [3] },
    {
      why: "UMIP",
      source: "bits 32\n mov eax, 800h\n mov cr4, eax\n push dword 1Bh\n push dword user\n retf\nuser: sgdt [500h]",
      lines: [7],
    },
    {
      why: "TSD",
      source: "bits 32\n mov eax, 4\n mov cr4, eax\n push dword 1Bh\n push dword user\n retf\nuser: rdtsc",
      lines: [7],
    },
    { why: "no TSD", source: "bits 32\n push dword 1Bh\n push dword user\n retf\nuser: rdtsc", lines: [] },
    { why: "a part of a program may be reached in any mode", source: "global set\nset: ltr ax\n ret", lines: [] },
    { why: "SYSEXIT leads to ring 3", source: "bits 32\n mov edx, user\n sysexit\nuser: lgdt [500h]", lines: [4] },
    { why: "SYSRET leads to ring 3", source: "bits 64\n mov ecx, user\n o64 sysret\nuser: hlt", lines: [4] },
    { why: "the source says so", source: "bits 32\n nop\n jmp $\n%pragma ringside cpl 3\nuser: hlt", lines: [5] },
    {
      why: "a comment says that it is meant",
      source: enters("2").replace("cli\n", "cli ; ringside: ignore privilege-fault\n"),
      lines: [9],
    },
  ],
  "interrupts-not-restored": [
    { why: "interrupts are known to be on", source: guarded, lines: [6], fix: "sti\n        ret" },
    {
      why: "it is not known whether they are on",
      source: guarded.replace("sti", "nop"),
      lines: [6],
      fix: "bt dword [esp], 9\n        lea esp, [esp + 4]\n        jnc $ + 3\n        sti",
    },
    { why: "under trap and emulate", source: guarded, technique: "trap-and-emulate", lines: [6] },
    { why: "under VT-x", source: guarded, technique: "vtx-ept", lines: [] },
    { why: "under binary translation", source: guarded, technique: "binary-translation", lines: [] },
    { why: "no CLI between the two", source: guarded.replace("cli", "cld"), lines: [] },
    { why: "in real mode", source: guarded.replace("bits 32", "bits 16").replaceAll("fd", "f"), lines: [] },
  ],
  "halt-without-interrupts": [
    {
      why: "goes on behind it",
      source: "bits 32\n cli\n inc eax\n hlt\n inc eax",
      lines: [4],
      fix: "sti\n        hlt",
    },
    { why: "interrupts are on", source: "bits 32\n sti\n hlt\n inc eax", lines: [] },
    { why: "CLI and HLT are the end", source: "bits 32\n inc eax\n cli\n hlt\n inc eax", lines: [] },
    { why: "a loop around it is the end", source: "bits 32\n cli\n inc eax\n.end: hlt\n jmp .end", lines: [] },
    { why: "a routine follows", source: "bits 32\n cli\n inc eax\n hlt\nprint: inc eax\n ret", lines: [] },
    { why: "nothing is known", source: "bits 32\n jmp $\n inc eax\n hlt\n inc eax", lines: [] },
  ],
  "paravirtual-operation": [
    {
      why: "HLT has a hypercall",
      source: "bits 32\n hlt\n nop",
      technique: "paravirtualization",
      lines: [2],
      fix: "mov eax, 29\n        mov ebx, 1\n        xor ecx, ecx\n        int 82h",
    },
    {
      why: "so have LIDT and STI",
      source: "bits 32\n lidt [500h]\n sti",
      technique: "paravirtualization",
      lines: [2, 3],
    },
    {
      why: "a process is not the kernel",
      source: "%pragma ringside mode xen\nbits 32\n nop\n jmp $\n%pragma ringside cpl 3\nuser: hlt",
      technique: "paravirtualization",
      lines: [],
    },
    { why: "Xen carries MOV to CR3 out", source: "bits 32\n mov cr3, eax", technique: "paravirtualization", lines: [] },
    { why: "under another technique", source: "bits 32\n hlt", technique: "trap-and-emulate", lines: [] },
  ],
  "unchecked-hypercall": [
    { why: "nobody was asked", source: "bits 32\n mov eax, 11\n vmcall", lines: [3] },
    { why: "also where it is answered", source: "bits 32\n vmcall", technique: "vtx-ept", lines: [2] },
    { why: "leaf 40000000h was asked", source: "bits 32\n mov eax, 40000000h\n cpuid\n vmcall", lines: [] },
    { why: "another leaf was asked", source: "bits 32\n mov eax, 2\n cpuid\n vmcall", lines: [4] },
    { why: "one of two ways does not ask", source: "bits 32\n jc x\n mov eax, 1\n cpuid\nx: vmcall", lines: [5] },
    { why: "a routine asks", source: "bits 32\n call ask\n vmcall\n jmp $\nask: mov eax, 1\n cpuid\n ret", lines: [] },
    { why: "the program is a hypervisor", source: "bits 64\n vmxon [500h]\n vmcall", lines: [] },
  ],
  "wrong-hypercall": [
    { why: "VMCALL under AMD-V", source: "bits 32\n vmcall", technique: "svm-npt", lines: [2], fix: "vmmcall" },
    { why: "VMMCALL under VT-x", source: "bits 32\n vmmcall", technique: "vtx-shadow", lines: [2], fix: "vmcall" },
    {
      why: "a number that KVM does not know",
      source: "bits 32\n mov eax, 99\n vmcall",
      technique: "vtx-ept",
      lines: [3],
    },
    { why: "one that it does not answer", source: "bits 32\n mov eax, 2\n vmcall", technique: "vtx-ept", lines: [3] },
    {
      why: "arguments in Xen's registers",
      source: "bits 64\n mov edi, 0\n mov eax, 5\n vmcall",
      technique: "vtx-ept",
      lines: [4],
    },
    {
      why: "arguments in KVM's registers",
      source: "bits 64\n mov ebx, 0\n mov ecx, 1\n mov eax, 5\n vmcall",
      technique: "vtx-ept",
      lines: [],
    },
    {
      why: "from ring 3",
      source: "bits 32\n push dword 1Bh\n push dword user\n retf\nuser: vmcall",
      technique: "vtx-ept",
      lines: [5],
    },
    { why: "VMCALL to Xen", source: "bits 32\n vmcall", technique: "paravirtualization", lines: [2], fix: "int 82h" },
    {
      why: "INT 82h of 64-bit code",
      source: "bits 64\n int 82h",
      technique: "paravirtualization",
      lines: [2],
      fix: "syscall",
    },
    { why: "INT 82h of 32-bit code", source: "bits 32\n int 82h", technique: "paravirtualization", lines: [] },
  ],
  "bad-table-entry": [
    {
      why: "writable and not readable",
      source: "bits 64\nEPT equ 5000h\n vmlaunch\n mov qword [EPT + 2000h], 0B6h",
      lines: [4],
      fix: "0B6h + 1",
    },
    {
      why: "readable and writable",
      source: "bits 64\nEPT equ 5000h\n vmlaunch\n mov qword [EPT + 2000h], 0B7h",
      lines: [],
    },
    { why: "not present", source: "bits 64\nEPT equ 5000h\n vmlaunch\n mov qword [EPT + 2000h], 0", lines: [] },
    {
      why: "a large page in the PML4",
      source: "bits 64\nept_root equ 5000h\n vmlaunch\n mov qword [ept_root], 87h",
      lines: [4],
    },
    { why: "memory type 7", source: "bits 64\nept equ 5000h\n vmlaunch\n mov qword [ept + 1000h], 0BFh", lines: [4] },
    {
      why: "an entry that is not present",
      source: "bits 32\nPML4 equ 1000h\n mov dword [PML4], 2002h\n mov cr3, eax",
      lines: [3],
      fix: "2002h + 1",
    },
    { why: "a present entry", source: "bits 32\nPML4 equ 1000h\n mov dword [PML4], 2003h\n mov cr3, eax", lines: [] },
    { why: "PS in the PML4", source: "bits 32\nPML4 equ 1000h\n mov dword [PML4], 83h\n mov cr3, eax", lines: [3] },
    {
      why: "a place with another name",
      source: "bits 32\ncount equ 1000h\n mov dword [count], 2002h\n mov cr3, eax",
      lines: [],
    },
    {
      why: "defined as data",
      source: "bits 64\n vmlaunch\n jmp $\nalign 8\nept_pd: dq 0B6h\n dq 0B7h, 0B7h",
      lines: [5],
      fix: "0B6h + 1",
    },
    {
      why: "other data behind another label",
      source: "bits 64\n vmlaunch\n jmp $\nept_pd: dq 0\nx: dq 0B6h",
      lines: [],
    },
    {
      why: "a label is nearer",
      source: "bits 32\nPML4 equ 1000h\nx equ 1100h\n mov dword [x], 2002h\n mov cr3, eax",
      lines: [],
    },
  ],
  "missing-end-of-interrupt": [
    {
      why: "a timer's handler",
      source: "bits 32\n jmp $\ntimer: inc dword [500h]\n iretd",
      lines: [4],
      fix: "out 20h, al",
    },
    {
      why: "one that reads the keyboard",
      source: "bits 32\n jmp $\nh: push eax\n in al, 60h\n pop eax\n iretd",
      lines: [6],
    },
    { why: "it writes to port 20h", source: "bits 32\n jmp $\ntimer: mov al, 20h\n out 20h, al\n iretd", lines: [] },
    {
      why: "it writes to the local APIC",
      source: "bits 32\n jmp $\ntimer: mov dword [0FEE000B0h], 0\n iretd",
      lines: [],
    },
    { why: "it calls something", source: "bits 32\n jmp $\ntimer: call done\n iretd\ndone: ret", lines: [] },
    { why: "an exception", source: "bits 32\n jmp $\npage_fault: add esp, 4\n iretd", lines: [] },
  ],
  "self-modifying": [
    {
      why: "a store into an operand",
      source: "bits 32\n mov byte [x + 1], 5\nx: mov al, 1",
      technique: "binary-translation",
      lines: [2],
    },
    {
      why: "a store into data",
      source: "bits 32\n mov byte [x], 5\n jmp $\nx: db 1",
      technique: "binary-translation",
      lines: [],
    },
    {
      why: "without translation",
      source: "bits 32\n mov byte [x + 1], 5\nx: mov al, 1",
      technique: "vtx-ept",
      lines: [],
    },
  ],
  "shadowed-table": [
    { why: "under trap and emulate", source: "bits 32\n lgdt [500h]", technique: "trap-and-emulate", lines: [2] },
    { why: "under binary translation", source: "bits 32\n lidt [500h]", technique: "binary-translation", lines: [2] },
    { why: "under VT-x it is the guest's", source: "bits 32\n lgdt [500h]", technique: "vtx-shadow", lines: [] },
    { why: "where no technique is settled", source: "bits 32\n lgdt [500h]", lines: [] },
    { why: "in real mode", source: "bits 16\n lgdt [500h]", technique: "trap-and-emulate", lines: [] },
  ],
};

describe.each(Object.entries(cases))("%s", (code, list) => {
  it("is said and not said in the cases here, and a fix that it brings is applied in one", async () => {
    expect(list.some(({ lines }) => lines.length > 0)).toBe(true);
    expect(list.some(({ lines }) => lines.length === 0)).toBe(true);
    const said = await Promise.all(list.map(({ source, technique }) => saidOf(source, technique)));
    const hasFix = said.flat().some((one) => one.code === code && one.data !== undefined);
    expect(list.some(({ fix }) => fix !== undefined)).toBe(hasFix);
  });

  it.each(list)("$why", async ({ source, technique, lines, fix }) => {
    expect(await linesWith(code, source, technique)).toEqual(lines);
    if (fix === undefined) return;
    const after = await fixed(code, source, technique);
    expect(after).toContain(fix);
    const before = new Set((await saidOf(source, technique)).map((one) => one.code));
    const said = (await saidOf(after!, technique)).map((one) => one.code);
    expect(said).not.toContain(code);
    expect(said.filter((one) => !before.has(one))).toEqual([]);
  });
});

it("each code has a section in docs/diagnostics.md", () => {
  const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "diagnostics.md"), "utf8");
  const sections = [...page.matchAll(/^## ([a-z-]+)$/gm)].map(([, code]) => code!);
  expect(sections.filter((code) => pageOf(code) !== `diagnostics.md#${code}`)).toEqual([]);
  expect(Object.keys(cases).filter((code) => !sections.includes(code))).toEqual([]);
  expect(sections).toHaveLength(Object.keys(cases).length);
});

it("problems link to their section where the client says where the pages are", async () => {
  const { analysis } = await analyse("bits 32\n sgdt [500h]\n movv eax, 1");
  const hrefs = (documentation: string | undefined) =>
    diagnostics({ ...analysis, documentation }, uri).map(({ codeDescription }) => codeDescription?.href);
  expect(hrefs(undefined)).toEqual([undefined, undefined]);
  expect(hrefs("file:///docs/")).toEqual([
    "file:///docs/problems.md",
    "file:///docs/diagnostics.md#sensitive-unprivileged",
  ]);
});

describe("sensitive instructions are graded by what the guest notices", () => {
  const graded = async (source: string) =>
    (await saidOf(source, "trap-and-emulate"))
      .filter(({ code }) => code === "sensitive-unprivileged")
      .map(({ severity, range }) => `${range.start.line + 1} ${severity === 2 ? "warning" : "information"}`);
  it.each([
    ["in real mode nothing", "bits 16\n sgdt [500h]\n pushf\n mov ax, cs", []],
    ["16-bit code in protected mode", "bits 16\n mov eax, 1\n mov cr0, eax\n sgdt [500h]", ["4 warning"]],
    [
      "in ring 3 the ring is the real one",
      "bits 32\n push dword 1Bh\n push dword user\n retf\nuser: mov ax, cs\n sgdt [500h]",
      ["4 information", "6 warning"],
    ],
    ["flags that are only saved", "bits 32\n pushfd\n inc eax\n popfd", ["2 information", "4 information"]],
    [
      "the test for CPUID",
      "bits 32\n pushfd\n pop eax\n xor eax, 200000h\n push eax\n popfd",
      ["2 information", "6 information"],
    ],
    ["flags that are looked at", "bits 32\n pushfd\n pop eax\n test eax, 200h", ["2 warning"]],
  ] as const)("%s", async (_, source, grades) => expect(await graded(source)).toEqual(grades));

  it("a program that is too large to be followed is graded as where nothing is known", async () => {
    const source = `bits 32\n cli\n inc eax\n hlt\n inc eax\n${"nop\n".repeat(30_000)} sgdt [500h]`;
    expect(await linesWith("halt-without-interrupts", source)).toEqual([]);
    expect(await linesWith("sensitive-unprivileged", source)).toEqual([30_006]);
  });

  it("unfinished text keeps what is known", async () => {
    const source =
      "bits 16\n mov eax, cr0\n or al, 1\n mov cr0, eax\n jmp dword 8:next\n movv\nbits 32\nnext: mov eax, \n ltr ax";
    expect(await linesWith("privilege-fault", source)).toEqual([]);
    expect(await linesWith("mode-mismatch", source)).toEqual([]);
  });
});
