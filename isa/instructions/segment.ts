import { neverBecause, type Row, type RowFacts, type Semantics, type Sensitivity } from "../instruction.ts";
import { type SegmentName, segmentNames } from "../registers.ts";
import { memory, modesOf, offsetBy, operandWidth, resize, rowsOf, type Word, words } from "./forms.ts";

const row = rowsOf("segment");

const noControl = neverBecause("no control exists for it: in non-root operation the segments are the guest's own");

const readsSelector: Sensitivity = {
  kind: "behaviour",
  by: ["mode"],
  what: "reveals the selector; the low two bits of CS are the privilege level the code really runs at",
  cite: "robin-irvine",
  robinIrvine: 17,
};
const loadsSegment: Sensitivity = {
  kind: "behaviour",
  by: ["mode"],
  what: "checks CPL, RPL and DPL, and loads from the descriptor table in force, which is the monitor's",
  cite: "robin-irvine",
  robinIrvine: 17,
};

const store: Omit<RowFacts, "doc"> = {
  access: ["w", "r"],
  sensitivity: readsSelector,
  exits: noControl,
  semantics: (m, destination, source) => m.write(destination, resize(m, m.read(source), operandWidth(destination))),
};

const load: RowFacts = {
  doc: "Loads the segment register from the selector, after the checks of its descriptor.",
  access: ["w", "r"],
  sensitivity: loadsSegment,
  exits: noControl,
  semantics: (m, destination, source) => m.write(destination, m.truncate(m.read(source), 16)),
};

/** Bases of FS and GS in 64-bit code, where CR4.FSGSBASE lets everyone have them. */
const bases = (["FS", "GS"] as const).flatMap((name, number) =>
  ([32, 64] as const).flatMap((width) => {
    const facts = { feature: "FSGSBASE", modes: "only-64", exits: noControl } as const;
    const segment = number + 4;
    const size = width === 32 ? "o* " : "";
    return [
      row(`${size}F3 0F AE /${number}`, `RD${name}BASE r${width}`, {
        ...facts,
        doc: `Reads the base of ${name}; #UD unless CR4.FSGSBASE is set.`,
        access: ["w"],
        semantics: (m, destination) =>
          m.write(destination, resize(m, m.call("readSegmentBase", m.constant(8, segment)), width)),
      }),
      row(`${size}F3 0F AE /${number + 2}`, `WR${name}BASE r${width}`, {
        ...facts,
        doc: `Changes the base of ${name}; #UD unless CR4.FSGSBASE is set.`,
        access: ["r"],
        semantics: (m, source) => m.call("writeSegmentBase", m.constant(8, segment), resize(m, m.read(source), 64)),
      }),
    ];
  }),
);

const moves = [
  ...words.map((width) =>
    row("8C /r", `MOV r${width}, Sreg`, {
      ...store,
      ...modesOf(width),
      doc: "Copies the selector to the register, extended with zeros.",
    }),
  ),
  row("o* 8C /r", "MOV m16, Sreg", { ...store, doc: "Stores the selector: 16 bits at any operand size." }),
  row("o* 8E /r", "MOV Sreg, r/m16", load),
  row("o* 8E /r", "MOV Sreg, r32", load),
  row("o* 8E /r", "MOV Sreg, r64", { ...load, modes: "only-64" }),
];

/** PUSH and POP have an opcode per segment register; there is no POP CS. */
const stackOpcodes: Record<SegmentName, { readonly push: string; readonly pop: string | undefined }> = {
  es: { push: "06", pop: "07" },
  cs: { push: "0E", pop: undefined },
  ss: { push: "16", pop: "17" },
  ds: { push: "1E", pop: "1F" },
  fs: { push: "0F A0", pop: "0F A1" },
  gs: { push: "0F A8", pop: "0F A9" },
};

/** Their selectors' low two bits are the privilege level that the code really runs at. */
const tellsRing = (name: SegmentName): boolean => name === "cs" || name === "ss";

const pushSegment = (name: SegmentName): Sensitivity => ({
  kind: "behaviour",
  by: ["mode"],
  what: tellsRing(name)
    ? "pushes a selector whose low two bits are the privilege level the code really runs at"
    : "pushes a selector that the monitor may have changed",
  cite: "robin-irvine",
  robinIrvine: 11,
  ...(tellsRing(name) ? { silentlyLies: true } : {}),
});
const popSegment: Sensitivity = { ...loadsSegment, robinIrvine: 10 };

const stackForms = segmentNames.flatMap((name, number) => {
  const modes = name === "fs" || name === "gs" ? ({ default64: true } as const) : ({ modes: "not-64" } as const);
  const { push, pop } = stackOpcodes[name];
  const pushRow = row(push, `PUSH ${name.toUpperCase()}`, {
    doc: `Pushes ${name.toUpperCase()}, extended with zeros to the operand size.`,
    access: ["r"],
    ...modes,
    sensitivity: pushSegment(name),
    exits: noControl,
    semantics: (m, source) => m.push(resize(m, m.read(source), m.instruction.operandSize)),
  });
  if (pop === undefined) return [pushRow];
  const popRow = row(pop, `POP ${name.toUpperCase()}`, {
    doc: `Pops a selector into ${name.toUpperCase()}, after the checks of its descriptor.`,
    access: ["w"],
    ...modes,
    sensitivity: popSegment,
    exits: noControl,
    semantics: (m) => m.call("popSegment", m.constant(8, number)),
  });
  return [pushRow, popRow];
});

/** LDS and its like: the segment is loaded before the register, for its checks may fault. */
const loadPointer =
  (segment: number, width: Word): Semantics =>
  (m, destination, source) => {
    const pointer = memory(source);
    const address = m.address(pointer);
    const offset = m.load(pointer, address, width);
    const selector = m.load(pointer, offsetBy(m, address, width / 8), 16);
    m.call("loadSegment", m.constant(8, segment), selector);
    m.write(destination, offset);
  };

const pointerLoads = (
  [
    ["LES", "C4", "es"],
    ["LDS", "C5", "ds"],
    ["LSS", "0F B2", "ss"],
    ["LFS", "0F B4", "fs"],
    ["LGS", "0F B5", "gs"],
  ] as const
).flatMap(([mnemonic, opcode, name]) => {
  const legacy = name === "es" || name === "ds";
  return words
    .filter((width) => width !== 64 || !legacy)
    .map((width) =>
      row(`${opcode} /r`, `${mnemonic} r${width}, m16:${width}`, {
        doc: `Loads ${name.toUpperCase()} and the register from the far pointer in memory.`,
        access: ["w", "r"],
        ...(legacy ? { modes: "not-64" } : modesOf(width)),
        sensitivity: { ...withoutNumber(loadsSegment), cite: "intel-sdm" },
        exits: noControl,
        semantics: loadPointer(segmentNames.indexOf(name), width),
      }),
    );
});

/** Sensitive, but not in Robin and Irvine's list. */
function withoutNumber(sensitivity: Sensitivity & { kind: "control" | "behaviour" }) {
  const { robinIrvine: _, ...rest } = sensitivity;
  return rest;
}

// Questions about descriptors. They read the table in force, with the CPL in force, and never fault.
const asks = (robinIrvine: number, what: string): Partial<RowFacts> => ({
  protectedOnly: true,
  sensitivity: {
    kind: "behaviour",
    by: ["mode", "location"],
    what,
    cite: "robin-irvine",
    robinIrvine,
    silentlyLies: true,
  },
  exits: neverBecause("no control exists for it: in non-root operation the descriptor tables are the guest's own"),
});

const lookUp = (
  opcode: string,
  mnemonic: string,
  doc: string,
  procedure: "accessRights" | "segmentLimit",
  facts: Partial<RowFacts>,
): Row[] => {
  const semantics: Semantics = (m, destination, source) => {
    const found = m.call(procedure, m.truncate(m.read(source), 16));
    m.when(m.flags.get("ZF"), () => m.write(destination, resize(m, found, operandWidth(destination))));
  };
  const shared: RowFacts = { doc, access: ["w", "r"], ...facts, semantics };
  return [
    ...words.map((width) => row(`${opcode} /r`, `${mnemonic} r${width}, r/m16`, { ...shared, ...modesOf(width) })),
    row(`${opcode} /r`, `${mnemonic} r32, r32`, shared),
    row(`${opcode} /r`, `${mnemonic} r64, r32`, { ...shared, modes: "only-64" }),
  ];
};

const questions = [
  ...lookUp(
    "0F 02",
    "LAR",
    "Loads the access rights of a segment that CPL and RPL allow to see; ZF tells whether they do.",
    "accessRights",
    asks(7, "reads a descriptor of the monitor's table, and sees what the real CPL may see"),
  ),
  ...lookUp(
    "0F 03",
    "LSL",
    "Loads the limit of a segment that CPL and RPL allow to see; ZF tells whether they do.",
    "segmentLimit",
    asks(8, "reads a limit from the monitor's table, and sees what the real CPL may see"),
  ),
  row("o* 0F 00 /4", "VERR r/m16", {
    doc: "Sets ZF if the segment can be read at this privilege level.",
    access: ["r"],
    ...asks(9, "answers for the real CPL and from the monitor's table whether a segment can be read"),
    semantics: (m, selector) => m.call("verifyRead", m.read(selector)),
  }),
  row("o* 0F 00 /5", "VERW r/m16", {
    doc: "Sets ZF if the segment can be written at this privilege level.",
    access: ["r"],
    ...asks(9, "answers for the real CPL and from the monitor's table whether a segment can be written"),
    semantics: (m, selector) => m.call("verifyWrite", m.read(selector)),
  }),
  row("o* 63 /r", "ARPL r/m16, r16", {
    doc: "Raises the RPL of the first selector to that of the second; ZF tells whether it did.",
    protectedOnly: true,
    modes: "not-64",
    semantics: (m, destination, source) => {
      const rpl = m.constant(16, 3);
      const selector = m.read(destination);
      const wanted = m.and(m.read(source), rpl);
      const raise = m.lessUnsigned(m.and(selector, rpl), wanted);
      m.write(destination, m.select(raise, m.or(m.and(selector, m.not(rpl)), wanted), selector));
      m.flags.set("ZF", raise);
    },
  }),
];

export const segment: readonly Row[] = [...moves, ...bases, ...stackForms, ...pointerLoads, ...questions];
