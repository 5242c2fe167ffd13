import { describe, expect, test } from "vitest";
import { virtualTime } from "../../../emulator/cpu/virtual-time.ts";
import type { ControlName } from "../../../emulator/vmx/controls.ts";
import { at, gate, selector } from "../cpu/processor.ts";
import { codeAt, type Setting, SmallVmm } from "./small-vmm.ts";

/** Ten instructions of a byte each, then for ever. */
const nops = `${"nop\n".repeat(10)}jmp $`;
const vmm = (source: string, setting: Setting) => new SmallVmm(source, setting);
const rips = (subject: SmallVmm) => subject.exits.map(({ rip }) => rip - codeAt);

/** Interrupts, NMIs and exceptions of the guest go to code that does nothing. */
function handlers(subject: SmallVmm, code: readonly number[] = [0xcf]): void {
  const { ram } = subject.processor;
  const handler = 0x700;
  for (let vector = 0; vector < 64; vector++)
    ram.setBigUint64(at.idt + 8 * vector, gate(0xe, selector.code32, handler), true);
  for (const [n, byte] of code.entries()) ram.setUint8(handler + n, byte);
}

describe("monitor trap flag", () => {
  test("leaves after each instruction", () => {
    const subject = vmm(nops, { controls: ["monitorTrapFlag"] });
    expect(subject.run(4)).toEqual(Array(4).fill("MONITOR_TRAP_FLAG"));
    expect(rips(subject)).toEqual([1, 2, 3, 4]);
    expect(subject.exits[0]!.rule).toMatch(/4002h, bit 27: Monitor trap flag = 1$/);
  });

  test("does not leave where it is 0", () => {
    expect(vmm(nops, {}).run(1, 50)).toEqual([]);
  });

  test("after an injected event leaves before the first instruction of the handler", () => {
    const subject = vmm(nops, {
      controls: ["monitorTrapFlag"],
      fields: { entryInterruptionInfo: 0x8000_0000 | 0x20, guestRflags: 0x202n },
      prepare: handlers,
    });
    subject.run(2);
    expect(subject.exits.map(({ rip }) => rip)).toEqual([0x700, codeAt]);
  });

  test("a repeated instruction leaves after its first iteration", () => {
    const subject = vmm("mov ecx, 3\nmov edi, 9000h\nrep stosb\nnop\njmp $", { controls: ["monitorTrapFlag"] });
    subject.run(6);
    expect(rips(subject)).toEqual([5, 10, 10, 10, 12, 13]);
  });

  test("a single step that is due stays pending", () => {
    const subject = vmm(nops, {
      controls: ["monitorTrapFlag"],
      fields: { guestRflags: 0x102n },
      prepare: handlers,
      handle: ({ vmcs }) => expect(vmcs.number("guestPendingDebug")).toBe(0x4000),
    });
    expect(subject.run(1)).toEqual(["MONITOR_TRAP_FLAG"]);
    expect(subject.vmcs.number("guestPendingDebug")).toBe(0x4000);
  });

  test("can be injected, and comes before the first instruction, whatever the control", () => {
    const subject = vmm(nops, { fields: { entryInterruptionInfo: 0x8000_0700 } });
    expect(subject.run(1)).toEqual(["MONITOR_TRAP_FLAG"]);
    expect(rips(subject)).toEqual([0]);
    expect(subject.exits[0]!.rule).toMatch(/4016h: type 7/);
    expect(subject.run(2, 50)).toEqual(["MONITOR_TRAP_FLAG"]);
  });

  test("a guest that enters halted is not left before it wakes", () => {
    const subject = vmm(nops, {
      controls: ["monitorTrapFlag"],
      fields: { guestActivity: 1, guestRflags: 0x202n },
      prepare: handlers,
    });
    expect(subject.run(1, 20)).toEqual([]);
    subject.processor.bus.vectors.push(0x21);
    subject.cpu.attention = true;
    subject.run(1);
    expect(subject.exits.map(({ rip }) => rip)).toEqual([0x700]);
  });
});

describe("VMX-preemption timer", () => {
  test.each([
    [0, 0],
    [1, 10],
    [3, 10],
  ])("of %i runs out", (preemptionTimer, rip) => {
    const subject = vmm(nops, { controls: ["preemptionTimer"], fields: { preemptionTimer } });
    expect(subject.run(1)).toEqual(["VMX_PREEMPTION_TIMER_EXPIRED"]);
    expect(rips(subject)).toEqual([rip]);
    // The first tick is a part of one.
    expect(virtualTime(subject.cpu)).toBe(preemptionTimer * 32 + 1);
    expect(subject.exits[0]!.rule).toMatch(/4000h, bit 6: Activate VMX-preemption timer = 1$/);
  });

  test("does not run where its control is 0", () => {
    expect(vmm(nops, { fields: { preemptionTimer: 1 } }).run(1, 200)).toEqual([]);
  });

  test("is not saved where its control is 0", () => {
    const subject = vmm(`nop\ncpuid\n${nops}`, { controls: ["preemptionTimer"], fields: { preemptionTimer: 7 } });
    expect(subject.run(1)).toEqual(["CPUID"]);
    expect(subject.vmcs.number("preemptionTimer")).toBe(7);
  });

  test("saves what is left, and goes on with it", () => {
    const subject = vmm(`${"nop\n".repeat(40)}cpuid\njmp $`, {
      controls: ["preemptionTimer", "savePreemptionTimer"],
      fields: { preemptionTimer: 4 },
    });
    expect(subject.run(1)).toEqual(["CPUID"]);
    expect(subject.vmcs.number("preemptionTimer")).toBe(3);
    expect(subject.run(2)).toEqual(["CPUID", "VMX_PREEMPTION_TIMER_EXPIRED"]);
    expect(subject.vmcs.number("preemptionTimer")).toBe(0);
  });

  test("that has run out saves 0, in the middle of a tick too", () => {
    const subject = vmm(nops, { controls: ["preemptionTimer", "savePreemptionTimer"], fields: { preemptionTimer: 0 } });
    expect(subject.run(1)).toEqual(["VMX_PREEMPTION_TIMER_EXPIRED"]);
    expect(subject.vmcs.number("preemptionTimer")).toBe(0);
  });

  test("ends a halt with interrupts disabled", () => {
    const subject = vmm("hlt\nnop\njmp $", { controls: ["preemptionTimer"], fields: { preemptionTimer: 2 } });
    expect(subject.run(1)).toEqual(["VMX_PREEMPTION_TIMER_EXPIRED"]);
    expect(rips(subject)).toEqual([1]);
    expect(subject.vmcs.number("guestActivity")).toBe(1);
  });
});

describe("NMIs", () => {
  const nmi = (subject: SmallVmm) => subject.cpu.nonMaskableInterrupt();

  test("exit with NMI exiting", () => {
    const subject = vmm(nops, { controls: ["nmiExiting"], prepare: nmi });
    expect(subject.run(1)).toEqual(["EXCEPTION_NMI"]);
    expect(subject.vmcs.number("exitInterruptionInfo")).toBe(0x8000_0202);
  });

  test("go through the guest's IDT without", () => {
    const subject = vmm(nops, {
      prepare: (made) => {
        handlers(made, [0xf4]);
        nmi(made);
      },
    });
    expect(subject.run(1, 20)).toEqual([]);
    expect(subject.cpu.rip).toBe(0x701);
    expect(subject.cpu.interruptibility & 8).toBe(8);
  });

  test("are held off by blocking unless it is virtual", () => {
    const blocked: Setting = { fields: { guestInterruptibility: 8 }, prepare: nmi };
    expect(vmm(nops, { ...blocked, controls: ["nmiExiting"] }).run(1, 20)).toEqual([]);
    expect(vmm(nops, { ...blocked, controls: ["nmiExiting", "virtualNmis"] }).run(1, 20)).toEqual(["EXCEPTION_NMI"]);
  });

  test.each([
    [[], 0],
    [["nmiExiting"], 8],
    [["nmiExiting", "virtualNmis"], 0],
  ] as const)("with %j IRET leaves blocking at %i", (controls, after) => {
    const iret = "push dword 2\npush dword 8\npush dword 500h\niret\ntimes 500h - ($ - $$) - 400h nop\njmp $";
    const subject = vmm(iret, { controls, fields: { guestInterruptibility: 8 } });
    expect(subject.run(1, 20)).toEqual([]);
    expect(subject.cpu.interruptibility & 8).toBe(after);
  });

  test.each([
    [[], 8, 0x1b0d],
    [[], 0, 0xb0d],
    [["nmiExiting"], 8, 0xb0d],
    [["nmiExiting", "virtualNmis"], 8, 0x1b0d],
  ] as const)("with %j and blocking %i, the exit of an IRET that faults says %i", (controls, blocking, info) => {
    const iret = "push dword 2\npush dword 0F8h\npush dword 500h\niret";
    const fields = { guestInterruptibility: blocking, exceptionBitmap: 1 << 13 };
    const subject = vmm(iret, { controls, fields });
    expect(subject.run(1)).toEqual(["EXCEPTION_NMI"]);
    expect(subject.vmcs.number("exitInterruptionInfo") & 0xffff).toBe(info);
    expect(subject.cpu.unblockedNmi).toBe(false);
  });

  test("NMI-window exiting waits for the end of virtual-NMI blocking", () => {
    const controls = ["nmiExiting", "virtualNmis", "nmiWindowExiting"] as const;
    expect(vmm(nops, { controls }).run(1)).toEqual(["NMI_WINDOW"]);
    const iret = "nop\npush dword 2\npush dword 8\npush dword 500h\niret\ntimes 500h - ($ - $$) - 400h nop\njmp $";
    const subject = vmm(iret, { controls, fields: { guestInterruptibility: 8 } });
    expect(subject.run(1)).toEqual(["NMI_WINDOW"]);
    expect(subject.exits[0]).toMatchObject({
      rip: 0x500,
      rule: expect.stringMatching(/bit 22: NMI-window exiting = 1$/),
    });
  });

  test("an injected NMI blocks virtual NMIs", () => {
    const subject = vmm(nops, {
      controls: ["nmiExiting", "virtualNmis"],
      fields: { entryInterruptionInfo: 0x8000_0202 },
      prepare: (made) => handlers(made, [0x0f, 0xa2]),
    });
    expect(subject.run(1)).toEqual(["CPUID"]);
    expect(subject.vmcs.number("guestInterruptibility")).toBe(8);
  });
});

describe("an NMI whose delivery faults blocks NMIs all the same", () => {
  const emptyGate = (subject: SmallVmm): void => {
    handlers(subject);
    subject.processor.ram.setBigUint64(at.idt + 8 * 2, 0n, true);
  };
  const faults = (1 << 11) | (1 << 13);

  test.each([
    [["nmiExiting", "virtualNmis"], { entryInterruptionInfo: 0x8000_0202 }],
    [[], { entryInterruptionInfo: 0x8000_0202 }],
  ] as const)("with %j", (controls, fields) => {
    const subject = vmm(nops, { controls, fields: { ...fields, exceptionBitmap: faults }, prepare: emptyGate });
    expect(subject.run(1)).toEqual(["EXCEPTION_NMI"]);
    expect(subject.vmcs.number("idtVectoringInfo")).toBe(0x8000_0202);
    expect(subject.vmcs.number("guestInterruptibility")).toBe(8);
  });
});

describe("the exit of a delivery that an entry began", () => {
  const fields = (vector: number) => ({
    entryInterruptionInfo: 0x8000_0300 | vector,
    exceptionBitmap: (1 << 8) | (1 << 11),
  });
  const emptyGate = (vector: number) => (subject: SmallVmm) => {
    handlers(subject);
    subject.processor.ram.setBigUint64(at.idt + 8 * vector, gate(0xe, selector.code32, 0) & ~(1n << 47n), true);
  };

  test("finds no blocking by MOV SS, nor the HLT state", () => {
    const subject = vmm(nops, { fields: { ...fields(6), guestInterruptibility: 2 }, prepare: emptyGate(6) });
    expect(subject.run(1)).toEqual(["EXCEPTION_NMI"]);
    expect(subject.vmcs.number("exitInterruptionInfo")).toBe(0x8000_0b0b);
    expect(subject.vmcs.number("idtVectoringInfo")).toBe(0x8000_0306);
    expect(subject.vmcs.number("guestInterruptibility")).toBe(0);
    const halted = vmm(nops, { fields: { ...fields(1), guestActivity: 1 }, prepare: emptyGate(1) });
    halted.run(1);
    expect(halted.vmcs.number("guestActivity")).toBe(0);
  });

  test("by a double fault has no vectoring information", () => {
    const exceptionBitmap = 1 << 8;
    const subject = vmm(nops, { fields: { ...fields(0), exceptionBitmap }, prepare: emptyGate(0) });
    expect(subject.run(1)).toEqual(["EXCEPTION_NMI"]);
    expect(subject.vmcs.number("exitInterruptionInfo")).toBe(0x8000_0b08);
    expect(subject.vmcs.number("idtVectoringInfo")).toBe(0);
  });
});

describe("pending debug exceptions at an entry", () => {
  const [step, enabled, first] = [1 << 14, 1 << 12, 1];
  const inject = (type: number, vector: number) => ({
    entryInterruptionInfo: 0x8000_0000 | (type << 8) | vector,
    entryInstructionLength: 1,
  });
  const movSs = { guestInterruptibility: 2 };

  test.each([
    ["a single step", { guestPendingDebug: step, guestRflags: 0x102n }, step],
    ["an enabled breakpoint", { guestPendingDebug: enabled | first }, first],
    ["a breakpoint that is not enabled", { guestPendingDebug: first }, undefined],
    [
      "an injected interrupt",
      { guestPendingDebug: enabled | first, guestRflags: 0x202n, ...inject(0, 0x20) },
      undefined,
    ],
    ["an injected NMI", { guestPendingDebug: enabled | first, ...inject(2, 2) }, undefined],
    ["an injected exception", { guestPendingDebug: enabled | first, ...inject(3, 6) }, undefined],
    ["INT n", { guestPendingDebug: enabled | first, ...inject(4, 0x20) }, undefined],
    ["INT3 behind MOV SS", { guestPendingDebug: enabled | first, ...movSs, ...inject(6, 3) }, first],
    ["wait for SIPI", { guestPendingDebug: enabled | first, guestActivity: 3 }, undefined],
  ] as const)("%s", (_, fields, causes) => {
    const subject = vmm(nops, { fields: { ...fields, exceptionBitmap: 2 }, prepare: handlers });
    expect(subject.run(1, 20)).toEqual(causes === undefined ? [] : ["EXCEPTION_NMI"]);
    if (causes !== undefined) expect(subject.exits[0]!.qualification).toBe(BigInt(causes));
  });
});

const ring3 = (code: string): string =>
  `mov eax, esp\npush dword 23h\npush eax\npush dword 2\npush dword 1Bh\npush dword user\niret\nuser: ${code}`;

describe("MOV of a debug register", () => {
  test.each([
    ["at CPL 3", ring3("mov eax, dr7"), {}],
    ["of DR4 with CR4.DE", "mov dr4, eax", { guestCr4: 0x2018n }],
    ["with DR7.GD", "mov eax, dr0", { guestDr7: 0x2400n }],
  ])("%s leaves before the exception that it raises without the control", (_, code, state) => {
    const fields = { exceptionBitmap: -1, ...state };
    const controls = ["loadDebugControls"] as const;
    expect(vmm(code, { controls: [...controls, "movDrExiting"], fields }).run(1)).toEqual(["DR_ACCESS"]);
    expect(vmm(code, { controls, fields }).run(1)).toEqual(["EXCEPTION_NMI"]);
  });
});

describe("what is not enabled", () => {
  test.each([
    ["RDTSCP", "rdtscp", ring3("rdtscp"), { guestCr4: 0x2014n }],
    ["INVPCID", "invpcid", ring3("invpcid eax, [eax]"), {}],
  ] as const)("%s raises #UD before its privilege is checked", (_, control, code, state) => {
    const raised = (controls: readonly ControlName[]) => {
      const subject = vmm(code, { controls, fields: { exceptionBitmap: -1, ...state } });
      subject.run(1);
      return subject.vmcs.number("exitInterruptionInfo") & 0xff;
    };
    expect(raised([])).toBe(6);
    expect(raised([control])).toBe(13);
  });
});

describe("wait for SIPI", () => {
  test("no timer, interrupt, NMI or window leaves it", () => {
    const subject = vmm(nops, {
      controls: [
        ...(["preemptionTimer", "externalInterruptExiting", "interruptWindowExiting"] as const),
        ...(["nmiExiting", "virtualNmis", "nmiWindowExiting", "monitorTrapFlag"] as const),
      ],
      fields: { guestActivity: 3, guestRflags: 0x202n, preemptionTimer: 0 },
      prepare({ cpu, processor: { bus } }) {
        cpu.nonMaskableInterrupt();
        bus.vectors.push(0x31);
      },
    });
    expect(subject.run(1, 100)).toEqual([]);
  });
});

describe("interrupts", () => {
  const interrupt = (subject: SmallVmm) => {
    handlers(subject);
    subject.processor.bus.vectors.push(0x31);
  };

  test.each([
    [["externalInterruptExiting"], 0, 1],
    [["externalInterruptExiting", "acknowledgeInterrupt"], 0x8000_0031, 0],
  ] as const)("with %j the exit tells %i", (controls, info, left) => {
    const subject = vmm(nops, { controls, prepare: interrupt });
    expect(subject.run(1)).toEqual(["EXTERNAL_INTERRUPT"]);
    expect(subject.vmcs.number("exitInterruptionInfo")).toBe(info);
    expect(subject.processor.bus.vectors).toHaveLength(left);
  });

  test("interrupt-window exiting waits for STI and the instruction after it", () => {
    const subject = vmm(`nop\nsti\n${nops}`, { controls: ["interruptWindowExiting"] });
    expect(subject.run(1)).toEqual(["INTERRUPT_WINDOW"]);
    expect(rips(subject)).toEqual([3]);
  });

  test("an NMI comes before the interrupt window", () => {
    const subject = vmm(nops, {
      controls: ["interruptWindowExiting", "nmiExiting"],
      fields: { guestRflags: 0x202n },
      prepare: (made) => made.cpu.nonMaskableInterrupt(),
    });
    expect(subject.run(2)).toEqual(["EXCEPTION_NMI", "INTERRUPT_WINDOW"]);
  });
});

describe("PAUSE-loop exiting", () => {
  const loop = (between: number) => `again: pause\n${"nop\n".repeat(between)}jmp again`;
  const ple = (gap: number, window: number): Setting => ({
    controls: ["pauseLoopExiting"],
    fields: { pauseLoopGap: gap, pauseLoopWindow: window },
  });

  test.each([
    // Instructions between two PAUSEs: JMP too, and the PAUSE itself.
    [2, 10, 40, 44],
    [8, 10, 40, 50],
  ])("a loop of PAUSE and %i NOPs with gap %i and window %i exits at cycle %i", (between, gap, window, cycle) => {
    const subject = vmm(loop(between), ple(gap, window));
    expect(subject.run(1)).toEqual(["PAUSE"]);
    expect(virtualTime(subject.cpu) - 1).toBe(cycle);
    expect(subject.exits[0]!.rule).toMatch(
      /bit 10: PAUSE-loop exiting = 1; .* PLE_Gap 4020h = \d+; .* PLE_Window 4022h = \d+$/,
    );
  });

  test("no exit where the gap is longer, or the window", () => {
    expect(vmm(loop(10), ple(10, 40)).run(1, 400)).toEqual([]);
    expect(vmm(loop(2), ple(10, 5000)).run(1, 400)).toEqual([]);
  });

  test("no exit at CPL 3", () => {
    const user = `mov eax, esp\npush dword 23h\npush eax\npush dword 2\npush dword 1Bh\npush dword user\niret\nuser:\n${loop(2)}`;
    expect(vmm(user, ple(10, 40)).run(1, 400)).toEqual([]);
  });

  test("PAUSE exiting comes first", () => {
    const subject = vmm(loop(2), { controls: ["pauseExiting", "pauseLoopExiting"] });
    subject.run(1);
    expect(subject.exits[0]!.rule).toMatch(/4002h, bit 30: PAUSE exiting = 1$/);
  });
});
