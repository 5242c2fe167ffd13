import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import {
  boot,
  callFromRing3,
  dword,
  general,
  guestMemory,
  guestWithTables,
  outcome,
  protectedGuest,
  register,
  registersOf,
  run,
  steppedGuest,
  timerGuest,
} from "./guest.ts";
import { fewPagesGuest, gate } from "./setup.ts";
import { read, vmcb, write } from "./vmcb.ts";

const exitsOf = (source: string, memory = 1): string[] =>
  run("svm-npt", source, 200_000, memory)
    .exits.filter((exit) => exit.reason !== "VMEXIT_NPF")
    .map((exit) => `${exit.number.toString(16)} ${exit.reason} ${exit.qualification}: ${exit.what}`);

describe("exits of small programs", () => {
  test.each<[string, string, string[]]>([
    ["CPUID", "mov eax, 1\n xor ecx, ecx\n cpuid", ["72 VMEXIT_CPUID 0: cpuid eax = 1h"]],
    ["OUT imm8", "mov al, 'H'\n out 0E9h, al", ["7b VMEXIT_IOIO e90110: out E9h, al = 48h 'H'"]],
    ["IN", "mov dx, 3FDh\n in al, dx", ["7b VMEXIT_IOIO 3fd0111: in al, 3FDh"]],
    ["OUT EAX", "mov dx, 1F0h\n mov eax, 1\n out dx, eax", ["7b VMEXIT_IOIO 1f00140: out 1F0h, eax = 1h"]],
    [
      "REP OUTSB",
      "mov esi, 8000h\n mov ecx, 5\n mov dx, 0E9h\n rep outsb",
      ["7b VMEXIT_IOIO e90d1c: rep outs E9h, 1 byte each"],
    ],
    ["a port whose bit is clear", "out 80h, al", []],
    ["RDMSR of EFER", "mov ecx, 0C0000080h\n rdmsr", ["7c VMEXIT_MSR 0: rdmsr C0000080h (IA32_EFER)"]],
    ["an MSR whose bits are clear", "mov ecx, 0C0000100h\n rdmsr\n wrmsr", []],
    ["control registers", "mov eax, cr0\n or al, 20h\n mov cr0, eax\n mov cr3, eax\n mov eax, 10h\n mov cr4, eax", []],
    ["LMSW, CLTS and SMSW", "smsw ax\n or al, 8\n lmsw ax\n clts", []],
    ["what AMD-V could intercept", "pushfd\n popfd\n sgdt [500h]\n str ax\n invlpg [500h]\n rdtsc\n wbinvd", []],
    ["VMMCALL", "mov eax, 11\n vmmcall", ["81 VMEXIT_VMMCALL 0: vmmcall, eax = Bh"]],
    ["VMCALL, which is undefined here", "mov eax, 11\n vmcall", ["46 VMEXIT_EXCP6 0: exception 6"]],
    ["INVD", "invd", ["76 VMEXIT_INVD 0: invd"]],
  ])("%s", (_, body, expected) => {
    expect(exitsOf(protectedGuest(body))).toEqual([...expected, "78 VMEXIT_HLT 0: hlt"]);
  });

  it("lets hardware task switches run", () => {
    const source = readFileSync(new URL("../cpu/programs/task-switch.asm", import.meta.url), "utf8");
    expect(exitsOf(source, 4).filter((exit) => /TASK_SWITCH/.test(exit))).toEqual([]);
  });

  it("says why each time, and what it cost", () => {
    const { exits, events } = run("svm-npt", protectedGuest("mov al, 1\n out 0E9h, al\n cpuid"));
    expect(Object.fromEntries(exits.map((exit) => [exit.reason, exit.why.rule]))).toEqual({
      VMEXIT_NPF: "nested entry of level 4 = 0h: P = 0, R/W = 0, U/S = 0, NX = 0",
      VMEXIT_IOIO: "I/O permission map (VMCB 040h), byte 1Dh, bit 1 = 1",
      VMEXIT_CPUID: "intercept vector 3 (VMCB 00Ch), bit 18: CPUID = 1",
      VMEXIT_HLT: "intercept vector 3 (VMCB 00Ch), bit 24: HLT = 1",
    });
    const entries = events.filter((event) => event.kind === "entry");
    expect(entries.map((entry) => entry.handled)).toEqual([
      "mapped guest-physical 8000h to host-physical 208000h",
      "emulated OUT",
      "emulated CPUID",
    ]);
    for (const entry of entries) expect(exits.find((exit) => exit.sequence === entry.exit)?.cost).toBe(entry.cost);
  });
});

describe("instructions of SVM exit at CPL 0, and are then what they are without SVM: undefined", () => {
  test.each(["vmrun", "vmload", "vmsave", "stgi", "clgi", "skinit", "invlpga"])("%s", (instruction) => {
    const source = guestWithTables(`mov eax, 700h\n${instruction}\nresume: nop`);
    const { machine, exits } = run("svm-npt", source);
    expect(exits.map(({ reason }) => reason)).toContain(`VMEXIT_${instruction.toUpperCase()}`);
    expect(dword(machine, 0x500)).toBe(6);
    expect(dword(run("bare-metal", source).machine, 0x500)).toBe(6);
  });
});

describe("nested page faults", () => {
  const faultsOf = (source: string) => run("svm-npt", source).exits.filter((exit) => exit.reason === "VMEXIT_NPF");

  it("tell access, target and guest-physical address of each, and no linear address", () => {
    expect(faultsOf(fewPagesGuest).map(({ qualification, what }) => `${qualification}: ${what}`)).toEqual([
      "100000014: execution of guest-physical 8000h: not present",
      "100000006: write of guest-physical 20000h: not present",
      "100000006: write of guest-physical 21020h: not present",
      "100000004: read of guest-physical 40000h: not present",
      "100000006: write of guest-physical 41000h: not present",
    ]);
    const names = faultsOf(fewPagesGuest).flatMap(({ fields }) => fields.map(({ name }) => name));
    expect(names.some((name) => /linear/i.test(name))).toBe(false);
  });

  it("are writes where the walk reads a guest table", () => {
    const source = `
%pragma ringside mode long
        org 8000h
        bits 64
        mov rax, [40000h]
        cli
        hlt
`;
    const [first] = faultsOf(source);
    expect(first).toMatchObject({ qualification: "200000006" });
    expect(first!.what).toContain("for a guest page table");
  });

  it("are those that the example is about", () => {
    const source = readFileSync(new URL("../../../examples/nested-page-fault.asm", import.meta.url), "utf8");
    const at = (technique: "svm-npt" | "vtx-ept", reason: string) =>
      run(technique, source, 10_000, 16)
        .exits.filter((exit) => exit.reason === reason)
        .map(({ qualification, what }) => `${qualification}: ${what}`)
        .slice(-2);
    expect(at("svm-npt", "VMEXIT_NPF")).toEqual([
      "200000006: write of guest-physical 102000h for a guest page table: not present",
      "100000004: read of guest-physical 400010h: not present",
    ]);
    for (const violation of at("vtx-ept", "EPT_VIOLATION")) expect(violation).toContain("linear 80000010h");
  });

  it("store the instruction's bytes for data, and none for a fetch", () => {
    const machine = boot("svm-npt", protectedGuest("mov [70000h], eax"));
    const next = () =>
      machine.run({ steps: 100, stopOnExit: (event) => event.kind === "exit" && event.reason === "VMEXIT_NPF" });
    next();
    expect(read(machine, "instructionBytes")).toBe(0n);
    machine.run({ steps: 1 });
    next();
    expect(read(machine, "exitInfo2")).toBe(0x70000n);
    const bytes = machine.readMemory("host-physical", BigInt(vmcb + 0xd0), 6);
    expect([...bytes]).toEqual([15, 0xa3, 0x00, 0x00, 0x07, 0x00]);
  });

  it("map what is outside the guest's memory to where nothing answers, as on the bare machine", () => {
    const source = protectedGuest("mov dword [800000h], 1\n mov eax, [800000h]");
    const { machine, events } = run("svm-npt", source);
    expect(register(machine, "RAX")).toBe(0xffffffffn);
    expect(events.some((e) => e.kind === "entry" && e.handled.includes("outside the guest's memory"))).toBe(true);
  });

  /** The stack is not mapped: the event's delivery faults, EXITINTINFO tells of it, and EVENTINJ repeats it. */
  test.each([
    ["#DE", "xor ecx, ecx\n div ecx", 0, 0x8000_0300n],
    ["INT 10", "int 10", 10, 0x8000_040an],
    ["INT3", "int3", 3, 0x8000_0303n],
    ["INT1", "int1", 1, 0x8000_0301n],
    ["INT 1", "int 1", 1, 0x8000_0401n],
  ])("interrupt the delivery of %s, which is delivered again once", (_, instruction, vector, info) => {
    const source = guestWithTables(`mov esp, 90010h\n ${instruction}\n nop\nresume:`);
    const machine = boot("svm-npt", source);
    const event = () => machine.pendingExit;
    const found: bigint[] = [];
    for (
      let n = 0;
      n < 100 && machine.run({ steps: 1000, stopOnExit: (e) => e.kind === "exit" }).kind !== "stopped";
      n++
    ) {
      if (event()?.kind === "exit") found.push(read(machine, "exitIntInfo"));
      machine.run({ steps: 1 });
    }
    expect(found).toContain(info);
    const { events, machine: ended } = run("svm-npt", source);
    const bare = run("bare-metal", source);
    expect(dword(ended, 0x500)).toBe(vector);
    expect(dword(ended, 0x504)).toBe(dword(bare.machine, 0x504));
    expect(ended.instructions).toBe(bare.machine.instructions);
    const exceptions = (list: typeof events) => list.filter((e) => e.kind === "exception").length;
    expect(exceptions(events)).toBe(exceptions(bare.events));
  });
});

describe("what the guest finds", () => {
  const left = (body: string) => run("svm-npt", protectedGuest(body)).machine;

  it("is its own CR0 and CR4: nothing is fixed and nothing hidden", () => {
    const machine = left("mov eax, cr0\n mov ebx, cr4\n smsw ecx");
    expect(registersOf(machine, ["RAX", "RBX", "RCX"])).toEqual({ RAX: "11", RBX: "0", RCX: "11" });
  });

  it("is an EFER without SVME, which is 1 in the VMCB", () => {
    const machine = left("mov ecx, 0C0000080h\n rdmsr\n mov ebx, eax");
    expect(register(machine, "RBX")).toBe(0n);
    expect(read(machine, "efer")).toBe(0x1000n);
  });

  it("is #GP for an attempt to set EFER.SVME", () => {
    const source = guestWithTables("mov ecx, 0C0000080h\n mov eax, 1000h\n xor edx, edx\n wrmsr\n jmp finish\nresume:");
    expect(dword(run("svm-npt", source).machine, 0x500)).toBe(13);
  });

  test.each(["vmmcall", "vmcall"])("is a hypercall by %s", (instruction) => {
    const { machine, events } = run("svm-npt", protectedGuest(`mov eax, 11\n ${instruction}\n mov ebx, 7`));
    expect(registersOf(machine, ["RAX", "RBX"])).toEqual({ RAX: "0", RBX: "7" });
    expect(events.find((event) => event.kind === "hypercall")).toMatchObject({ name: "SCHED_YIELD", result: "0" });
  });

  it("is a refusal of hypercalls from ring 3", () => {
    const source = callFromRing3("vmmcall");
    expect(register(run("svm-npt", source).machine, "RBX")).toBe(0xffffffffn);
  });
});

describe("interrupts", () => {
  const kinds = (wait: string): string[] => {
    const { exits, machine } = run("svm-npt", timerGuest(wait), 400_000);
    expect(dword(machine, 0x500)).toBe(2);
    return exits.map((exit) => exit.reason).filter((r) => !["VMEXIT_IOIO", "VMEXIT_NPF"].includes(r));
  };

  it("leave a running guest, and are injected", () => {
    expect(kinds("sti\n.w: cmp dword [500h], 2\n jb .w")).toEqual(["VMEXIT_INTR", "VMEXIT_INTR", "VMEXIT_HLT"]);
  });

  it("wait for the virtual interrupt of a guest that has them disabled", () => {
    const wait = "mov ecx, 20000\n.s: loop .s\n sti\n nop\n.w: cmp dword [500h], 2\n jb .w";
    expect(kinds(wait)).toEqual(["VMEXIT_INTR", "VMEXIT_VINTR", "VMEXIT_INTR", "VMEXIT_HLT"]);
  });

  it("wake a halted guest without a further exit", () => {
    expect(kinds("sti\n.w: hlt\n cmp dword [500h], 2\n jb .w")).toEqual(["VMEXIT_HLT", "VMEXIT_HLT", "VMEXIT_HLT"]);
  });

  /** What the VMM asks for in the VMCB, the processor delivers by itself: V_IRQ, V_IGN_TPR, V_INTR_VECTOR 21h. */
  const virtual = guestWithTables(`
${gate("hit", "21h", 0)}
        mov esp, 60000h
        xor esi, esi
        cpuid
        mov edi, esi
        sti
        nop
        nop
        jmp finish
hit:    mov esi, 1
        iret
resume: nop`);
  const withVirtual = (tpr: bigint, flags: bigint) => {
    const machine = boot("svm-npt", virtual);
    machine.run({ steps: 2000, stopOnExit: (event) => event.kind === "exit" && event.reason === "VMEXIT_CPUID" });
    write(machine, "virtualVector", 0x21n);
    write(machine, "virtualInterrupt", read(machine, "virtualInterrupt") | flags | tpr);
    machine.run({ steps: 2000 });
    return machine;
  };
  const wanted = 1n << 8n;
  const ignoreTpr = 1n << 20n;
  const priority2 = 2n << 16n;

  test.each([
    ["as soon as the guest's IF allows", 0n, wanted | ignoreTpr, 1n],
    ["if its priority is above V_TPR", 1n, wanted | priority2, 1n],
    ["not if V_TPR holds it back", 2n, wanted | priority2, 0n],
    ["unless V_IGN_TPR says that does not matter", 15n, wanted | ignoreTpr, 1n],
  ])("that are virtual are delivered %s", (_, tpr, flags, delivered) => {
    const machine = withVirtual(tpr, flags);
    expect([register(machine, "RDI"), register(machine, "RSI")]).toEqual([0n, delivered]);
    expect((read(machine, "virtualInterrupt") >> 8n) & 1n).toBe(1n - delivered);
  });
});

describe("equivalence with bare metal", () => {
  const folder = new URL("../../../examples/", import.meta.url);
  const examples = readdirSync(folder).filter((name) => name.endsWith(".asm"));
  /** These ask whether there is a hypervisor, are one, are made for Xen, or take long. */
  const differing = /^(hypercall|hypervisor.*|kvm.*|sieve|xen-.*)\.asm$/;

  test.each(examples.filter((name) => !differing.test(name)))("%s", (name) => {
    const source = readFileSync(new URL(name, folder), "utf8");
    const memory = 16;
    const [bare, hosted] = (["bare-metal", "svm-npt"] as const).map((t) => run(t, source, 400_000, memory));
    expect(hosted!.output).toBe(bare!.output);
    expect(registersOf(hosted!.machine, general)).toEqual(registersOf(bare!.machine, general));
    expect(hosted!.stop).toMatchObject({ kind: "stopped", reason: (bare!.stop as { reason: string }).reason });
    const [a, b] = [bare!, hosted!].map(({ machine }) => guestMemory(machine));
    expect(Buffer.compare(a!, b!)).toBe(0);
  });

  it("holds for the #DB of single steps over exits", () => {
    const stepped = steppedGuest(
      `
        nop
        mov al, 1
        out 80h, al
        out 0E9h, al
        mov ecx, 277h
        rdmsr
        cpuid
        cli
        nop`,
      `
        push eax
        mov eax, dr6
        xor edi, eax
        rol edi, 1
        pop eax`,
    );
    const seen = (["bare-metal", "svm-npt"] as const).map((t) => registersOf(run(t, stepped).machine, ["RSI", "RDI"]));
    expect(seen[1]).toEqual(seen[0]);
    expect(Number.parseInt(seen[0]!.RSI!, 16)).toBeGreaterThanOrEqual(10);
  });
});

describe("the two-dimensional walk", () => {
  it("takes 14 references for two levels over four", () => {
    const source = readFileSync(new URL("../../../examples/paging-two-level.asm", import.meta.url), "utf8");
    const { machine } = run("svm-npt", source, 400_000, 16);
    const { steps } = machine.walk(machine.linearRip - 1n);
    expect(steps.map((step) => step.table)).toEqual([
      ...["PDE", "PTE"].flatMap((table) => ["nested PML4E", "nested PDPTE", "nested PDE", "nested PTE", table]),
      ...["nested PML4E", "nested PDPTE", "nested PDE", "nested PTE"],
    ]);
  });
});

describe("a debugger at a pending exit", () => {
  it("may change registers, which the VMM then sees", () => {
    const machine = boot("svm-npt", protectedGuest("mov al, 'A'\n out 0E9h, al"));
    machine.run({ steps: 100, stopOnExit: (event) => event.kind === "exit" && event.reason === "VMEXIT_IOIO" });
    machine.setRegister("EAX", 0x42n);
    machine.setRegister("ESP", 0x9000n);
    const stop = machine.run({ steps: 100 });
    expect(outcome(machine, stop).output).toBe("B");
    expect(register(machine, "RSP")).toBe(0x9000n);
  });
});

describe("the VMCB as a debugger shows it", () => {
  it("has its two areas, with what the exit says in words", () => {
    const machine = boot("svm-npt", protectedGuest("mov al, 'A'\n out 0E9h, al"));
    machine.run({ steps: 100, stopOnExit: (event) => event.kind === "exit" && event.reason === "VMEXIT_IOIO" });
    const { address, groups } = machine.vmcb()!;
    expect([address, groups.map(({ group }) => group)]).toEqual([0x1000n, ["Control area", "State save area"]]);
    const fields = new Map(groups.flatMap((group) => group.fields.map((field) => [field.name, field])));
    expect(fields.get("EXITCODE")).toMatchObject({ offset: 0x70, value: 0x7bn, bits: [{ value: "VMEXIT_IOIO" }] });
    expect(fields.get("EXITINFO1")!.bits).toContainEqual({ name: "EXITINFO1: PORT", value: "E9h", bits: "31:16" });
    expect(fields.get("EXITINFO2")!.value).toBe(machine.rip + 2n);
    const intercepts = fields.get("Intercept vector 3")!.bits;
    expect(intercepts.find(({ bits }) => bits === "18")).toMatchObject({ name: "CPUID", value: "1" });
    expect(fields.get("Intercept writes of CR0 to CR15")!.bits.map(({ bits }) => bits)).toContain("3");
    expect(fields.get("Intercept exception vectors 0 to 31")!.bits).toContainEqual({
      ...{ name: "#PF", value: "0", bits: "14", doc: "#PF exits." },
    });
    expect(fields.get("VMCB clean bits")!.bits.every(({ value }) => value === "1")).toBe(true);
    expect(fields.get("RIP")).toMatchObject({ offset: 0x578, width: 64, shown: true, value: machine.rip });
    expect(boot("vtx-ept", protectedGuest("nop")).vmcb()).toBeUndefined();
  });
});

describe("going back", () => {
  it("repeats the same exits from any moment", () => {
    const source = readFileSync(new URL("../../../examples/timer.asm", import.meta.url), "utf8");
    const machine = boot("svm-npt", source);
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
