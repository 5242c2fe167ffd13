import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import type { MachineInterface } from "../../../emulator/index.ts";
import { type VmcbField, vmcbFields } from "../../../emulator/svm/vmcb-fields.ts";
import {
  boot,
  dword,
  general,
  guestMemory,
  guestWithTables,
  outcome,
  protectedGuest,
  register,
  registersOf,
  run,
} from "./guest.ts";
import { gate, identityTables, pagingOn } from "./setup.ts";

/** The VMCB is the first page that the VMM takes. */
function read(machine: MachineInterface, field: VmcbField): bigint {
  const { offset, bytes } = vmcbFields[field];
  const found = machine.readMemory("host-physical", BigInt(0x1000 + offset), bytes);
  return found.reduce<bigint>((value, byte, n) => value | (BigInt(byte ?? 0) << BigInt(8 * n)), 0n);
}

const exitsOf = (source: string, memory = 1): string[] =>
  run("svm-shadow", source, 200_000, memory)
    .exits.filter((exit) => exit.reason !== "VMEXIT_EXCP14")
    .map((exit) => exit.reason);

/** As far as the exit of the first CPUID. */
function atCpuid(source: string): MachineInterface {
  const machine = boot("svm-shadow", source);
  machine.run({ steps: 10_000, stopOnExit: (event) => event.kind === "exit" && event.reason === "VMEXIT_CPUID" });
  return machine;
}

/** 32-bit paging: the directory at 20000h and the table at 21000h map the first 4 MiB to themselves. CR0.WP as given. */
const paged = (body: string, cr0 = "80010000h"): string =>
  guestWithTables(`
${identityTables()}
${pagingOn(cr0)}
        ${body}
resume:`);

describe("real mode", () => {
  const source = `
        org 7C00h
        bits 16
        cpuid
        mov eax, cr0
        mov ebx, eax
        hlt
`;

  it("is paged real mode: CR0.PG without CR0.PE, which the guest does not see", () => {
    const machine = atCpuid(source);
    expect(read(machine, "cr0")).toBe(0x8001_0010n);
    expect(read(machine, "nestedControl") & 1n).toBe(0n);
    machine.run({ steps: 1000 });
    expect(register(machine, "RBX")).toBe(0x10n);
  });

  it("has page faults with the error code of protected mode, which only the VMM sees", () => {
    const machine = boot("svm-shadow", "org 7C00h\n bits 16\n mov [5000h], ax\n hlt\n");
    const faults: string[] = [];
    for (let n = 0; n < 20 && machine.run({ steps: 1, stopOnExit: () => true }).kind !== "stopped"; n++);
    for (const exit of outcome(machine, { kind: "limit" }).exits)
      if (exit.reason === "VMEXIT_EXCP14") faults.push(exit.what);
    expect(faults).toContain("exception 14, error code 2h");
  });
});

describe("control registers", () => {
  it("are intercepted while the real CR0 is not the guest's", () => {
    const machine = atCpuid(protectedGuest("cpuid"));
    expect([read(machine, "crReads"), read(machine, "crWrites")]).toEqual([0x19n, 0x19n]);
    expect(exitsOf(protectedGuest("mov eax, cr0\n smsw bx\n clts\n mov eax, cr4\n mov cr4, eax"))).toEqual([
      ...["VMEXIT_CR0_READ", "VMEXIT_CR0_READ", "VMEXIT_CR0_WRITE", "VMEXIT_CR4_READ", "VMEXIT_CR4_WRITE"],
      "VMEXIT_HLT",
    ]);
  });

  it("leave CR0 to the guest once it has paging and WP, but for writes of more than TS and MP", () => {
    const machine = atCpuid(paged("cpuid"));
    expect([read(machine, "crReads"), read(machine, "crWrites")]).toEqual([0x18n, 0x18n]);
    const body = "mov eax, cr0\n smsw bx\n clts\n or eax, 10\n mov cr0, eax\n xor eax, 10000h\n mov cr0, eax";
    const exits = exitsOf(paged(body));
    expect(exits.slice(exits.lastIndexOf("VMEXIT_CR0_WRITE") + 1)).toEqual(["VMEXIT_CR0_SEL_WRITE", "VMEXIT_HLT"]);
  });

  it("are the guest's own to read: CR3, CR4 and EFER too", () => {
    const { machine } = run("svm-shadow", paged("mov ebx, cr3\n mov edi, cr4\n mov ecx, 0C0000080h\n rdmsr"));
    expect(registersOf(machine, ["RBX", "RDI", "RAX"])).toEqual({ RBX: "20000", RDI: "0", RAX: "0" });
    expect(register(machine, "CR3")).toBe(0x20000n);
    expect(read(machine, "cr3")).not.toBe(0x20000n);
  });

  it("may be read into any general register, rSP too", () => {
    const body = "mov ebp, esp\n mov esp, cr4\n mov esi, esp\n mov esp, cr3\n mov edi, esp\n mov esp, ebp";
    const [bare, hosted] = (["bare-metal", "svm-shadow"] as const).map((t) => registersOf(run(t, paged(body)).machine));
    expect(hosted).toEqual(bare);
    expect(hosted!.RDI).toBe("20000");
  });

  it("refuse what the bare machine refuses", () => {
    const source = guestWithTables("mov eax, 80000000h\n mov cr0, eax\n jmp finish\nresume:");
    expect(dword(run("svm-shadow", source).machine, 0x500)).toBe(13);
  });
});

describe("page faults", () => {
  it("leave the guest with error code and address, before CR2 is written", () => {
    const machine = boot("svm-shadow", paged("mov eax, [50000h]\n cpuid"));
    const at50000 = () => read(machine, "exitInfo2") === 0x50000n;
    for (let n = 0; n < 5000 && !at50000(); n++) machine.run({ steps: 1 });
    expect([read(machine, "exitCode"), read(machine, "exitInfo1"), read(machine, "cr2")]).toEqual([0x4en, 0n, 0n]);
    expect(read(machine, "instructionBytes")).toBe(15n);
  });

  it("that are the guest's own are injected", () => {
    const source = paged("mov dword [21140h], 0\n invlpg [50000h]\n mov eax, [50000h]\n jmp finish").replace(
      "resume:",
      "resume: mov ebx, cr2",
    );
    const { machine } = run("svm-shadow", source);
    expect([dword(machine, 0x500), dword(machine, 0x504)]).toEqual([14, 0]);
    expect(register(machine, "RBX")).toBe(0x50000n);
  });

  it("name their class, as under VT-x with shadow paging", () => {
    const classes = (technique: "svm-shadow" | "vtx-shadow") =>
      run(technique, paged("mov eax, [50000h]\n mov [50000h], eax\n mov [21FF0h], eax\n mov eax, cr3\n mov cr3, eax"))
        .events.flatMap((event) =>
          event.kind === "shadow" && event.linear !== "0" ? [`${event.class} ${event.linear}`] : [],
        )
        .slice(-4);
    expect(classes("svm-shadow")).toEqual(classes("vtx-shadow"));
  });

  /** The stack is not there: #PF while an exception is delivered makes #DF, which the VMM must find out. */
  it("while an exception is delivered become a double fault", () => {
    const source = paged("mov dword [21000h + 4 * 50h], 0\n mov esp, 51000h\n ud2").replace("resume:", "resume: nop");
    const ends = (["bare-metal", "svm-shadow"] as const).map((technique) => {
      const { stop } = run(technique, source);
      return stop.kind === "stopped" ? stop.reason : stop.kind;
    });
    expect(ends).toEqual(["triple-fault", "triple-fault"]);
  });
});

it("INVLPG and INVPCID leave the guest", () => {
  const exits = exitsOf(paged("invlpg [50000h]\n mov eax, 2\n invpcid eax, [700h]"));
  expect(exits.slice(-3)).toEqual(["VMEXIT_INVLPG", "VMEXIT_INVPCID", "VMEXIT_HLT"]);
});

it("hardware task switches leave the guest, for they load CR3", () => {
  const source = readFileSync(new URL("../cpu/programs/task-switch.asm", import.meta.url), "utf8");
  const [bare, hosted] = (["bare-metal", "svm-shadow"] as const).map((t) => run(t, source, 200_000, 4));
  const switches = hosted!.exits.filter((exit) => exit.reason === "VMEXIT_TASK_SWITCH");
  expect(switches.map(({ qualification, what }) => `${qualification} ${what}`)).toEqual([
    "20 CALL to the task of TSS 20h",
    "18 IRET to the task of TSS 18h",
    "20 an event through a task gate to the task of TSS 20h",
    "18 IRET to the task of TSS 18h",
    "20 JMP to the task of TSS 20h",
    "18 JMP to the task of TSS 18h",
  ]);
  expect(registersOf(hosted!.machine, general)).toEqual(registersOf(bare!.machine, general));
  expect(hosted!.machine.instructions).toBe(bare!.machine.instructions);
});

describe("equivalence with bare metal", () => {
  const folder = new URL("../../../examples/", import.meta.url);
  const examples = readdirSync(folder).filter((name) => name.endsWith(".asm"));
  /** These ask whether there is a hypervisor, are one, are made for Xen, or take long. */
  const differing = /^(hypercall|hypervisor.*|kvm.*|sieve|xen-.*)\.asm$/;

  test.each(examples.filter((name) => !differing.test(name)))("%s", (name) => {
    const source = readFileSync(new URL(name, folder), "utf8");
    const [bare, hosted] = (["bare-metal", "svm-shadow"] as const).map((t) => run(t, source, 400_000, 16));
    expect(hosted!.output).toBe(bare!.output);
    expect(registersOf(hosted!.machine, general)).toEqual(registersOf(bare!.machine, general));
    expect(hosted!.stop).toMatchObject({ kind: "stopped", reason: (bare!.stop as { reason: string }).reason });
    const [a, b] = [bare!, hosted!].map(({ machine }) => guestMemory(machine));
    expect(Buffer.compare(a!, b!)).toBe(0);
  });
});

describe("NMIs", () => {
  /** The local APIC sends the processor an NMI; its handler asks for another, which waits until the handler returns. */
  const source = guestWithTables(`
${gate("handler", "2", 0)}
        mov esp, 60000h
        xor esi, esi
        xor edi, edi
        mov ebx, 0FEE00000h
        or dword [ebx + 0F0h], 100h
        mov dword [ebx + 310h], 0
        mov dword [ebx + 300h], 4400h   ; NMI to processor 0
        nop
        nop
        jmp finish
handler: inc esi
        lea edi, [edi * 4 + esi]
        cmp esi, 2
        je .end
        mov dword [ebx + 300h], 4400h
        nop
        shl edi, 1                      ; before the second one
.end:   iret
resume: nop`);

  test.each(["svm-npt", "svm-shadow"] as const)("leave the guest under %s, and are virtual NMIs then", (technique) => {
    const bare = run("bare-metal", source);
    const { machine, exits, events } = run(technique, source);
    expect(exits.filter(({ reason }) => reason === "VMEXIT_NMI")).toHaveLength(2);
    expect(registersOf(machine, ["RSI", "RDI"])).toEqual(registersOf(bare.machine, ["RSI", "RDI"]));
    expect(register(machine, "RSI")).toBe(2n);
    const handled = events.flatMap((event) =>
      event.kind === "entry" && /NMI/.test(event.handled) ? [event.handled] : [],
    );
    expect(handled).toEqual(["made a virtual NMI pending", "made a virtual NMI pending"]);
    expect(machine.instructions).toBe(bare.machine.instructions);
  });
});

describe("a debugger at a pending exit", () => {
  it("sees and changes the guest's own CR3, not the VMM's", () => {
    const machine = atCpuid(paged("cpuid\n mov ebx, cr3"));
    expect(register(machine, "CR3")).toBe(0x20000n);
    expect(machine.setRegister("CR3", 0x20018n)).toBe(true);
    machine.run({ steps: 10_000 });
    expect(register(machine, "RBX")).toBe(0x20018n);
  });
});

describe("going back", () => {
  it("repeats the same exits from any moment", () => {
    const source = readFileSync(new URL("../../../examples/paging-two-level.asm", import.meta.url), "utf8");
    const machine = boot("svm-shadow", source, 16);
    const first = outcome(machine, machine.run({ steps: 100_000 }));
    const end = machine.now;
    const tables = machine.readMemory("host-physical", 0n, 0x1_0000);
    for (const moment of [0, 1, 40, 90, end - 3]) {
      machine.goTo(moment);
      const again = outcome(machine, machine.run({ steps: 100_000 }));
      expect(again.events).toEqual(first.events);
      expect(machine.readMemory("host-physical", 0n, 0x1_0000)).toEqual(tables);
      expect(machine.now).toBe(end);
    }
  });
});
