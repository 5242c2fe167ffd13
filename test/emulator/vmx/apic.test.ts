import { describe, expect, test } from "vitest";
import { at, gate, selector } from "../cpu/processor.ts";
import { codeAt, type Setting, SmallVmm } from "./small-vmm.ts";

const virtualApic = 0x12_0000;
const apicAccess = 0x13_0000;
const descriptor = 0x14_0000;
const handler = 0x700;

/** Vectors go to code that leaves by CPUID with the vector in AL. */
function handlers({ processor: { ram } }: SmallVmm): void {
  for (let vector = 0; vector < 256; vector++) {
    const code = handler + 8 * vector;
    ram.setBigUint64(at.idt + 8 * vector, gate(0xe, selector.code32, code), true);
    // MOV AL, vector; CPUID; HLT
    for (const [n, byte] of [0xb0, vector, 0x0f, 0xa2, 0xf4].entries()) ram.setUint8(code + n, byte);
  }
}

interface Given extends Setting {
  /** Registers of the virtual-APIC page. */
  readonly registers?: Readonly<Record<number, number>>;
}

function vmm(source: string, { controls = [], fields = {}, registers = {}, prepare, ...more }: Given): SmallVmm {
  return new SmallVmm(source, {
    controls: ["tprShadow", ...controls],
    fields: { virtualApicAddress: virtualApic, apicAccessAddress: apicAccess, ...fields },
    prepare: (made) => {
      handlers(made);
      made.cpu.setIdtr(at.idt, 0x7ff);
      made.vmcs.set("guestIdtrLimit", 0x7ff);
      for (const [offset, value] of Object.entries(registers)) made.memory.write32(virtualApic + Number(offset), value);
      prepare?.(made);
    },
    ...more,
  });
}
const register = (subject: SmallVmm, offset: number) => subject.memory.read32(virtualApic + offset);
/** Vector that the handler which left by CPUID has in AL. */
const delivered = (subject: SmallVmm) => {
  expect(subject.run(1, 60)).toEqual(["CPUID"]);
  return Number(subject.cpu.r64[0]! & 0xffn);
};

/** EPT that maps the first 4 GiB to themselves by pages of 1 GiB. */
function flat({ memory }: SmallVmm): void {
  memory.write64(0x15_0000, 0x15_1007n);
  for (let n = 0; n < 4; n++) memory.write64(0x15_1000 + 8 * n, (BigInt(n) << 30n) | 0xb7n);
}

describe("TPR shadow", () => {
  test("the task priority is that of the virtual-APIC page", () => {
    const subject = vmm("nop\njmp $", { registers: { 128: 0x57 } });
    expect(subject.nonRoot.taskPriority()).toBe(5);
    expect(subject.nonRoot.setTaskPriority(9)).toBe(true);
    expect(register(subject, 0x80)).toBe(0x90);
  });

  test("and the processor's own without it", () => {
    const subject = new SmallVmm("nop\njmp $");
    expect(subject.nonRoot.taskPriority()).toBeUndefined();
    expect(subject.nonRoot.setTaskPriority(9)).toBe(false);
  });

  // [threshold, written, exits]
  test.each([
    [5, 0x40, true],
    [5, 0x50, false],
    [5, 0x4f, true],
    [0, 0, false],
  ])("threshold %i: writing %i leaves: %s", (tprThreshold, value, exits) => {
    const subject = vmm(`mov dword [${apicAccess + 0x80}], ${value}\nnop\njmp $`, {
      controls: ["virtualizeApicAccesses"],
      fields: { tprThreshold },
      registers: { 128: 0xf0 },
    });
    expect(subject.run(1, 20)).toEqual(exits ? ["TPR_THRESHOLD"] : []);
    expect(register(subject, 0x80)).toBe(value);
    if (!exits) return;
    // A trap: behind the instruction.
    expect(subject.exits[0]!.rip).toBe(codeAt + 10);
    expect(subject.exits[0]!.rule).toMatch(/VTPR bits 7:4 = 4, TPR threshold 401Ch = 5; .* Use TPR shadow = 1$/);
  });

  test("an entry below the threshold leaves before the first instruction", () => {
    const subject = vmm("nop\njmp $", {
      controls: ["virtualizeApicAccesses"],
      fields: { tprThreshold: 5 },
      registers: { 128: 0x40 },
    });
    expect(subject.run(1)).toEqual(["TPR_THRESHOLD"]);
    expect(subject.exits[0]!.rip).toBe(codeAt);
  });
});

describe("accesses to the APIC-access page", () => {
  const access = (offset: number) => `mov eax, [${apicAccess + offset}]\njmp $`;
  const write = (offset: number) => `mov dword [${apicAccess + offset}], 12345678h\njmp $`;
  const virtualize = ["virtualizeApicAccesses"] as const;
  const registers = ["virtualizeApicAccesses", "apicRegisterVirtualization"] as const;

  // [instruction, controls, exit or what EAX or the register then is, qualification]
  test.each([
    ["reads TPR", access(0x80), virtualize, "", 0x80],
    ["reads the ID", access(0x20), virtualize, "APIC_ACCESS", 0x20],
    ["reads the ID", access(0x20), registers, "", 0x20],
    ["reads the in-service register", access(0x110), registers, "", 0x110],
    ["reads the current count", access(0x390), registers, "APIC_ACCESS", 0x390],
    ["reads a part of TPR", `mov al, [${apicAccess + 0x82}]\njmp $`, virtualize, "APIC_ACCESS", 0x82],
    ["reads beside a register", access(0x84), registers, "APIC_ACCESS", 0x84],
    ["writes TPR", write(0x80), virtualize, "", 0x80],
    ["writes the ID", write(0x20), virtualize, "APIC_ACCESS", 0x1020],
    ["writes the ID", write(0x20), registers, "APIC_WRITE", 0x20],
    ["writes EOI", write(0xb0), virtualize, "APIC_ACCESS", 0x10b0],
    ["writes EOI", write(0xb0), registers, "APIC_WRITE", 0xb0],
    ["writes the version", write(0x30), registers, "APIC_ACCESS", 0x1030],
    ["writes the command's high half", write(0x310), registers, "", 0x310],
    ["fetches", `mov eax, ${apicAccess + 0x40}\njmp eax`, registers, "APIC_ACCESS", 0x2040],
    ["pushes during delivery", `mov esp, ${apicAccess + 0x100}\nint3`, registers, "APIC_ACCESS", 0x30fc],
  ] as const)("%s: %s with %j", (_, source, controls, reason, qualification) => {
    const subject = vmm(source, { controls, registers: { [qualification & 0xff0]: 0x1234 } });
    expect(subject.run(1, 20)).toEqual(reason === "" ? [] : [reason]);
    if (reason === "") {
      if (source.startsWith("mov eax")) expect(subject.cpu.r64[0]).toBe(0x1234n);
      else expect(register(subject, qualification)).toBe(qualification === 0x310 ? 0x1200_0000 : 0x78);
    } else {
      expect(subject.exits[0]!.qualification).toBe(BigInt(qualification));
      const trap = reason === "APIC_WRITE";
      if (!source.includes("int3") && !source.includes("jmp eax"))
        expect(subject.exits[0]!.rip).toBe(codeAt + (trap ? 10 : 0));
      if (trap) expect(register(subject, qualification)).toBe(0x1234_5678);
      if (source.startsWith("mov dword") && !trap) expect(subject.vmcs.number("exitInstructionLength")).toBe(10);
    }
  });

  test("without a TPR shadow every access leaves", () => {
    const subject = new SmallVmm(access(0x80), {
      controls: ["virtualizeApicAccesses"],
      fields: { apicAccessAddress: apicAccess },
    });
    expect(subject.run(1)).toEqual(["APIC_ACCESS"]);
    expect(subject.exits[0]!.rule).toMatch(/Virtualize APIC accesses = 1; .* Use TPR shadow = 0; /);
  });

  test("the APIC-access page may be the virtual-APIC page itself, and one that is not RAM", () => {
    for (const apicAccessAddress of [virtualApic, 0xfee0_0000]) {
      const source = `mov dword [${apicAccessAddress + 0x80}], 30h\nmov eax, [${apicAccessAddress + 0x80}]\njmp $`;
      const subject = vmm(source, {
        controls: [...virtualize, "ept", "unrestrictedGuest"],
        fields: { apicAccessAddress, eptPointer: 0x15_001en },
        prepare: flat,
      });
      expect(subject.run(1, 20)).toEqual([]);
      expect(subject.cpu.r64[0]).toBe(0x30n);
      expect(register(subject, 0x80)).toBe(0x30);
    }
  });

  test("the page is memory as any where the control is 0, and for the VMM", () => {
    const subject = vmm(access(0x20), { prepare: ({ memory }) => memory.write32(apicAccess + 0x20, 77) });
    expect(subject.run(1, 20)).toEqual([]);
    expect(subject.cpu.r64[0]).toBe(77n);
    const left = vmm(`cpuid\n${access(0x20)}`, { controls: virtualize, handle: () => {} });
    left.run(1);
    left.cpu.writePhysical(apicAccess + 0x20, 4, 5);
    expect(left.cpu.readPhysical(apicAccess + 0x20, 4)).toBe(5);
  });
});

describe("virtual-interrupt delivery", () => {
  const controls = ["virtualizeApicAccesses", "virtualInterruptDelivery", "externalInterruptExiting"] as const;
  const open = 0x202n;
  const requested = (vector: number) => ({
    guestInterruptStatus: vector,
    guestRflags: open,
    registers: { [0x200 + (vector >> 5) * 16]: 1 << (vector & 31) },
  });
  const given = (vector: number, more: Readonly<Record<number, number>> = {}): Given => {
    const { registers, ...fields } = requested(vector);
    return { controls, fields, registers: { ...registers, ...more } };
  };

  test("delivers the requested vector at once, without an exit", () => {
    const subject = vmm("jmp $", given(0x51));
    expect(delivered(subject)).toBe(0x51);
    expect(subject.vmcs.number("guestInterruptStatus")).toBe(0x5100);
    expect(register(subject, 0x120)).toBe(1 << 0x11);
    expect(register(subject, 0x220)).toBe(0);
    expect(register(subject, 0xa0)).toBe(0x50);
  });

  test.each([
    ["the task priority is as high", { ...given(0x51, { 128: 0x50 }) }],
    [
      "an interrupt of its class is in service",
      { ...given(0x51), fields: { guestInterruptStatus: 0x5051, guestRflags: open } },
    ],
    ["interrupts are disabled", { ...given(0x51), fields: { guestInterruptStatus: 0x51, guestRflags: 2n } }],
    ["the control is 0", { ...given(0x51), controls: ["virtualizeApicAccesses", "externalInterruptExiting"] as const }],
  ])("does not where %s", (_, setting) => {
    expect(vmm("jmp $", setting).run(1, 40)).toEqual([]);
  });

  test("waits for STI and the instruction after it", () => {
    const subject = vmm("nop\nsti\nnop\njmp $", { ...given(0x51), fields: { guestInterruptStatus: 0x51 } });
    expect(delivered(subject)).toBe(0x51);
    expect(subject.processor.ram.getUint32(subject.vmcs.number("guestRsp"), true)).toBe(codeAt + 3);
  });

  test("interrupt-window exiting holds it back", () => {
    const subject = vmm("jmp $", { ...given(0x51), controls: [...controls, "interruptWindowExiting"] });
    expect(subject.run(1)).toEqual(["INTERRUPT_WINDOW"]);
  });

  test("ends a halt", () => {
    const subject = vmm("hlt", {
      ...given(0x51),
      fields: { guestInterruptStatus: 0x51, guestRflags: open, guestActivity: 1 },
    });
    expect(delivered(subject)).toBe(0x51);
  });

  test("lowering the task priority lets it come", () => {
    const subject = vmm(`mov dword [${apicAccess + 0x80}], 40h\njmp $`, given(0x51, { 128: 0x60 }));
    expect(delivered(subject)).toBe(0x51);
  });

  test("an interrupt to itself is delivered", () => {
    const self = (command: string) => `sti\nmov dword [${apicAccess + 0x300}], ${command}\njmp $`;
    expect(delivered(vmm(self("40061h"), { controls }))).toBe(0x61);
    for (const command of ["61h", "40000h", "40461h", "4C061h", "80061h"]) {
      const subject = vmm(self(command), { controls });
      expect(subject.run(1, 20), command).toEqual(["APIC_WRITE"]);
      expect(subject.exits[0]!.qualification).toBe(0x300n);
    }
  });

  describe("the end of an interrupt", () => {
    const end = `mov dword [${apicAccess + 0xb0}], 0\nnop\njmp $`;
    const inService: Given = {
      controls,
      fields: { guestInterruptStatus: 0x7151, guestRflags: open },
      registers: { 304: 1 << 0x11, 272: 2, 544: 1 << 0x11 },
    };

    test("lets the next one come", () => {
      const subject = vmm(end, inService);
      expect(delivered(subject)).toBe(0x51);
      expect(register(subject, 0x130)).toBe(0);
      expect(subject.vmcs.number("guestInterruptStatus")).toBe(0x5100);
    });

    test("leaves where the EOI-exit bitmap wants it", () => {
      const subject = vmm(end, { ...inService, fields: { ...inService.fields, eoiExitBitmap1: 1n << 0x31n } });
      expect(subject.run(1)).toEqual(["VIRTUALIZED_EOI"]);
      expect(subject.exits[0]).toMatchObject({
        qualification: 0x71n,
        rip: codeAt + 10,
        rule: "EOI-exit bitmap 1 (201Eh), bit 49 = 1",
      });
      expect(subject.vmcs.number("guestInterruptStatus")).toBe(0x2151);
    });
  });
});

describe("posted interrupts", () => {
  const controls = [
    "virtualizeApicAccesses",
    "virtualInterruptDelivery",
    "externalInterruptExiting",
    "postedInterrupts",
    "acknowledgeInterrupt",
  ] as const;
  const fields = { postedInterruptVector: 0xf2, postedInterruptDescriptor: descriptor, guestRflags: 0x202n };
  const post =
    (notification: number) =>
    ({ memory, processor: { bus } }: SmallVmm): void => {
      memory.write32(descriptor + 4, 1 << 9);
      memory.write32(descriptor + 8, 1 << 3);
      memory.write32(descriptor + 32, 3);
      bus.vectors.push(notification);
    };

  test("the notification brings them without an exit", () => {
    const subject = vmm("jmp $", { controls, fields, prepare: post(0xf2) });
    expect(delivered(subject)).toBe(0x43);
    expect(subject.memory.read32(descriptor + 4)).toBe(0);
    expect(subject.memory.read32(descriptor + 8)).toBe(0);
    // Outstanding notification is cleared, the suppress bit beside it is not.
    expect(subject.memory.read32(descriptor + 32)).toBe(2);
    expect(subject.vmcs.number("guestInterruptStatus")).toBe(0x4329);
  });

  test("another vector exits, and is told", () => {
    const subject = vmm("jmp $", { controls, fields, prepare: post(0xf3) });
    expect(subject.run(1)).toEqual(["EXTERNAL_INTERRUPT"]);
    expect(subject.vmcs.number("exitInterruptionInfo")).toBe(0x8000_00f3);
    expect(subject.memory.read32(descriptor + 8)).toBe(1 << 3);
  });

  test("without the control the notification exits too", () => {
    const subject = vmm("jmp $", {
      controls: controls.filter((name) => name !== "postedInterrupts"),
      fields,
      prepare: post(0xf2),
    });
    expect(subject.run(1)).toEqual(["EXTERNAL_INTERRUPT"]);
  });
});
