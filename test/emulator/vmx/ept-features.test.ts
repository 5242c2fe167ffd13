import { describe, expect, test } from "vitest";
import { makeEptp } from "../../../emulator/vmx/ept.ts";
import { at, gate, selector } from "../cpu/processor.ts";
import { codeAt, type Setting, SmallVmm } from "./small-vmm.ts";

const tables = 0x12_0000;
const otherTables = 0x13_0000;
const log = 0x14_0000;
const information = 0x15_0000;
const list = 0x16_0000;
/** A page that guests of these tests use. */
const page = 0x2_0000;
const eptp = makeEptp(tables, true);
const pageEntry = (root: number, physical: number): number => root + 0x3000 + (physical >> 12) * 8;
const all = 0x37n;

/** Maps the first 2 MiB to themselves by pages of 4 KiB. */
function identity({ memory }: SmallVmm, root: number): void {
  memory.write64(root, BigInt(root + 0x1000) | 0x407n);
  memory.write64(root + 0x1000, BigInt(root + 0x2000) | 0x407n);
  memory.write64(root + 0x2000, BigInt(root + 0x3000) | 0x407n);
  for (let n = 0; n < 512; n++) memory.write64(pageEntry(root, n * 4096), BigInt(n * 4096) | all | 0x400n);
}

const vmm = (source: string, { controls = [], fields = {}, prepare, ...more }: Setting) =>
  new SmallVmm(source, {
    controls: ["ept", "unrestrictedGuest", ...controls],
    fields: { eptPointer: eptp, ...fields },
    prepare: (made) => {
      identity(made, tables);
      identity(made, otherTables);
      for (let vector = 0; vector < 32; vector++)
        made.processor.ram.setBigUint64(at.idt + 8 * vector, gate(0xe, selector.code32, 0x700 + vector), true);
      // JMP to itself.
      made.processor.ram.setUint16(page, 0xfeeb, true);
      prepare?.(made);
    },
    ...more,
  });
const entry =
  (bits: bigint, physical = page, root = tables) =>
  ({ memory }: SmallVmm) =>
    memory.write64(pageEntry(root, physical), BigInt(physical) | bits);

describe("permissions of EPT", () => {
  const [read, write, execute] = [`mov al, [${page}]\njmp $`, `mov [${page}], al\njmp $`, `mov eax, ${page}\njmp eax`];
  // [permissions, access, qualification; 0: no exit]
  test.each([
    [0n, read, 0x181],
    [0n, write, 0x182],
    [1n, read, 0],
    [1n, write, 0x18a],
    [1n, execute, 0x18c],
    [3n, write, 0],
    [4n, execute, 0],
    [4n, read, 0x1a1],
    [4n, write, 0x1a2],
  ])("%i: %s", (bits, source, qualification) => {
    const subject = vmm(source, { prepare: entry(bits | (bits === 0n ? 0n : 0x30n)) });
    expect(subject.run(1, 20)).toEqual(qualification === 0 ? [] : ["EPT_VIOLATION"]);
    if (qualification !== 0) expect(subject.exits[0]!.qualification).toBe(BigInt(qualification));
  });

  test.each([
    ["write without read", 2n],
    ["a reserved memory type", 0x17n],
    ["a reserved address", 0x0008_0000_0000_0037n],
  ])("%s is a misconfiguration", (_, bits) => {
    const subject = vmm(read, { prepare: entry(bits) });
    expect(subject.run(1)).toEqual(["EPT_MISCONFIGURATION"]);
    expect(subject.vmcs.number("guestPhysicalAddress")).toBe(page);
  });
});

describe("mode-based execute control", () => {
  const controls = ["modeBasedExecute"] as const;
  const jump = `mov eax, ${page}\njmp eax`;
  const paged = (user: boolean) => (made: SmallVmm) => {
    made.processor.ram.setUint32(0x5000, user ? 0xe7 : 0xe3, true);
    made.vmcs.set("guestCr3", 0x5000);
    made.vmcs.set("guestCr0", made.vmcs.get("guestCr0") | 0x8000_0000n);
    made.vmcs.set("guestCr4", made.vmcs.get("guestCr4") | 0x10n);
  };
  // [permissions of the page (4: supervisor, 400h: user), is it a page for user code, qualification]
  test.each([
    [4n, false, 0],
    [4n, true, 0x1a4],
    [0x400n, true, 0],
    [0x400n, false, 0x1c4],
    [1n, true, 0x18c],
  ])("%i, user %s", (bits, user, qualification) => {
    const prepare = (made: SmallVmm): void => {
      paged(user)(made);
      entry(bits | 0x30n)(made);
    };
    const subject = vmm(jump, { controls, prepare });
    expect(subject.run(1, 20)).toEqual(qualification === 0 ? [] : ["EPT_VIOLATION"]);
    if (qualification !== 0) expect(subject.exits[0]!.qualification).toBe(BigInt(qualification));
  });

  test("bit 10 means nothing without it", () => {
    const subject = vmm(jump, { prepare: entry(0x431n) });
    expect(subject.run(1)).toEqual(["EPT_VIOLATION"]);
    expect(subject.exits[0]!.qualification).toBe(0x18cn);
  });
});

describe("page-modification logging", () => {
  const controls = ["pml"] as const;
  const write = `mov dword [${page}], 1\nmov dword [${page + 8}], 2\nmov dword [${page + 0x1000}], 3\nmov al, [${page + 0x2000}]\njmp $`;
  const fields = { pmlAddress: log, pmlIndex: 511 };
  const at512 = (subject: SmallVmm, n: number) => Number(subject.memory.read64(log + 8 * n));

  test("logs each page once, as its dirty flag is set, from the last entry down", () => {
    const subject = vmm(write, { controls, fields });
    expect(subject.run(1, 20)).toEqual([]);
    expect([at512(subject, 511), at512(subject, 510), at512(subject, 509)]).toEqual([page, page + 0x1000, 0]);
    expect(subject.vmcs.number("pmlIndex")).toBe(509);
  });

  test("does not log without its control, without accessed and dirty flags, or a page that is dirty", () => {
    for (const setting of [
      { fields },
      { controls, fields: { ...fields, eptPointer: makeEptp(tables, false) } },
      {
        controls,
        fields,
        prepare: (made: SmallVmm) => {
          entry(all | 0x300n)(made);
          entry(all | 0x300n, page + 0x1000)(made);
        },
      },
    ]) {
      const subject = vmm(write, setting);
      expect(subject.run(1, 20)).toEqual([]);
      expect(at512(subject, 511)).toBe(0);
    }
  });

  test("leaves where the log is full, before the access, and goes on when there is room", () => {
    const subject = vmm(write, {
      controls,
      fields: { ...fields, pmlIndex: 0 },
      handle: ({ vmcs }) => vmcs.set("pmlIndex", 511),
    });
    expect(subject.run(1)).toEqual(["PML_LOGFULL"]);
    expect(at512(subject, 0)).toBe(page);
    expect(subject.vmcs.number("pmlIndex")).toBe(0xffff);
    expect(subject.processor.ram.getUint32(page + 0x1000, true)).toBe(0);
    expect(subject.memory.read64(pageEntry(tables, page + 0x1000)) & 0x200n).toBe(0n);
    expect(subject.exits[0]!.rule).toMatch(/bit 17: Enable PML = 1; PML index 0812h = 65535$/);
    expect(subject.run(2, 20)).toEqual(["PML_LOGFULL"]);
    expect(at512(subject, 511)).toBe(page + 0x1000);
  });

  test("an accessed flag that is to be set needs room too", () => {
    const dirty = (made: SmallVmm) => entry(all | 0x300n)(made);
    const source = `mov dword [${page}], 1\nmov al, [${page + 0x2000}]\njmp $`;
    const subject = vmm(source, { controls, fields: { ...fields, pmlIndex: 512 }, prepare: dirty });
    // Even the code's own page has not been accessed yet.
    expect(subject.run(1)).toEqual(["PML_LOGFULL"]);
    expect(subject.exits[0]!.rip).toBe(codeAt);
  });
});

describe("virtualization exceptions", () => {
  const controls = ["eptViolationVe"] as const;
  const fields = { virtualizationExceptionAddress: information, eptpIndex: 5 };
  const read = `nop\nmov al, [${page + 4}]\njmp $`;
  const suppress = 1n << 63n;
  const area = ({ processor: { ram } }: SmallVmm) => ({
    reason: ram.getUint32(information, true),
    busy: ram.getUint32(information + 4, true),
    qualification: Number(ram.getBigUint64(information + 8, true)),
    linear: Number(ram.getBigUint64(information + 16, true)),
    physical: Number(ram.getBigUint64(information + 24, true)),
    index: ram.getUint16(information + 32, true),
  });
  /** The handler of #VE tells that it has run. */
  const handler = ({ processor: { ram } }: SmallVmm) => ram.setUint16(0x700 + 20, 0xa20f, true);

  test("a violation becomes #VE, which the information area describes", () => {
    const subject = vmm(read, {
      controls,
      fields,
      prepare: (made) => {
        handler(made);
        entry(0n)(made);
      },
    });
    expect(subject.run(1)).toEqual(["CPUID"]);
    expect(subject.exits[0]!.rip).toBe(0x700 + 20);
    const address = page + 4;
    const expected = {
      reason: 48,
      busy: 0xffff_ffff,
      qualification: 0x181,
      linear: address,
      physical: address,
      index: 5,
    };
    expect(area(subject)).toEqual(expected);
    // It faults: the handler returns to the instruction.
    expect(subject.processor.ram.getUint32(subject.vmcs.number("guestRsp"), true)).toBe(codeAt + 1);
  });

  test.each([
    ["the control is 0", [], () => {}, /R = 0, W = 0, X = 0$/],
    ["#VE is suppressed", controls, entry(suppress), /EPT-violation #VE = 1$/],
    [
      "the area is in use",
      controls,
      (made: SmallVmm) => made.memory.write32(information + 4, 1),
      /EPT-violation #VE = 1$/,
    ],
  ] as const)("it exits where %s", (_, names, more, rule) => {
    const prepare = (made: SmallVmm): void => {
      entry(0n)(made);
      more(made);
    };
    const subject = vmm(read, { controls: names, fields, prepare });
    expect(subject.run(1)).toEqual(["EPT_VIOLATION"]);
    expect(subject.exits[0]!.rule).toMatch(rule);
    expect(area(subject).reason).toBe(0);
  });

  test("in the middle of a delivery it exits", () => {
    const subject = vmm(`mov esp, ${page + 0x800}\nint3`, { controls, fields, prepare: entry(0n) });
    expect(subject.run(1)).toEqual(["EPT_VIOLATION"]);
    expect(subject.vmcs.number("idtVectoringInfo")).toBe(0x8000_0603);
  });

  test("the exception bitmap may want it", () => {
    const subject = vmm(read, { controls, fields: { ...fields, exceptionBitmap: 1 << 20 }, prepare: entry(0n) });
    expect(subject.run(1)).toEqual(["EXCEPTION_NMI"]);
    expect(subject.vmcs.number("exitInterruptionInfo")).toBe(0x8000_0314);
  });

  test("a misconfiguration is never converted", () => {
    expect(vmm(read, { controls, fields, prepare: entry(2n) }).run(1)).toEqual(["EPT_MISCONFIGURATION"]);
  });
});

describe("VMFUNC", () => {
  const fields = { vmFunctionControls: 1n, eptpListAddress: list };
  const controls = ["vmFunctions"] as const;
  const call = (eax: number, ecx: number) => `mov eax, ${eax}\nmov ecx, ${ecx}\nvmfunc\nmov bl, [${page}]\njmp $`;
  const lists = ({ memory }: SmallVmm): void => {
    memory.write64(list + 8 * 3, makeEptp(otherTables, true));
    memory.write64(list + 8 * 4, 5n);
    // The other tables show another page.
    memory.write64(pageEntry(otherTables, page), BigInt(page + 0x1000) | all);
    memory.write32(page, 1);
    memory.write32(page + 0x1000, 2);
  };

  test("switches to another EPT without an exit", () => {
    const subject = vmm(call(0, 3), { controls, fields, prepare: lists });
    expect(subject.run(1, 20)).toEqual([]);
    expect(subject.cpu.r64[3]! & 0xffn).toBe(2n);
    expect(subject.vmcs.get("eptPointer")).toBe(makeEptp(otherTables, true));
    expect(subject.vmcs.number("eptpIndex")).toBe(0);
  });

  test("and tells the index where #VE is on", () => {
    const names = ["vmFunctions", "eptViolationVe"] as const;
    const given = { ...fields, virtualizationExceptionAddress: information };
    const subject = vmm(call(0, 3), { controls: names, fields: given, prepare: lists });
    subject.run(1, 20);
    expect(subject.vmcs.number("eptpIndex")).toBe(3);
  });

  test.each([
    ["an index beyond the list", 0, 512, fields, /2018h = 1h$/],
    ["an EPTP that is none", 0, 4, fields, /2018h = 1h$/],
    ["a function that is not enabled", 0, 3, { ...fields, vmFunctionControls: 0n }, /2018h = 0h$/],
    ["a function that there is not", 63, 0, fields, /2018h = 1h$/],
  ])("exits for %s", (_, eax, ecx, given, rule) => {
    const subject = vmm(call(eax, ecx), { controls, fields: given, prepare: lists });
    expect(subject.run(1)).toEqual(["VMFUNC"]);
    expect(subject.exits[0]!.rule).toMatch(rule);
    expect(subject.vmcs.number("exitInstructionLength")).toBe(3);
  });

  test.each([
    ["without its control", [], 0],
    ["for a function from 64 up", controls, 64],
  ] as const)("raises #UD %s", (_, names, eax) => {
    const subject = vmm(call(eax, 3), {
      controls: names,
      fields: { ...fields, exceptionBitmap: 1 << 6 },
      prepare: lists,
    });
    expect(subject.run(1)).toEqual(["EXCEPTION_NMI"]);
    expect(subject.vmcs.number("exitInterruptionInfo")).toBe(0x8000_0306);
  });
});
