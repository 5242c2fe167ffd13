import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import type { MachineEvent } from "../../../emulator/index.ts";
import { shadowClasses } from "../../../emulator/vmm/memory/shadow-classes.ts";
import { boot, guestWithTables, outcome, protectedGuest, register, registersOf, run } from "./guest.ts";
import { identityTables, pagingOn, toRing3 } from "./setup.ts";

const technique = "vtx-shadow";

type Shadow = MachineEvent & { readonly kind: "shadow" };
const isShadow = (event: MachineEvent): event is Shadow => event.kind === "shadow";
const faultClasses = new Set<string>(shadowClasses.filter(({ fault }) => fault).map(({ id }) => id));

/**
 * A guest with 32-bit paging: the directory at 20000h and a second one at 24000h both lead to the page table at 21000h, which
 * maps the first 4 MiB to themselves. `before` runs without paging, `act` with it; #PF and interrupts go on at \`resume\`.
 */
const guest = (before: string, act: string): string =>
  guestWithTables(`
${identityTables()}
        mov dword [24000h], 21007h
        ${before}
${pagingOn("80010000h")}
        ${act}
resume:`);

/** The classes of the events about a page since paging was turned on, in order. */
function classesAt(events: readonly MachineEvent[], page: number): string[] {
  const on = events.findIndex((event) => event.kind === "exit" && event.what.includes("cr0"));
  return events.slice(on).flatMap((event) => {
    return isShadow(event) && Number.parseInt(event.linear, 16) >> 12 === page ? [event.class] : [];
  });
}

const toProcess = (code: string): string => `
${toRing3("process", "3FFF0h", "2")}
process: mov ax, 23h
        mov ds, ax
        ${code}`;
const otherRoot = "mov eax, 24000h\n mov cr3, eax\n mov eax, 20000h\n mov cr3, eax";

describe("each page fault that leaves the guest is of one class", () => {
  test.each<[string, string, string, number, string[]]>([
    ["a page that is not there", "mov dword [21140h], 0", "mov eax, [50000h]", 0x50, ["true guest fault"]],
    ["a read-only page, with CR0.WP", "mov dword [21140h], 50005h", "mov [50000h], eax", 0x50, ["true guest fault"]],
    ["the first read", "", "mov eax, [50000h]", 0x50, ["missing shadow"]],
    ["the first write", "", "mov [50000h], eax", 0x50, ["missing shadow"]],
    ["a write after a read", "", "mov eax, [50000h]\n mov [50000h], eax", 0x50, ["missing shadow", "dirty/access"]],
    ["a write to a page table", "", "mov [21FF0h], eax", 0x21, ["trace/protected"]],
    ["a write to the directory", "", "mov [20FF0h], eax", 0x20, ["trace/protected"]],
    [
      "three writes to a directory that is not used",
      "",
      `${otherRoot}\n mov [24FF0h], eax\n mov [24FF4h], eax\n mov [24FF8h], eax\n mov [24FF0h], eax`,
      0x24,
      ["trace/protected", "trace/protected", "unshadow"],
    ],
    ["a write by a process", "", `${otherRoot}\n ${toProcess("mov [24FF0h], eax")}`, 0x24, ["unshadow"]],
    [
      "an interrupt whose frame goes onto a directory",
      "",
      `${otherRoot}\n mov esp, 24800h\n int 30`,
      0x24,
      ["unshadow"],
    ],
    ["a device", "mov dword [21180h], 0FEE00003h", "mov eax, [60030h]\n mov ebx, [60030h]", 0x60, ["MMIO", "MMIO"]],
    ["no memory at all", "", "mov eax, [200000h]", 0x200, ["MMIO"]],
    [
      "a write that only CR0.WP = 0 allows",
      "mov dword [21140h], 50005h",
      "mov eax, cr0\n and eax, 0FFFEFFFFh\n mov cr0, eax\n mov ebx, [50000h]\n mov [50000h], eax\n mov [50000h], ecx",
      0x50,
      ["missing shadow", "WP = 0", "WP = 0"],
    ],
  ])("%s", (_, before, act, page, expected) => {
    const source = guest(before, act);
    const { events, exits, machine } = run(technique, source);
    expect(classesAt(events, page)).toEqual(expected);
    expect(registersOf(machine)).toEqual(registersOf(run("bare-metal", source).machine));
    const faults = exits.filter(({ reason, what }) => reason === "EXCEPTION_NMI" && what.startsWith("exception 14"));
    expect(events.filter((event) => isShadow(event) && faultClasses.has(event.class))).toHaveLength(faults.length);
  });

  it("says when the pool of tables was empty, and goes on", () => {
    const source = guest(
      `mov ecx, 300
        mov edi, 20004h
        mov eax, 100007h
.more:  stosd
        mov dword [eax - 7], 7
        add eax, 1000h
        loop .more`,
      `mov ecx, 300
        mov esi, 400000h
.touch: add ebx, [esi]
        add esi, 400000h
        loop .touch`,
    );
    const { events, stop } = run(technique, source, 200_000, 4);
    expect(stop).toMatchObject({ reason: "halted" });
    expect(events.filter((event) => isShadow(event) && event.class === "no memory").length).toBeGreaterThan(0);
  });
});

describe("page tables out of sync", () => {
  const remap = "mov dword [21144h], 52007h";

  test.each<[string, string, string[]]>([
    ["INVLPG synchronizes the one entry", "invlpg [51000h]", ["trace/protected", "resync"]],
    ["a load of CR3 synchronizes all", "mov eax, cr3\n mov cr3, eax", ["trace/protected", "resync", "CR3 load"]],
    ["a change of CR4.PGE does", "mov eax, cr4\n xor eax, 80h\n mov cr4, eax", ["trace/protected", "resync", "flush"]],
    ["INVPCID does", "mov eax, 2\n invpcid eax, [700h]", ["trace/protected", "resync", "flush"]],
  ])("%s", (_, flush, expected) => {
    const act = `mov eax, 5151h\n mov [51000h], eax\n mov eax, 5252h\n mov [52000h], eax\n ${remap}\n ${flush}\n mov ebx, [51000h]`;
    const { events, machine } = run(technique, guest("", act));
    expect(register(machine, "RBX")).toBe(0x5252n);
    const since = events.findIndex((event) => isShadow(event) && event.class === "trace/protected");
    const classes = events.slice(since).flatMap((event) => (isShadow(event) ? [event.class] : []));
    expect(classes.slice(0, expected.length)).toEqual(expected);
  });

  it("are three at most: the oldest is synchronized for the next", () => {
    const tables = [1, 2, 3, 4].map((n) => 0x30000 + 0x1000 * n);
    const before = tables
      .map((table, n) => `mov dword [${0x20004 + 4 * n}], ${table + 7}\n mov dword [${table}], 7`)
      .join("\n");
    const act = tables.map((table, n) => `mov eax, [${(n + 1) * 0x400000}]\n mov [${table + 4}], eax`).join("\n");
    const { events } = run(technique, guest(before, act));
    const notes = events.flatMap((event) => (isShadow(event) && event.class === "trace/protected" ? [event.also] : []));
    expect(notes.map((also) => also.filter((note) => note.startsWith("oos")))).toEqual([
      ["oos-add"],
      ["oos-add"],
      ["oos-add"],
      ["oos-add", "oos-evict"],
    ]);
  });

  it("show in the translation of an address", () => {
    const machine = boot(technique, guest("", `mov eax, [51000h]\n ${remap}\n hlt`));
    outcome(machine, machine.run({ steps: 200_000 }));
    const { steps, physical, references } = machine.walk(0x51000n);
    expect(physical).toBe("52000");
    expect(steps.map(({ table, of }) => `${table} ${of ?? "guest"}`)).toEqual([
      "PDE guest",
      "PTE guest",
      "shadow PDE shadow",
      "shadow PTE shadow",
    ]);
    expect(steps[3]!.note).toBe("shadow of guest table 21000h, out of sync");
    expect(references).toEqual({ cold: 2, warm: 1 });
  });
});

it("delivers an event itself where the frame goes onto the directory in use, once", () => {
  const source = guest("", "mov esp, 20F00h\n ud2");
  const { events, machine } = run(technique, source);
  expect(classesAt(events, 0x20)[0]).toBe("trace/protected");
  expect(events.filter(({ kind }) => kind === "exception")).toHaveLength(1);
  expect(registersOf(machine)).toEqual(registersOf(run("bare-metal", source).machine));
});

describe("the examples show what they say", () => {
  test.each([
    ["shadow-faults.asm", 0x50, ["missing shadow", "dirty/access"]],
    ["shadow-faults.asm", 0x51, ["true guest fault", "missing shadow"]],
    ["shadow-out-of-sync.asm", 0x21, ["trace/protected"]],
    ["shadow-out-of-sync.asm", 0x50, ["missing shadow", "resync"]],
  ])("%s: page %#x", (name, page, expected) => {
    const source = readFileSync(new URL(`../../../examples/${name}`, import.meta.url), "utf8");
    expect(classesAt(run(technique, source, 100_000, 4).events, page)).toEqual(expected);
  });
});

describe("without unrestricted guest", () => {
  it("real mode is interpreted by the VMM, and protected mode entered as soon as VM entry allows it", () => {
    const source = `
        org 7C00h
        bits 16
        mov ax, 1234h
        lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 8:protected
        bits 32
protected:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov ebx, 5678h
        cpuid
        cli
        hlt
        align 8
gdt:    dq 0, 00CF9B000000FFFFh, 00CF93000000FFFFh
gdtr:   dw 23
        dd gdt`;
    expect(boot(technique, source).why()?.why.sentence).toContain("The VMM's interpreter executes MOV");
    const { events, machine, exits, stop } = run(technique, source);
    expect(stop).toMatchObject({ reason: "halted" });
    const blocks = events.flatMap((event) => (event.kind === "interpret" ? [event.instructions] : []));
    expect(blocks).toEqual([0, 6]);
    expect(exits.map(({ reason }) => reason).filter((reason) => reason !== "EXCEPTION_NMI")).toEqual(["CPUID", "HLT"]);
    expect(machine.instructions).toBe(run("bare-metal", source).machine.instructions);
    expect(machine.directInstructions).toBe(machine.instructions - 6 - 2);
  });

  it("a guest that leaves protected mode is interpreted again", () => {
    const source = `
%pragma ringside mode protected
        org 8000h
        bits 32
        lgdt [gdtr]
        jmp 8:narrow
        bits 16
narrow: mov eax, cr0
        and al, 0FEh
        mov cr0, eax
        jmp 0:real
real:   mov ebx, 1234h
        mov eax, cr0
        cli
        hlt
        align 8
gdt:    dq 0, 00009B000000FFFFh
gdtr:   dw 15
        dd gdt`;
    const { events, machine } = run(technique, source);
    expect(events.filter(({ kind }) => kind === "interpret")).toHaveLength(1);
    expect(register(machine, "RBX")).toBe(0x1234n);
    expect(registersOf(machine)).toEqual(registersOf(run("bare-metal", source).machine));
  });
});

describe("what the guest sees of its own registers", () => {
  test.each<[string, string]>([
    ["CR0 and CR4", "mov eax, cr0\n mov ebx, cr4\n smsw ecx"],
    ["CR3", "mov eax, 5018h\n mov cr3, eax\n mov ebx, cr3"],
    ["EFER", "mov ecx, 0C0000080h\n mov eax, 900h\n xor edx, edx\n wrmsr\n rdmsr"],
    ["#GP for bits that are reserved", "mov eax, 0\n dec eax\n mov cr4, eax"],
  ])("%s", (_, body) => {
    const source = guestWithTables(`${body}\nresume:`);
    const general = (name: "bare-metal" | typeof technique) => registersOf(run(name, source).machine);
    expect(general(technique)).toEqual(general("bare-metal"));
  });
});

describe("going back", () => {
  const folder = new URL("../../../examples/", import.meta.url);
  test.each(["timer.asm", "user-mode.asm", "paging-two-level.asm", "paging-pae.asm", "long-mode.asm"])(
    "repeats %s from any moment",
    (name) => {
      const machine = boot(technique, readFileSync(new URL(name, folder), "utf8"), 16);
      const first = outcome(machine, machine.run({ steps: 100_000 }));
      const end = machine.now;
      for (const moment of [0, 1, 57, 120, end - 3]) {
        machine.goTo(moment);
        expect(machine.now).toBe(moment);
        expect(outcome(machine, machine.run({ steps: 100_000 })).events).toEqual(first.events);
        expect(machine.now).toBe(end);
      }
    },
  );

  it("repeats a guest whose tables are out of sync", () => {
    const source = guest(
      "",
      "mov eax, [51000h]\n mov dword [21144h], 52007h\n nop\n invlpg [51000h]\n mov ebx, [51000h]",
    );
    const machine = boot(technique, source);
    const first = outcome(machine, machine.run({ steps: 100_000 }));
    const end = machine.now;
    for (let moment = end; moment > end - 40; moment--) {
      machine.goTo(moment);
      expect(outcome(machine, machine.run({ steps: 100_000 })).events).toEqual(first.events);
    }
  });
});

it("a debugger's write to a page table counts at once", () => {
  const machine = boot(
    technique,
    guest("", "mov eax, [51000h]\nhere: mov ebx, [51000h]\n mov dword [52000h], 7\n jmp here"),
  );
  machine.run({ steps: 8_000 });
  machine.writeMemory("guest-physical", 0x21144n, Uint8Array.of(0x07, 0x20, 0x05, 0));
  machine.run({ steps: 20 });
  expect(register(machine, "RBX")).toBe(7n);
});

it("a guest that starts in protected mode enters at once", () => {
  expect(run(technique, protectedGuest("nop")).events.filter(({ kind }) => kind === "interpret")).toEqual([]);
});
