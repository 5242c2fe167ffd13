import type { Algebra } from "../algebra.ts";
import { exitsWhen, type Row, type RowFacts, type Semantics, type Sensitivity } from "../instruction.ts";
import { memory, modesOf, offsetBy, resize, rowsOf, words } from "./forms.ts";

const row = rowsOf("system");

const tableExit = exitsWhen("GDTR_IDTR_ACCESS", "descriptor-table exiting");
const selectorExit = exitsWhen("LDTR_TR_ACCESS", "descriptor-table exiting");

const reveals = (robinIrvine: number, what: string, by: readonly ("location" | "mode")[]): Sensitivity => ({
  kind: "behaviour",
  by,
  what,
  cite: "robin-irvine",
  robinIrvine,
  silentlyLies: true,
});

const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "popek-goldberg" });

/** Limit (16 bits), then base: 32 bits, in 64-bit mode 64. */
const storeTable =
  (base: "gdtBase" | "idtBase", limit: "gdtLimit" | "idtLimit"): Semantics =>
  (m, destination) => {
    const table = memory(destination);
    const address = m.address(table);
    const width = m.instruction.bits === 64 ? 64 : 32;
    m.checkStore(table, address, 16);
    m.store(table, offsetBy(m, address, 2), resize(m, m.call(base), width));
    m.store(table, address, m.call(limit));
  };

/** With an operand size of 16 only 24 bits of the base count. */
function loadedBase(m: Algebra, operand: ReturnType<typeof memory>) {
  const { bits, operandSize } = m.instruction;
  const base = m.load(operand, offsetBy(m, m.address(operand), 2), bits === 64 ? 64 : 32);
  if (bits === 64) return base;
  return m.zeroExtend(operandSize === 16 ? m.and(base, m.constant(32, 0xffffff)) : base, 64);
}

const loadTable =
  (procedure: "loadGdt" | "loadIdt"): Semantics =>
  (m, source) => {
    const table = memory(source);
    const limit = m.load(table, m.address(table), 16);
    m.call(procedure, limit, loadedBase(m, table));
  };

const tableForms = (digit: number, mnemonic: string, facts: RowFacts): Row[] => [
  row(`0F 01 /${digit}`, `${mnemonic} m16&32`, { ...facts, modes: "not-64" }),
  row(`0F 01 /${digit}`, `${mnemonic} m16&64`, { ...facts, modes: "only-64" }),
];

const tables = [
  ...tableForms(0, "SGDT", {
    doc: "Stores limit and base of the global descriptor table.",
    access: ["w"],
    privilege: "umip",
    sensitivity: reveals(1, "stores the base and limit of the monitor's global descriptor table", ["location"]),
    exits: tableExit,
    semantics: storeTable("gdtBase", "gdtLimit"),
  }),
  ...tableForms(1, "SIDT", {
    doc: "Stores limit and base of the interrupt descriptor table.",
    access: ["w"],
    privilege: "umip",
    sensitivity: reveals(2, "stores the base and limit of the monitor's interrupt descriptor table", ["location"]),
    exits: tableExit,
    semantics: storeTable("idtBase", "idtLimit"),
  }),
  ...tableForms(2, "LGDT", {
    doc: "Loads limit and base of the global descriptor table.",
    access: ["r"],
    privilege: "cpl0",
    sensitivity: changes("changes where the processor finds segment descriptors"),
    exits: tableExit,
    semantics: loadTable("loadGdt"),
  }),
  ...tableForms(3, "LIDT", {
    doc: "Loads limit and base of the interrupt descriptor table.",
    access: ["r"],
    privilege: "cpl0",
    sensitivity: changes("changes where the processor finds interrupt and exception handlers"),
    exits: tableExit,
    semantics: loadTable("loadIdt"),
  }),
];

/** SLDT and STR: 16 bits to memory at any operand size, extended with zeros to a register. */
const storeSelector = (digit: number, mnemonic: string, facts: Omit<RowFacts, "semantics">, name: Selector): Row[] => {
  const shared = { ...facts, access: ["w"], privilege: "umip", protectedOnly: true, exits: selectorExit } as const;
  return [
    ...words.map((width) =>
      row(`0F 00 /${digit}`, `${mnemonic} r${width}`, {
        ...shared,
        ...modesOf(width),
        semantics: (m, destination) => m.write(destination, m.zeroExtend(m.call(name), width)),
      }),
    ),
    row(`o* 0F 00 /${digit}`, `${mnemonic} m16`, {
      ...shared,
      semantics: (m, destination) => m.write(destination, m.call(name)),
    }),
  ];
};
type Selector = "ldtSelector" | "taskSelector";

const selectors = [
  ...storeSelector(
    0,
    "SLDT",
    {
      doc: "Stores the selector of the local descriptor table.",
      sensitivity: reveals(3, "stores the selector of the monitor's local descriptor table", ["location"]),
    },
    "ldtSelector",
  ),
  ...storeSelector(
    1,
    "STR",
    {
      doc: "Stores the selector of the task state segment.",
      sensitivity: reveals(16, "stores the selector of the monitor's task state segment", ["location", "mode"]),
    },
    "taskSelector",
  ),
  row("o* 0F 00 /2", "LLDT r/m16", {
    doc: "Loads the local descriptor table register from a descriptor of the GDT.",
    access: ["r"],
    privilege: "cpl0",
    protectedOnly: true,
    sensitivity: changes("changes which local descriptor table is in force"),
    exits: selectorExit,
    semantics: (m, selector) => m.call("loadLdt", m.read(selector)),
  }),
  row("o* 0F 00 /3", "LTR r/m16", {
    doc: "Loads the task register from a descriptor of the GDT and marks the task busy.",
    access: ["r"],
    privilege: "cpl0",
    protectedOnly: true,
    sensitivity: changes("changes which task state segment gives the stacks of inner levels"),
    exits: selectorExit,
    semantics: (m, selector) => m.call("loadTask", m.read(selector)),
  }),
];

export const descriptorTables: readonly Row[] = [...tables, ...selectors];
