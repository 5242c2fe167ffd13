import { exitsWhen, neverBecause, type Row, type RowFacts, type Sensitivity } from "../instruction.ts";
import { modesOf, registerPair, resize, rowsOf, setRegisterPair, words } from "./forms.ts";

const row = rowsOf("system");

const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "popek-goldberg" });
const reads = (what: string): Sensitivity => ({ kind: "behaviour", by: ["location", "mode"], what, cite: "intel-sdm" });

const readControl: RowFacts = {
  doc: "Copies a control register to the register.",
  access: ["w", "r"],
  privilege: "cpl0",
  sensitivity: reads("reveals the control register in force, which is the monitor's"),
  exits: exitsWhen(
    "CR_ACCESS",
    "CR3-store exiting or CR8-store exiting; CR0 and CR4 never exit, but are read through guest/host mask and read shadow",
  ),
  undefinedFlags: ["OF", "SF", "ZF", "AF", "PF", "CF"],
  semantics: (m, destination, source) => m.write(destination, m.read(source)),
};
const writeControl: RowFacts = {
  doc: "Copies the register to a control register.",
  access: ["w", "r"],
  privilege: "cpl0",
  sensitivity: changes("changes paging, protection or the mode of the processor"),
  exits: exitsWhen(
    "CR_ACCESS",
    "CR0 or CR4 guest/host mask and read shadow, CR3-load exiting and CR3 targets, CR8-load exiting",
  ),
  undefinedFlags: ["OF", "SF", "ZF", "AF", "PF", "CF"],
  semantics: (m, destination, source) => m.write(destination, m.read(source)),
};

const debugExit = exitsWhen("DR_ACCESS", "MOV-DR exiting");
const readDebug: RowFacts = {
  ...readControl,
  doc: "Copies a debug register to the register.",
  sensitivity: reads("reveals the debug registers in force"),
  exits: debugExit,
};
const writeDebug: RowFacts = {
  ...writeControl,
  doc: "Copies the register to a debug register.",
  sensitivity: changes("changes the breakpoints of the processor"),
  exits: debugExit,
};

/** The operands have the width of the mode, without prefixes. */
const moves = ([32, 64] as const).flatMap((width) => {
  const modes = { modes: width === 64 ? "only-64" : "not-64" } as const;
  return [
    row("o* 0F 20 /r", `MOV r${width}, CRn`, { ...readControl, ...modes }),
    row("o* 0F 22 /r", `MOV CRn, r${width}`, { ...writeControl, ...modes }),
    row("o* 0F 21 /r", `MOV r${width}, DRn`, { ...readDebug, ...modes }),
    row("o* 0F 23 /r", `MOV DRn, r${width}`, { ...writeDebug, ...modes }),
  ];
});

const smsw = {
  doc: "Stores the machine status word, which is the low part of CR0.",
  access: ["w"],
  privilege: "umip",
  sensitivity: {
    kind: "behaviour",
    by: ["mode"],
    what: "reads PE, MP, EM, TS and the other low bits of the monitor's CR0",
    cite: "robin-irvine",
    robinIrvine: 4,
    silentlyLies: true,
  },
  exits: neverBecause("CR0 is read through its guest/host mask and read shadow instead"),
  intercept: "CR0_READ",
} as const satisfies Omit<RowFacts, "semantics">;

const machineStatus = [
  ...words.map((width) =>
    row("0F 01 /4", `SMSW r${width}`, {
      ...smsw,
      ...modesOf(width),
      semantics: (m, destination) => m.write(destination, resize(m, m.call("machineStatus"), width)),
    }),
  ),
  row("o* 0F 01 /4", "SMSW m16", {
    ...smsw,
    semantics: (m, destination) => m.write(destination, m.truncate(m.call("machineStatus"), 16)),
  }),
  row("o* 0F 01 /6", "LMSW r/m16", {
    doc: "Loads PE, MP, EM and TS of CR0; it can set PE but not clear it.",
    access: ["r"],
    privilege: "cpl0",
    sensitivity: changes("changes PE, MP, EM and TS of CR0"),
    exits: exitsWhen("CR_ACCESS", "CR0 guest/host mask and read shadow"),
    semantics: (m, source) => m.call("loadMachineStatus", m.read(source)),
  }),
  row("0F 06", "CLTS", {
    doc: "Clears TS of CR0.",
    privilege: "cpl0",
    sensitivity: changes("changes TS of CR0, which says whose floating-point state is loaded"),
    exits: exitsWhen("CR_ACCESS", "CR0 guest/host mask and read shadow: TS in the mask and in the shadow"),
    semantics: (m) => m.call("clearTaskSwitched"),
  }),
];

const extendedControl = [
  row("NP 0F 01 D0", "XGETBV", {
    doc: "Reads the extended control register ECX into EDX:EAX.",
    feature: "XSAVE",
    sensitivity: reads("reveals which processor state the host saves"),
    exits: neverBecause("no control exists for it"),
    semantics: (m) => setRegisterPair(m, 2, 0, m.call("readExtendedControl", m.register(1, 32))),
  }),
  row("NP 0F 01 D1", "XSETBV", {
    doc: "Writes EDX:EAX to the extended control register ECX.",
    feature: "XSAVE",
    privilege: "cpl0",
    sensitivity: changes("changes which processor state XSAVE covers"),
    exits: { kind: "always", reason: "XSETBV" },
    semantics: (m) => m.call("writeExtendedControl", m.register(1, 32), registerPair(m, 2, 0)),
  }),
];

export const controlRegisters: readonly Row[] = [...moves, ...machineStatus, ...extendedControl];
