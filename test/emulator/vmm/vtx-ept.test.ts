import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { fieldOffset } from "../../../emulator/vmx/vmcs.ts";
import { type VmcsField, vmcsFields } from "../../../emulator/vmx/vmcs-fields.ts";
import {
  boot,
  callFromRing3,
  dword,
  guestWithTables,
  outcome,
  protectedGuest,
  register,
  registersOf,
  run,
  timerGuest,
} from "./guest.ts";
import { fewPagesGuest, identityTables, pagingOn } from "./setup.ts";

const exitsOf = (source: string, memory = 1): string[] =>
  run("vtx-ept", source, 200_000, memory)
    .exits.filter((exit) => exit.reason !== "EPT_VIOLATION")
    .map((exit) => `${exit.number} ${exit.reason} ${exit.qualification}: ${exit.what}`);

describe("exits of small programs", () => {
  test.each<[string, string, string[]]>([
    ["CPUID", "mov eax, 1\n xor ecx, ecx\n cpuid", ["10 CPUID 0: cpuid eax = 1h, ecx = 0h"]],
    ["OUT imm8", "mov al, 'H'\n out 0E9h, al", ["30 IO_INSTRUCTION e90040: out E9h, al = 48h 'H'"]],
    ["OUT DX", "mov dx, 3F8h\n mov al, 10\n out dx, al", ["30 IO_INSTRUCTION 3f80000: out 3F8h, al = Ah"]],
    ["IN", "mov dx, 3FDh\n in al, dx", ["30 IO_INSTRUCTION 3fd0008: in al, 3FDh"]],
    ["OUT EAX", "mov dx, 1F0h\n mov eax, 1\n out dx, eax", ["30 IO_INSTRUCTION 1f00003: out 1F0h, eax = 1h"]],
    [
      "REP OUTSB",
      "mov esi, 8000h\n mov ecx, 5\n mov dx, 0E9h\n rep outsb",
      ["30 IO_INSTRUCTION e90030: rep outs E9h, 1 byte each"],
    ],
    ["a port whose bit is clear", "out 80h, al", []],
    ["RDMSR of EFER", "mov ecx, 0C0000080h\n rdmsr", ["31 RDMSR 0: rdmsr C0000080h (IA32_EFER)"]],
    [
      "WRMSR of PAT",
      "mov ecx, 277h\n rdmsr\n wrmsr",
      ["31 RDMSR 0: rdmsr 277h (IA32_PAT)", "32 WRMSR 0: wrmsr 277h (IA32_PAT) = 7040600070406h"],
    ],
    ["an MSR whose bits are clear", "mov ecx, 0C0000100h\n rdmsr\n wrmsr", []],
    ["MOV to CR0 that sets NE", "mov eax, cr0\n or al, 20h\n mov cr0, eax", ["28 CR_ACCESS 0: mov cr0, eax = 31h"]],
    ["MOV to CR0 that sets MP", "mov ebx, cr0\n or bl, 2\n mov cr0, ebx", []],
    ["LMSW, CLTS and SMSW", "smsw ax\n or al, 8\n lmsw ax\n clts", []],
    ["MOV to CR3 and CR4 without the host's bits", "xor eax, eax\n mov cr3, eax\n mov eax, 10h\n mov cr4, eax", []],
    ["what is sensitive and never exits", "pushfd\n popfd\n sgdt [500h]\n str ax\n mov ax, cs\n cli\n sti", []],
    ["VMCALL", "mov eax, 11\n vmcall", ["18 VMCALL 0: vmcall, eax = Bh"]],
    [
      "INVPCID, MONITOR, MWAIT and RDRAND run natively",
      "mov eax, 2\n invpcid eax, [500h]\n xor ecx, ecx\n monitor\n mwait\n rdrand eax",
      [],
    ],
    ["WBINVD runs natively, INVD does not", "wbinvd\n invd", ["13 INVD 0: invd"]],
    ["INVLPG and RDTSC run natively", "invlpg [500h]\n rdtsc", []],
  ])("%s", (_, body, expected) => {
    expect(exitsOf(protectedGuest(body))).toEqual([...expected, "12 HLT 0: hlt"]);
  });

  it("leaves at every task switch, and says which and by what", () => {
    const source = readFileSync(new URL("../cpu/programs/task-switch.asm", import.meta.url), "utf8");
    expect(exitsOf(source, 4).filter((exit) => /TASK_SWITCH/.test(exit))).toEqual([
      "9 TASK_SWITCH 20: CALL to the task of TSS 20h",
      "9 TASK_SWITCH 40000018: IRET to the task of TSS 18h",
      "9 TASK_SWITCH c0000020: an event through a task gate to the task of TSS 20h",
      "9 TASK_SWITCH 40000018: IRET to the task of TSS 18h",
      "9 TASK_SWITCH 80000020: JMP to the task of TSS 20h",
      "9 TASK_SWITCH 80000018: JMP to the task of TSS 18h",
    ]);
  });

  it("says why each time, and what it cost", () => {
    const { exits, events } = run("vtx-ept", protectedGuest("mov al, 1\n out 0E9h, al\n cpuid"));
    const why = Object.fromEntries(exits.map((exit) => [exit.reason, exit.why.rule]));
    expect(why).toEqual({
      EPT_VIOLATION: "EPT entry of level 4 = 0h: R = 0, W = 0, X = 0",
      IO_INSTRUCTION: "I/O bitmap A (2000h), byte 1Dh, bit 1 = 1",
      CPUID: "no control: unconditional",
      HLT: "primary processor-based VM-execution controls 4002h, bit 7: HLT exiting = 1",
    });
    const entries = events.filter((event) => event.kind === "entry");
    expect(entries.map((entry) => entry.handled)).toEqual([
      "mapped guest-physical 8000h to host-physical 208000h",
      "emulated OUT",
      "emulated CPUID",
    ]);
    for (const entry of entries) expect(exits.find((exit) => exit.sequence === entry.exit)?.cost).toBe(entry.cost);
    expect(entries.every((entry) => entry.cost > 512 + 277)).toBe(true);
  });
});

describe("VMX instructions of a guest exit, and are then what they are without VMX: undefined", () => {
  test.each([
    ["vmxon [700h]", 27, 0x700],
    ["vmxoff", 26, 0],
    ["vmclear [ebx]", 19, 0],
    ["vmptrld [ebx + 8]", 21, 8],
    ["vmptrst [ebx - 8]", 22, -8],
    ["vmread eax, ebx", 23, 0],
    ["vmread [700h], ebx", 23, 0x700],
    ["vmwrite eax, ebx", 25, 0],
    ["vmlaunch", 20, 0],
    ["vmresume", 24, 0],
    ["invept eax, [700h]", 50, 0x700],
    ["invvpid eax, [700h]", 53, 0x700],
  ])("%s", (instruction, number, displacement) => {
    const source = guestWithTables(`mov ebx, 700h\n${instruction}\nresume: nop`);
    const { machine, exits } = run("vtx-ept", source);
    const qualification = BigInt.asUintN(64, BigInt(displacement)).toString(16);
    expect(exits.map((exit) => [exit.number, exit.qualification])).toContainEqual([number, qualification]);
    expect(dword(machine, 0x500)).toBe(6);
    expect(dword(run("bare-metal", source).machine, 0x500)).toBe(6);
  });

  test.each(["getsec", "vmfunc", "vmmcall", "vmrun", "xsetbv", "rsm"])("%s does not exit", (instruction) => {
    const { machine, exits } = run("vtx-ept", guestWithTables(`${instruction}\nresume: nop`));
    expect(exits.filter(({ reason }) => reason !== "EPT_VIOLATION").map(({ reason }) => reason)).toEqual(["HLT"]);
    expect(dword(machine, 0x500)).toBe(6);
  });
});

describe("what the guest finds", () => {
  const left = (body: string) => run("vtx-ept", protectedGuest(body)).machine;

  it("is a hypervisor by name, with KVM's feature bits, and no VMX", () => {
    const machine = left(
      "mov eax, 40000000h\n cpuid\n mov [500h], ebx\n mov [504h], ecx\n mov [508h], edx\n mov eax, 1\n cpuid",
    );
    const name = String.fromCharCode(...machine.readMemory("guest-physical", 0x500n, 12).map((byte) => byte ?? 0));
    expect(name).toBe("KVMKVMKVM\0\0\0");
    expect((register(machine, "RCX") >> 31n) & 1n).toBe(1n);
    expect((register(machine, "RCX") >> 5n) & 1n).toBe(0n);
    expect(register(left("mov eax, 40000001h\n cpuid"), "RAX")).toBe(0x100_3aa9n);
  });

  it("is its own CR0 and CR4, not the host's NE and VMXE", () => {
    const machine = left("mov eax, cr0\n mov ebx, cr4\n smsw ecx");
    expect(registersOf(machine, ["RAX", "RBX", "RCX"])).toEqual({ RAX: "11", RBX: "0", RCX: "11" });
  });

  it("is NE once it has set it, through the read shadow", () => {
    expect(register(left("mov eax, 33h\n mov cr0, eax\n mov ebx, cr0"), "RBX")).toBe(0x33n);
  });

  test.each([
    [1, 0, "VAPIC_POLL_IRQ", "0"],
    [5, 0, "KICK_CPU", "0"],
    [11, 0, "SCHED_YIELD", "0"],
    [9, 0xffffffa1, "CLOCK_PAIRING", "-95 (EOPNOTSUPP): there is no clock of type 7; 0 is the time of day"],
    [77, 0xfffffc18, "unknown", "-1000 (ENOSYS): there is no hypercall 77"],
  ])("is hypercall %i answered with %i", (number, result, name, text) => {
    const { machine, events } = run("vtx-ept", protectedGuest(`mov eax, ${number}\n mov ebx, 3\n mov ecx, 7\n vmcall`));
    expect(register(machine, "RAX")).toBe(BigInt(result));
    expect(events.find((event) => event.kind === "hypercall")).toMatchObject({
      number: `${number}`,
      name,
      result: text,
    });
  });

  it("is a refusal of hypercalls from ring 3", () => {
    const source = callFromRing3("vmcall");
    const { machine, events } = run("vtx-ept", source);
    expect(register(machine, "RBX")).toBe(0xffffffffn);
    expect(events.find((event) => event.kind === "hypercall")).toMatchObject({
      name: "SCHED_YIELD",
      result: "-1 (EPERM): CPL 3 may not call the hypervisor",
    });
    expect(dword(machine, 0x500)).toBe(6);
  });

  test.each([
    ["CR4.VMXE", "mov eax, 2000h\n mov cr4, eax"],
    ["a reserved bit of CR0 beside NE", "mov eax, cr0\n or eax, 80000020h\n and al, 0FEh\n mov cr0, eax"],
    ["an MSR there is not", "mov ecx, 12345678h\n rdmsr"],
    ["a bad value in an MSR", "mov ecx, 277h\n mov eax, 2\n xor edx, edx\n wrmsr"],
  ])("is #GP(0) for %s", (_, body) => {
    const { machine, events } = run("vtx-ept", guestWithTables(`${body}\n jmp finish\nresume:`));
    expect([dword(machine, 0x500), dword(machine, 0x504)]).toEqual([13, 0]);
    expect(events.find((event) => event.kind === "inject")).toMatchObject({ vector: 13, errorCode: 0 });
  });
});

describe("EPT violations", () => {
  it("tells access, target and state of each", () => {
    const violations = run("vtx-ept", fewPagesGuest).exits.filter((exit) => exit.reason === "EPT_VIOLATION");
    const yes = (exit: (typeof violations)[number]): string =>
      exit.fields
        .filter((f) => f.value !== "no")
        .map((f) => (f.value === "yes" ? f.name : `${f.name} ${f.value}`))
        .join(", ");
    const final = "Guest-linear address valid, Access was to the translation of the linear address";
    expect(violations.map((exit) => `${exit.qualification} ${yes(exit)}`)).toEqual([
      `184 Instruction fetch, ${final}`,
      `182 Data write, ${final}`,
      `182 Data write, ${final}`,
      `181 Data read, ${final}`,
      `182 Data write, ${final}`,
    ]);
  });

  it("tells an access to a guest table from one to the page it maps", () => {
    const source = `
%pragma ringside mode long
        org 8000h
        bits 64
        mov rax, [40000h]
        cli
        hlt
`;
    const [first] = run("vtx-ept", source).exits;
    // EPTP bit 6: reads of guest tables count as writes too.
    expect(first).toMatchObject({ reason: "EPT_VIOLATION", qualification: "83" });
    expect(first!.what).toContain("of a guest paging structure");
  });

  it("maps what is outside the guest's memory to where nothing answers, as on the bare machine", () => {
    const source = protectedGuest("mov dword [800000h], 1\n mov eax, [800000h]");
    const { machine, events } = run("vtx-ept", source);
    expect(register(machine, "RAX")).toBe(0xffffffffn);
    expect(register(run("bare-metal", source).machine, "RAX")).toBe(0xffffffffn);
    expect(events.some((e) => e.kind === "entry" && e.handled.includes("outside the guest's memory"))).toBe(true);
  });

  it("delivers again what a violation interrupted, and the guest sees it once", () => {
    const source = guestWithTables("mov esp, 90010h\n ud2\nresume:");
    const { events, machine } = run("vtx-ept", source);
    expect(dword(machine, 0x500)).toBe(6);
    expect(events.filter((event) => event.kind === "exception")).toHaveLength(1);
    expect(events.filter((event) => event.kind === "inject").map((event) => event.vector)).toEqual([6]);
  });
});

describe("interrupts", () => {
  const kinds = (wait: string): string[] => {
    const { exits, machine } = run("vtx-ept", timerGuest(wait), 400_000);
    expect(dword(machine, 0x500)).toBe(2);
    return exits.map((exit) => exit.reason).filter((r) => !["IO_INSTRUCTION", "EPT_VIOLATION"].includes(r));
  };

  it("leave a running guest, and are injected", () => {
    expect(kinds("sti\n.w: cmp dword [500h], 2\n jb .w")).toEqual(["EXTERNAL_INTERRUPT", "EXTERNAL_INTERRUPT", "HLT"]);
  });

  it("wait for the interrupt window of a guest that has them disabled", () => {
    const wait = "mov ecx, 20000\n.s: loop .s\n sti\n nop\n.w: cmp dword [500h], 2\n jb .w";
    expect(kinds(wait)).toEqual(["EXTERNAL_INTERRUPT", "INTERRUPT_WINDOW", "EXTERNAL_INTERRUPT", "HLT"]);
  });

  it("wake a halted guest without a further exit", () => {
    expect(kinds("sti\n.w: hlt\n cmp dword [500h], 2\n jb .w")).toEqual(["HLT", "HLT", "HLT"]);
  });

  it("do not slip between STI and HLT", () => {
    expect(
      kinds(".w: cli\n mov ecx, 20000\n.s: loop .s\n sti\n hlt\n cmp dword [500h], 2\n jb .w").filter(
        (r) => r === "HLT",
      ),
    ).toHaveLength(3);
  });
});

describe("string I/O", () => {
  const source = guestWithTables(`
${identityTables("100h")}
        mov dword [21000h + 4 * 41h], 0 ; 41000h is not mapped
${pagingOn()}
        mov edi, 40FFEh
        mov ecx, 5
        mov dx, 3FAh
        rep insb
resume: mov eax, cr2`);

  it("stops in the middle where the guest's own tables fault", () => {
    for (const technique of ["bare-metal", "vtx-ept", "svm-npt", "svm-shadow", "trap-and-emulate"] as const) {
      const { machine } = run(technique, source);
      expect(registersOf(machine, ["RAX", "RCX", "RDI"]), technique).toEqual({ RAX: "41000", RCX: "3", RDI: "41000" });
      expect([dword(machine, 0x500), dword(machine, 0x504)], technique).toEqual([14, 2]);
    }
  });
});

describe("the two-dimensional walk", () => {
  /** The walk of the address of the last instruction: guest levels times four EPT levels, and four for the page. */
  test.each([
    ["32-bit paging, 4 KiB pages", "paging-two-level.asm", ["PDE", "PTE"], 14],
    ["long mode, 2 MiB pages", "page-fault.asm", ["PML4E", "PDPTE", "PDE"], 19],
  ])("%s", (_, name, tables, references) => {
    const source = readFileSync(new URL(`../../../examples/${name}`, import.meta.url), "utf8");
    const { machine } = run("vtx-ept", source, 400_000, 16);
    const { steps, verdict, physical } = machine.walk(machine.linearRip - 1n);
    expect([verdict, physical]).toEqual(["ok", (machine.linearRip - 1n).toString(16)]);
    expect(steps).toHaveLength(references);
    expect(steps.map((step) => step.table).filter((table) => !table.startsWith("EPT"))).toEqual(tables);
  });

  it("takes 24 references for four levels over four", () => {
    const source = `
%pragma ringside mode long
        org 8000h
        bits 64
        mov qword [20000h], 21007h
        mov qword [21000h], 22007h
        mov qword [22000h], 23007h
        mov rdi, 23000h
        mov eax, 7
        mov ecx, 40h
.fill:  stosq
        add eax, 1000h
        loop .fill
        mov qword [23000h + 8 * 0F0h], 0F0007h
        mov eax, 20000h
        mov cr3, rax
        mov rax, [8000h]
        hlt
`;
    const { machine } = run("vtx-ept", source);
    const { steps, physical } = machine.walk(0x8000n);
    expect(physical).toBe("8000");
    expect(steps.map((step) => step.table)).toEqual([
      ...["PML4E", "PDPTE", "PDE", "PTE"].flatMap((table) => ["EPT PML4E", "EPT PDPTE", "EPT PDE", "EPT PTE", table]),
      ...["EPT PML4E", "EPT PDPTE", "EPT PDE", "EPT PTE"],
    ]);
  });
});

describe("VM entry failure", () => {
  it("stops the machine with the check and the field", () => {
    const machine = boot("vtx-ept", protectedGuest("cpuid"));
    machine.run({ steps: 100, stopOnExit: (event) => event.kind === "exit" && event.reason === "CPUID" });
    // Host RIP in the VMCS, which is the VMM's first page: not canonical.
    const hostRip = 64 + 128 * 14 + (3 * 32 + 11) * 8;
    machine.writeMemory("host-physical", BigInt(4096 + hostRip + 7), Uint8Array.of(0x80));
    const stop = machine.run({ steps: 10 });
    expect(stop).toMatchObject({ kind: "stopped", reason: "vm-entry-failure" });
    expect((stop as { text: string }).text).toContain("VM-instruction error 8");
    expect((stop as { text: string }).text).toContain("Host RIP 6C16h");
  });
});

describe("a debugger at a pending exit", () => {
  test.each([
    ["vtx-ept", "IO_INSTRUCTION"],
    ["trap-and-emulate", "#GP"],
  ] as const)("may move the guest elsewhere under %s", (technique, reason) => {
    const machine = boot(technique, protectedGuest("mov ebx, 1\n out 0E9h, al\n mov ebx, 2\n nop\n mov ecx, 3"));
    machine.run({ steps: 100, stopOnExit: (event) => event.kind === "exit" && event.reason === reason });
    const at = machine.rip;
    expect(machine.setRegister("EIP", at + 7n)).toBe(true);
    machine.run({ steps: 100 });
    expect(registersOf(machine, ["RBX", "RCX"])).toEqual({ RBX: "1", RCX: "3" });
    expect(outcome(machine, { kind: "limit" }).output).toBe("");
  });

  it("may change registers, which the VMM then sees", () => {
    const machine = boot("vtx-ept", protectedGuest("mov al, 'A'\n out 0E9h, al"));
    machine.run({ steps: 100, stopOnExit: (event) => event.kind === "exit" && event.reason === "IO_INSTRUCTION" });
    machine.setRegister("EAX", 0x42n);
    machine.setRegister("ESP", 0x9000n);
    const stop = machine.run({ steps: 100 });
    expect(outcome(machine, stop).output).toBe("B");
    expect(register(machine, "RSP")).toBe(0x9000n);
  });
});

describe("going back", () => {
  it("repeats the same exits from any moment", () => {
    const source = readFileSync(new URL("../../../examples/timer.asm", import.meta.url), "utf8");
    const machine = boot("vtx-ept", source);
    const first = outcome(machine, machine.run({ steps: 100_000 }));
    const end = machine.now;
    const tables = machine.readMemory("host-physical", 0n, 0x1_0000);
    for (const moment of [0, 1, 40, 90, end - 3]) {
      machine.goTo(moment);
      expect(machine.now).toBe(moment);
      const again = outcome(machine, machine.run({ steps: 100_000 }));
      expect(again.events).toEqual(first.events);
      expect(machine.readMemory("host-physical", 0n, 0x1_0000)).toEqual(tables);
      expect(machine.now).toBe(end);
    }
  });
});

describe("MSR areas of the built-in VMM's VMCS", () => {
  const [stored, loaded] = [0x1f_0000n, 0x1f_1000n];
  const KERNEL_GS_BASE = 0xc000_0102;
  const entry = (value: bigint): Uint8Array =>
    new Uint8Array(new BigUint64Array([BigInt(KERNEL_GS_BASE), value]).buffer);
  const source = `%pragma ringside mode protected
        org 100000h
        bits 32
        mov ecx, 0C0000102h
        mov eax, 1234h
        xor edx, edx
        wrmsr
        in al, 21h
        rdmsr
        mov ebx, eax
        cli
        hlt`;

  const machineWithAreas = (fields: Partial<Record<VmcsField, bigint>>) => {
    const machine = boot("vtx-ept", source, 16);
    const { address } = machine.vmcs()!;
    const write = (at: bigint, bytes: Uint8Array) => machine.writeMemory("host-physical", at, bytes);
    for (const [field, value] of Object.entries(fields)) {
      const { encoding } = vmcsFields[field as VmcsField];
      const bytes = new Uint8Array(new BigUint64Array([value]).buffer).slice(0, encoding < 0x4000 ? 8 : 4);
      write(address + BigInt(fieldOffset(encoding)), bytes);
    }
    write(stored, entry(0n));
    write(loaded, entry(0x9999n));
    return machine;
  };

  it("store the guest's MSRs, load others, and bring the guest's back", () => {
    const machine = machineWithAreas({
      exitMsrStoreAddress: stored,
      exitMsrStoreCount: 1n,
      exitMsrLoadAddress: loaded,
      exitMsrLoadCount: 1n,
      entryMsrLoadAddress: stored,
      entryMsrLoadCount: 1n,
    });
    machine.run({ steps: 1000, stopOnExit: (event) => event.kind === "exit" && event.reason === "IO_INSTRUCTION" });
    expect(machine.readMemory("host-physical", stored + 8n, 2)).toEqual([0x34, 0x12]);
    expect(registersOf(machine, ["IA32_KERNEL_GS_BASE"])).toEqual({ IA32_KERNEL_GS_BASE: "9999" });
    expect(machine.run({ steps: 1000 })).toMatchObject({ reason: "halted" });
    expect(registersOf(machine, ["RBX"])).toEqual({ RBX: "1234" });
  });

  it("that cannot be loaded make an entry fail, with their number", () => {
    const machine = machineWithAreas({ entryMsrLoadAddress: 0x1f_2000n, entryMsrLoadCount: 1n });
    machine.writeMemory("host-physical", 0x1f_2000n, new Uint8Array([0x45, 0x23, 1, 0]));
    const stop = machine.run({ steps: 1000 });
    expect(stop).toMatchObject({ reason: "vm-entry-failure", text: expect.stringContaining("12345h") });
    expect(machine.events(0, 1000, ["exit"]).at(-1)).toMatchObject({
      reason: "VMENTRY_FAILURE_MSR",
      qualification: "1",
    });
  });
});
