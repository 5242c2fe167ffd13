import type { Algebra } from "../algebra.ts";
import { neverBecause, type Row, type Sensitivity } from "../instruction.ts";
import { modesOf, rowsOf } from "./forms.ts";

const row = rowsOf("flag");

const interruptFlag: Sensitivity = {
  kind: "control",
  by: ["mode"],
  what: "changes whether the processor takes interrupts",
  cite: "popek-goldberg",
};

/** Flags as LAHF and SAHF have them in AH: SF, ZF, 0, AF, 0, PF, 1, CF. */
const inAh = [
  ["SF", 7],
  ["ZF", 6],
  ["AF", 4],
  ["PF", 2],
  ["CF", 0],
] as const;

function loadFlagByte(m: Algebra): void {
  let image = m.constant(8, 2);
  for (const [flag, bit] of inAh)
    image = m.or(image, m.shiftLeft(m.zeroExtend(m.flags.get(flag), 8), m.constant(8, bit)));
  m.setHighByte(0, image);
}

function storeFlagByte(m: Algebra): void {
  const image = m.highByte(0);
  for (const [flag, bit] of inAh) m.flags.set(flag, m.bit(image, bit));
}

const sizes = [
  [16, "", "FLAGS"],
  [32, "D", "EFLAGS"],
  [64, "Q", "RFLAGS"],
] as const;

const pushFlags = sizes.map(([width, suffix, name]) =>
  row(`o${width} 9C`, `PUSHF${suffix}`, {
    doc: `Pushes ${name}, with RF and VM as 0.`,
    ...(width === 32 ? { modes: "not-64" } : { ...modesOf(width), default64: true }),
    sensitivity: {
      kind: "behaviour",
      by: ["mode"],
      what: "reveals the real IF and IOPL, which a deprivileged kernel does not control",
      cite: "robin-irvine",
      robinIrvine: 5,
      silentlyLies: true,
    },
    intercept: "PUSHF",
    exits: neverBecause("no control exists for it: in non-root operation RFLAGS is the guest's own"),
    semantics: (m) => m.push(m.truncate(m.call("flagsImage"), width)),
  }),
);

const popFlags = sizes.map(([width, suffix, name]) =>
  row(`o${width} 9D`, `POPF${suffix}`, {
    doc: `Pops ${name}; IOPL changes only at CPL 0, IF only at CPL ≤ IOPL, and otherwise they silently stay.`,
    ...(width === 32 ? { modes: "not-64" } : { ...modesOf(width), default64: true }),
    sensitivity: {
      kind: "control",
      by: ["mode"],
      what: "changes IF only if CPL ≤ IOPL and IOPL only at CPL 0, and otherwise ignores them without a trap",
      cite: "robin-irvine",
      robinIrvine: 6,
      silentlyLies: true,
    },
    intercept: "POPF",
    exits: neverBecause("no control exists for it: in non-root operation RFLAGS is the guest's own"),
    semantics: (m) => {
      m.call("popFlags", m.zeroExtend(m.peek(width, 0), 64));
      m.release(m.constant(16, width / 8));
    },
  }),
);

export const flag: readonly Row[] = [
  row("F8", "CLC", { doc: "Clears CF.", semantics: (m) => m.flags.set("CF", m.constant(1, 0)) }),
  row("F9", "STC", { doc: "Sets CF.", semantics: (m) => m.flags.set("CF", m.constant(1, 1)) }),
  row("F5", "CMC", { doc: "Inverts CF.", semantics: (m) => m.flags.set("CF", m.not(m.flags.get("CF"))) }),
  row("FC", "CLD", {
    doc: "Clears DF: string instructions go up.",
    semantics: (m) => m.call("clearDirectionFlag"),
  }),
  row("FD", "STD", {
    doc: "Sets DF: string instructions go down.",
    semantics: (m) => m.call("setDirectionFlag"),
  }),
  row("FA", "CLI", {
    doc: "Clears IF: the processor takes no maskable interrupts.",
    privilege: "iopl",
    sensitivity: interruptFlag,
    exits: neverBecause("no control exists for it: in non-root operation IF is the guest's own"),
    semantics: (m) => m.call("clearInterruptFlag"),
  }),
  row("FB", "STI", {
    doc: "Sets IF: the processor takes maskable interrupts, after the following instruction.",
    privilege: "iopl",
    sensitivity: interruptFlag,
    exits: neverBecause("no control exists for it; interrupt-window exiting is an event of its own"),
    semantics: (m) => m.call("setInterruptFlag"),
  }),
  row("9F", "LAHF", { doc: "Loads SF, ZF, AF, PF and CF into AH.", semantics: loadFlagByte }),
  row("9E", "SAHF", { doc: "Sets SF, ZF, AF, PF and CF from AH.", semantics: storeFlagByte }),
  row("D6", "SALC", {
    doc: "Sets AL to FFh if CF is set, else to 0.",
    modes: "not-64",
    semantics: (m) => m.setRegister(0, m.signExtend(m.flags.get("CF"), 8)),
  }),
  ...pushFlags,
  ...popFlags,
];
