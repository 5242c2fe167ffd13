import { neverBecause, type Row, type RowFacts, type Semantics, type Sensitivity } from "../instruction.ts";
import { memory, modesOf, offsetBy, rowsOf } from "./forms.ts";

const row = rowsOf("control-flow");

const byTaskGate = neverBecause("no control exists for it; a task switch through a task gate exits");
const byException = neverBecause("the exception it raises may exit, by the exception bitmap");

const throughIdt: Sensitivity = {
  kind: "control",
  by: ["mode"],
  what: "goes through the interrupt descriptor table in force, which is the monitor's, if its gate's DPL allows the CPL",
  cite: "intel-sdm",
};

/** IRET at its three sizes; CS, SS, RFLAGS and the stack pointer are popped by the CPU. */
const returns = (
  [
    [16, ""],
    [32, "D"],
    [64, "Q"],
  ] as const
).map(([width, suffix]) =>
  row(`o${width} CF`, `IRET${suffix}`, {
    doc: "Returns from an interrupt: pops the instruction pointer, CS and the flags, and the stack of an outer level.",
    ...modesOf(width),
    sensitivity: {
      kind: "control",
      by: ["mode"],
      what: "restores IF and IOPL only as far as CPL allows, and returns to the privilege level in the selector on the stack",
      cite: "intel-sdm",
    },
    exits: byTaskGate,
    intercept: "IRET",
    semantics: (m) => m.call("interruptReturn"),
  }),
);

/** Index, then the two bounds one after the other in memory; all signed. */
const bound =
  (width: 16 | 32): Semantics =>
  (m, index, bounds) => {
    const value = m.read(index);
    const pair = memory(bounds);
    const address = m.address(pair);
    const lower = m.load(pair, address, width);
    const upper = m.load(pair, offsetBy(m, address, width / 8), width);
    m.when(m.or(m.lessSigned(value, lower), m.lessSigned(upper, value)), () => m.raise("BR"));
  };

const bounds = ([16, 32] as const).map((width) =>
  row("62 /r", `BOUND r${width}, m${width}&${width}`, {
    doc: "Raises #BR if the signed index is outside the two bounds in memory.",
    access: ["r", "r"],
    modes: "not-64",
    exits: byException,
    semantics: bound(width),
  }),
);

const overflow: RowFacts = {
  doc: "Raises #OF if OF is set.",
  modes: "not-64",
  sensitivity: throughIdt,
  exits: byException,
  semantics: (m) => m.when(m.flags.get("OF"), () => m.call("overflowTrap")),
};

export const interrupts: readonly Row[] = [
  row("CC", "INT3", {
    doc: "Raises #BP, the breakpoint exception.",
    sensitivity: throughIdt,
    exits: byException,
    semantics: (m) => m.call("breakpoint"),
  }),
  row("CD ib", "INT imm8", {
    doc: "Calls the handler of the interrupt vector.",
    access: ["r"],
    sensitivity: {
      ...throughIdt,
      cite: "robin-irvine",
      robinIrvine: 14,
    },
    exits: byTaskGate,
    intercept: "SWINT",
    semantics: (m, vector) => m.call("softwareInterrupt", m.read(vector)),
  }),
  row("CE", "INTO", overflow),
  row("F1", "INT1", {
    doc: "Raises #DB, the debug exception.",
    exits: byException,
    intercept: "ICEBP",
    semantics: (m) => m.call("debugTrap"),
  }),
  row("0F 0B", "UD2", {
    doc: "Raises #UD: an instruction that is defined to be undefined.",
    exits: byException,
    semantics: (m) => m.raise("UD"),
  }),
  ...bounds,
  ...returns,
];
