import { describe, expect, it, test } from "vitest";
import { type ControlName, controlWord } from "../../../emulator/vmx/controls.ts";
import { makeEptp } from "../../../emulator/vmx/ept.ts";
import { machineWith } from "../machine/program.ts";
import { timerTicks } from "../vmm/setup.ts";
import { fieldOf, hypervisor, type Program, place, ran, register } from "./own-hypervisor.ts";

const everything = Number.MAX_SAFE_INTEGER;
/** Reason and qualification of each exit. */
const exitsOf = (machine: ReturnType<typeof ran>) =>
  machine
    .events(0, everything, ["exit"])
    .map((event) => (event.kind === "exit" ? `${event.reason} ${event.qualification}` : ""));
const run = (program: Program) => ran(hypervisor(program));
const secondary = (...names: readonly ControlName[]) => ({
  primary: controlWord("secondaryControls"),
  secondary: controlWord(...names),
});

/** An EPT at `place.free` that maps the first GiB in pages of 2 MiB, with one entry of its page directory changed. */
const eptCode = (index = 0, entry = 0xb7): string => `
        mov dword [${place.free}], ${place.free + 0x1007}
        mov dword [${place.free + 0x1000}], ${place.free + 0x2007}
        mov edi, ${place.free + 0x2000}
        mov eax, 0B7h
        mov ecx, 512
.ept:   mov [edi], eax
        mov dword [edi + 4], 0
        add edi, 8
        add eax, 200000h
        loop .ept
        mov dword [${place.free + 0x2000 + 8 * index}], ${entry}`;
const eptPointer = makeEptp(place.free, false);

describe.each([32, 64] as const)("a host of %i bits", (bits) => {
  const machine = run({
    bits,
    guest: "cpuid\n vmcall",
    handler: `mov edi, 440Ch
        ${bits === 64 ? "vmread rax, rdi" : "vmread eax, edi"}
        mov edi, 681Eh
        ${bits === 64 ? "vmread rbx, rdi\n add rbx, rax\n vmwrite rdi, rbx" : "vmread ebx, edi\n add ebx, eax\n vmwrite edi, ebx"}
        inc ebp
        cmp ebp, 2
        je finished
        vmresume
finished:
        vmxoff
        hlt`,
  });

  it("runs its guest to two exits, and goes on", () => {
    expect(machine.stopped?.reason).toBe("halted");
    expect(exitsOf(machine)).toEqual(["CPUID 0", "VMCALL 0"]);
    expect(machine.vmx).toEqual({ operation: "off", hypervisor: "guest" });
  });

  it("is told why, and what it costs", () => {
    const events = machine.events(0, everything, ["entry", "exit"]);
    const unit = { exit: 1, entry: 1 };
    expect(events.map((event) => [event.kind, "exit" in event ? event.exit : undefined])).toEqual([
      ["entry", 0],
      ["exit", undefined],
      ["entry", events[1]!.sequence],
      ["exit", undefined],
    ]);
    expect(events[1]).toMatchObject({
      technique: "bare-metal",
      why: { sentence: "CPUID always leaves the guest; no control can prevent it." },
    });
    // Exit, ten instructions, entry.
    expect(events[1]).toMatchObject({ cost: unit.exit + 10 + unit.entry });
    expect(events[3]).toMatchObject({ cost: 0 });
  });

  it("can be stopped at its exits", () => {
    const source = hypervisor({ bits, guest: "cpuid" });
    const stopping = machineWith(source);
    const stop = stopping.run({
      steps: 100_000,
      stopOnExit: (event) => event.kind === "exit" && event.reason === "CPUID",
    });
    expect(stop).toMatchObject({ kind: "exit" });
    expect(stopping.linearRip).toBe(fieldOf(stopping, "hostRip"));
    expect(stopping.pendingExit).toBeUndefined();
  });
});

describe("where the processor is", () => {
  const source = hypervisor({ guest: "nop\n vmcall" });

  it("is root or non-root operation, with the VMCS by groups", () => {
    const machine = machineWith(source);
    const states = new Set<string>();
    for (let step = 0; step < 1000 && !machine.stopped; step++) {
      states.add(machine.vmx!.operation);
      machine.step();
    }
    expect([...states]).toEqual(["off", "root", "non-root"]);
    expect(machine.vmx).toEqual({ operation: "root", hypervisor: "guest", vmxonRegion: BigInt(place.vmxon) });
    const view = machine.vmcs()!;
    expect(view).toMatchObject({ address: BigInt(place.vmcs), launched: true });
    expect(view.groups.map(({ group }) => group)).toEqual(["control", "read-only", "guest", "host"]);
    const reason = view.groups[1]!.fields.find(({ encoding }) => encoding === 0x4402)!;
    expect(reason).toMatchObject({ value: 18n, shown: true, width: 32 });
    expect(reason.bits[0]).toEqual({ name: "Basic exit reason", value: "VMCALL", bits: "15:0" });
    expect(register(machine, "VMX operation")).toBe(1n);
    expect(register(machine, "VMCS pointer")).toBe(BigInt(place.vmcs));
  });

  it("is non-root operation under the built-in VMM", () => {
    const machine = machineWith("org 100000h\n bits 32\n cli\n hlt", { technique: "vtx-ept" });
    expect(machine.vmx).toEqual({ operation: "non-root", hypervisor: "built-in" });
    expect(machine.vmcs()!.groups[0]!.fields.length).toBeGreaterThan(20);
    expect(machineWith("hlt", { technique: "trap-and-emulate", mode: "protected" }).vmcs()).toBeUndefined();
  });

  it("says of an instruction of its guest what becomes of it", () => {
    const machine = machineWith(hypervisor({ guest: "hlt\n cpuid" }));
    while (machine.vmx!.operation !== "non-root") machine.step();
    expect(machine.why()).toMatchObject({ outcome: "runs" });
    const leaving = machineWith(hypervisor({ guest: "cpuid" }));
    while (leaving.vmx!.operation !== "non-root") leaving.step();
    expect(leaving.why()).toMatchObject({ outcome: "leaves" });
  });
});

describe("what an exit saves and loads", () => {
  it("flushes with RF as the manual wants it", () => {
    const flags = 0x1_0002n;
    const resumeFlag = (program: Program) => (fieldOf(run(program), "guestRflags") >> 16n) & 1n;
    expect(resumeFlag({ guest: "cpuid", fields: { guestRflags: flags } })).toBe(0n);
    expect(resumeFlag({ guest: "ud2", fields: { exceptionBitmap: 0x40 } })).toBe(1n);
    expect(resumeFlag({ guest: "int3", fields: { exceptionBitmap: 8 } })).toBe(0n);
    const violated = { ...secondary("ept"), before: eptCode(3, 0) };
    const hole = { controls: secondary("ept"), before: violated.before, fields: { eptPointer } };
    expect(resumeFlag({ ...hole, guest: "mov al, [600000h]" })).toBe(1n);
    const apic = { controls: secondary("virtualizeApicAccesses"), fields: { apicAccessAddress: 0x60_0000 } };
    expect(resumeFlag({ ...apic, guest: "mov eax, [600020h]" })).toBe(1n);
    const log = { eptPointer: makeEptp(place.free, true), pmlAddress: place.free + 0x8000, pmlIndex: 0xffff };
    expect(resumeFlag({ controls: secondary("ept", "pml"), before: eptCode(), fields: log })).toBe(1n);
  });

  it("loads the host's segments as fixed, its stack and its flags", () => {
    const machine = run({ fields: { hostFsBase: 0x1234_5678n, hostDsSelector: 0 }, guest: "stc\n vmcall" });
    expect(register(machine, "RSP")).toBe(BigInt(place.hostStack));
    expect(register(machine, "FS.base")).toBe(0x1234_5678n);
    expect(register(machine, "DS.access")).toBe(0x1_0000n);
    expect(register(machine, "TR.limit")).toBe(0x67n);
    expect(register(machine, "GDTR.limit")).toBe(0xffffn);
    expect(register(machine, "CF")).toBe(0n);
    expect(register(machine, "DR7")).toBe(0x400n);
  });

  it("shows the guest the time-stamp counter with the offset, and the host without", () => {
    const offset = 1n << 40n;
    const machine = run({
      controls: { primary: controlWord("tscOffsetting") },
      fields: { tscOffset: offset },
      guest: "rdtsc\n mov esi, edx\n vmcall",
      handler: "rdtsc\n hlt",
    });
    expect([register(machine, "RSI"), register(machine, "RDX")]).toEqual([0x100n, 0n]);
  });
});

const area = (at: number, entries: readonly (readonly [msr: number, value: bigint, reserved?: number])[]): string =>
  entries
    .map(([msr, value, reserved = 0], n) =>
      [msr, reserved, Number(value & 0xffff_ffffn), Number(value >> 32n)]
        .map((word, part) => `mov dword [${at + 16 * n + 4 * part}], ${word}`)
        .join("\n"),
    )
    .join("\n");
const [KERNEL_GS_BASE, SYSENTER_EIP, FS_BASE] = [0xc000_0102, 0x176, 0xc000_0100] as const;

describe("MSR areas", () => {
  it("load at the entry, store and load at the exit", () => {
    const machine = run({
      before: [
        area(place.free, [[KERNEL_GS_BASE, 0x1111n]]),
        area(place.free + 0x100, [[KERNEL_GS_BASE, 0n]]),
        area(place.free + 0x200, [[KERNEL_GS_BASE, 0x2222n]]),
      ].join("\n"),
      fields: {
        entryMsrLoadAddress: place.free,
        entryMsrLoadCount: 1,
        exitMsrStoreAddress: place.free + 0x100,
        exitMsrStoreCount: 1,
        exitMsrLoadAddress: place.free + 0x200,
        exitMsrLoadCount: 1,
      },
      handler: `mov ecx, ${KERNEL_GS_BASE}\n rdmsr\n mov ebx, [${place.free + 0x108}]\n hlt`,
    });
    expect([register(machine, "RBX"), register(machine, "RAX")]).toEqual([0x1111n, 0x2222n]);
  });

  test.each([
    ["a base that the VMCS has", [FS_BASE, 0n]],
    ["reserved bits", [KERNEL_GS_BASE, 0n, 1]],
    ["a value that WRMSR refuses", [SYSENTER_EIP, 0x8000_0000_0000_0000n]],
    ["an MSR that is not there", [0x12345, 0n]],
    ["an MSR of x2APIC mode", [0x808, 0n]],
  ] as const)("that hold %s fail the entry with their number, or abort the exit", (_, entry) => {
    const good = [KERNEL_GS_BASE, 1n] as const;
    const before = area(place.free, [good, entry]);
    const failed = run({ before, fields: { entryMsrLoadAddress: place.free, entryMsrLoadCount: 2 } });
    expect(exitsOf(failed)).toEqual(["VMENTRY_FAILURE_MSR 2"]);
    expect(fieldOf(failed, "exitReason")).toBe(0x8000_0022n);
    expect(failed.vmcs()).toMatchObject({ launched: false });
    const aborted = run({ before, fields: { exitMsrLoadAddress: place.free, exitMsrLoadCount: 2 } });
    expect(aborted.stopped).toMatchObject({ reason: "vmx-abort", text: expect.stringContaining("VMX abort 4") });
    expect(aborted.readMemory("guest-physical", BigInt(place.vmcs + 4), 1)).toEqual([4]);
  });

  it("that cannot be stored abort the exit", () => {
    const before = area(place.free, [[0x12345, 0n]]);
    const machine = run({ before, fields: { exitMsrStoreAddress: place.free, exitMsrStoreCount: 1 } });
    expect(machine.stopped).toMatchObject({ reason: "vmx-abort", text: expect.stringContaining("VMX abort 1") });
  });
});

describe("VMX aborts", () => {
  it("come of PDPTEs of the host that are not valid", () => {
    const machine = run({
      bits: 32,
      before: `mov dword [${place.free}], 3`,
      fields: { hostCr4: 0x2020, hostCr3: place.free },
    });
    expect(machine.stopped).toMatchObject({ reason: "vmx-abort", text: expect.stringContaining("VMX abort 2") });
  });

  it("come of a guest that went into IA-32e mode under a host that is not", () => {
    const tables = place.free + 0x4000;
    const machine = run({
      bits: 32,
      controls: {
        primary: controlWord("secondaryControls", "msrBitmaps"),
        secondary: controlWord("ept", "unrestrictedGuest"),
      },
      before: `${eptCode()}
        mov dword [${tables}], ${tables + 0x1003}
        mov dword [${tables + 0x1000}], 83h`,
      fields: { eptPointer, msrBitmaps: place.free + 0x8000, guestCr0: 0x31 },
      guest: `mov eax, 2020h
        mov cr4, eax
        mov eax, ${tables}
        mov cr3, eax
        mov ecx, 0C0000080h
        mov eax, 100h
        xor edx, edx
        wrmsr
        mov eax, 80000031h
        mov cr0, eax
        cpuid`,
    });
    expect(machine.stopped).toMatchObject({ reason: "vmx-abort", text: expect.stringContaining("VMX abort 6") });
  });
});

describe("entries that fail", () => {
  it("by the guest's state are exits of reason 33, which name the check", () => {
    const machine = run({ fields: { guestRflags: 0 } });
    expect(exitsOf(machine)).toEqual(["VMENTRY_FAILURE_GUEST_STATE 0"]);
    expect(machine.events(0, everything, ["exit"])[0]).toMatchObject({
      what: "check rflags.reserved failed",
      why: { sentence: expect.stringContaining("RFLAGS") },
    });
    expect(fieldOf(machine, "exitReason")).toBe(0x8000_0021n);
    expect(machine.events(0, everything, ["entry"])).toEqual([]);
  });

  it("by a VMCS link pointer have a qualification of their own; one to another VMCS can be", () => {
    const linked = (to: number, before = ""): readonly string[] =>
      exitsOf(run({ before, fields: { vmcsLinkPointer: to } }));
    const region = `mov eax, [${place.vmcs}]\n mov [${place.free}], eax`;
    expect(linked(place.free)).toEqual(["VMENTRY_FAILURE_GUEST_STATE 4"]);
    expect(linked(place.free + 8, region)).toEqual(["VMENTRY_FAILURE_GUEST_STATE 4"]);
    expect(linked(place.vmcs)).toEqual(["VMENTRY_FAILURE_GUEST_STATE 4"]);
    expect(linked(place.free, region)).toEqual(["VMCALL 0"]);
  });

  it("of a PAE guest without EPT look at the PDPTEs in memory", () => {
    const guest = { bits: 32, fields: { guestCr4: 0x2020, guestCr3: place.free } } as const;
    const bad = run({ ...guest, before: `mov dword [${place.free}], 3` });
    expect(exitsOf(bad)).toEqual(["VMENTRY_FAILURE_GUEST_STATE 2"]);
    const good = run({
      ...guest,
      before: `mov dword [${place.free}], ${place.free + 0x1001}\n mov dword [${place.free + 0x1000}], 83h`,
    });
    expect(exitsOf(good)).toEqual(["VMCALL 0"]);
  });
});

describe("translations", () => {
  /** The guest reads a page, the host maps another one there, and the guest reads again. */
  const stale = (controls: Program["controls"], fields: Program["fields"], change: string) =>
    register(
      run({
        controls: controls!,
        fields: { vpid: 1, eptPointer, ...fields },
        before: `${eptCode()}
        mov byte [600000h], 1
        mov byte [800000h], 2`,
        guest: "mov al, [600000h]\n mov bl, al\n vmcall",
        handler: `inc ebp
        cmp ebp, 2
        je finished
        ${change}
        mov edx, 681Eh
        mov eax, guest
        vmwrite rdx, rax
        vmresume
finished:
        movzx ebx, bl
        hlt`,
        data: "descriptor: dq 1, 600000h\nept: dq 20201Eh, 0",
      }),
      "RBX",
    );
  const changeGuest =
    "mov rax, cr3\n mov rax, [rax]\n and al, 0\n mov rax, [rax]\n and al, 0\n mov qword [rax + 24], 8000E3h\n";
  const changeEpt = `mov dword [${place.free + 0x2018}], 8000B7h\n`;
  const invvpid = (type: number) => `mov eax, ${type}\n invvpid rax, [descriptor]\n`;
  const invept = (type: number) => `mov eax, ${type}\n invept rax, [ept]\n`;
  const vpid = secondary("vpid");
  const both = secondary("vpid", "ept");

  test.each([
    ["without VPIDs an entry forgets them", secondary(), changeGuest, 2n],
    ["with VPIDs they stay", vpid, changeGuest, 1n],
    ["until INVVPID of the address", vpid, changeGuest + invvpid(0), 2n],
    ["of the VPID", vpid, changeGuest + invvpid(1), 2n],
    ["of all", vpid, changeGuest + invvpid(2), 2n],
    ["of all but global ones", vpid, changeGuest + invvpid(3), 2n],
    ["another VPID's are not touched", vpid, `${changeGuest}mov word [descriptor], 2\n${invvpid(1)}`, 1n],
    ["those through EPT stay too", both, changeEpt, 1n],
    ["until INVEPT of the tables", both, changeEpt + invept(1), 2n],
    ["or of all", both, changeEpt + invept(2), 2n],
    [
      "or an entry with other tables",
      both,
      `${changeEpt}mov edx, 201Ah\n mov eax, ${place.free + 0x305e}\n mov rcx, [${place.free}]\n mov [${place.free + 0x3000}], rcx\n vmwrite rdx, rax\n`,
      2n,
    ],
  ] as const)("%s", (_, controls, change, expected) => {
    expect(stale(controls, {}, change)).toBe(expected);
  });

  it("of a page are forgotten by its EPT violation, without INVEPT", () => {
    const machine = run({
      controls: secondary("ept", "vpid"),
      fields: { vpid: 1, eptPointer },
      before: `${eptCode(3, 0x60_00b1)}
        mov dword [600000h], 11h
        mov dword [800000h], 22h`,
      guest: "mov eax, [600000h]\n mov byte [600004h], 5\n mov ebx, [600000h]\n vmcall",
      handler: `inc ebp
        cmp ebp, 2
        je finished
        mov dword [${place.free + 0x2018}], 8000B7h
        vmresume
finished:`,
    });
    expect(exitsOf(machine)).toEqual(["EPT_VIOLATION 18a", "VMCALL 0"]);
    expect([register(machine, "RAX"), register(machine, "RBX")]).toEqual([0x11n, 0x22n]);
  });

  it("of a guest's tables that EPT lets be read only cannot be marked accessed", () => {
    // The page directory of the start mode's tables lies at FF3000h.
    const machine = run({
      controls: secondary("ept"),
      before: `${eptCode(7, 0xe0_00b5)}
        mov rax, 0FF3000h
        and byte [rax + 8 * 4], 0DFh
        mov rax, cr3
        mov cr3, rax`,
      fields: { eptPointer },
      guest: "mov al, [800000h]",
    });
    expect(machine.events(0, everything, ["exit"])[0]).toMatchObject({ reason: "EPT_VIOLATION" });
    expect(fieldOf(machine, "exitQualification") & 0x18bn).toBe(0x8bn);
  });
});

describe("interrupts and halts", () => {
  /** Timer ticks through the 8259, as IRQ 0. */
  const ticks = timerTicks(256);

  it("leave a halted guest though it has interrupts disabled", () => {
    const machine = run({
      controls: { pin: controlWord("externalInterruptExiting") },
      before: ticks,
      guest: "hlt\n vmcall",
    });
    expect(exitsOf(machine)).toEqual(["EXTERNAL_INTERRUPT 0"]);
    expect(fieldOf(machine, "guestActivity")).toBe(1n);
  });

  it("are acknowledged where the host wants the vector", () => {
    const machine = run({
      controls: { pin: controlWord("externalInterruptExiting"), exit: controlWord("acknowledgeInterrupt") },
      before: ticks,
      guest: "jmp $",
    });
    expect(fieldOf(machine, "exitInterruptionInfo")).toBe(0x8000_0020n);
  });

  it("do not reach a guest that waits for a start-up message", () => {
    const pin = controlWord("externalInterruptExiting");
    const machine = run({ controls: { pin }, before: ticks, fields: { guestActivity: 3 }, guest: "hlt" });
    expect(machine.vmx?.operation).toBe("non-root");
    expect(machine.stopped?.reason).toBe("halted");
    expect(exitsOf(machine)).toEqual([]);
  });

  it("wait for good where nothing wakes the guest", () => {
    const machine = run({ guest: "hlt\n vmcall" });
    expect(machine.stopped?.reason).toBe("halted");
    expect(exitsOf(machine)).toEqual([]);
  });

  it("block NMIs when one is injected", () => {
    const machine = run({
      before: `mov word [idt + 20h], nmi - 100000h
        mov word [idt + 26h], 10h
        mov edx, 6816h
        mov eax, gdt
        vmwrite rdx, rax
        mov edx, 6818h
        mov eax, idt
        vmwrite rdx, rax`,
      fields: { entryInterruptionInfo: 0x8000_0202, guestIdtrLimit: 0x2f, guestGdtrLimit: 0xf },
      guest: "ud2\nnmi: vmcall",
      data: "gdt: dq 0, 00209B0000000000h\nidt: dq 0, 0, 0, 0\n dw 0, 8, 8E00h, 0, 0, 0, 0, 0",
    });
    expect(exitsOf(machine)).toEqual(["VMCALL 0"]);
    expect(fieldOf(machine, "guestInterruptibility")).toBe(8n);
    expect(machine.events(0, everything, ["inject"])).toMatchObject([{ vector: 2 }]);
  });
});

describe("INIT", () => {
  /** The local APIC's page, and INIT to the processor itself. */
  const map = `mov dword [${place.tables + 0x3fb * 4}], 0FEC00083h\n`;
  const send = "mov dword [0FEE00310h], 0\n mov dword [0FEE00300h], 4500h\n";

  it("leaves a guest", () => {
    const machine = run({ bits: 32, before: map, guest: `${send} nop\n jmp $` });
    expect(exitsOf(machine)).toEqual(["INIT 0"]);
  });

  it("waits in root operation until VMXOFF", () => {
    const machine = run({ bits: 32, before: `${map} ${send} nop`, handler: "mov ebx, 1\n nop\n vmxoff\n nop\n jmp $" });
    expect(exitsOf(machine)).toEqual(["INIT 0"]);
  });

  it("is blocked while a guest waits for a start-up message", () => {
    const machine = run({ bits: 32, before: `${map} ${send} nop`, fields: { guestActivity: 3 } });
    expect(machine.vmx?.operation).toBe("non-root");
    expect(machine.stopped?.reason).toBe("halted");
    expect(exitsOf(machine)).toEqual([]);
  });
});

describe("two processors", () => {
  // The other one counts in real mode, and leaves non-root operation to this one.
  const source = hypervisor({
    bits: 32,
    before: `mov dword [${place.tables + 0x3fb * 4}], 0FEC00083h
        mov dword [8000h], 900006FFh
        mov dword [8004h], 0FAEBh
        mov dword [0FEE00310h], 1000000h
        mov dword [0FEE00300h], 4500h
        mov dword [0FEE00310h], 1000000h
        mov dword [0FEE00300h], 4608h`,
    guest: "mov ecx, 30000\n.wait: loop .wait\n vmcall",
    handler: "movzx ebx, word [9000h]\n hlt",
  });

  it("are each in an operation of their own, and can be gone back over", () => {
    const machine = machineWith(source, { processors: 2, costs: "unit" });
    const seen = new Set<string>();
    const exits = () => exitsOf(machine);
    while (exits().length === 0 && machine.now < 200_000) {
      machine.run({ steps: 997 });
      seen.add(`${machine.vcpu} ${machine.vmx!.operation}`);
    }
    expect(exits()).toEqual(["VMCALL 0"]);
    expect([...seen].sort()).toContain("1 off");
    expect([...seen].sort()).toContain("0 non-root");
    const end = machine.now;
    const outcome = () => [machine.vcpu, machine.registers().map(({ value }) => value), machine.events(0, everything)];
    const first = outcome();
    machine.goTo(Math.floor(end / 2));
    machine.goTo(end);
    expect(outcome()).toEqual(first);
  });
});
