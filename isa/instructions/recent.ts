import { exitsWhen, type Row, type RowFacts, type Sensitivity } from "../instruction.ts";
import { conditions } from "./conditions.ts";
import { absent, hex, modesOf, rowsOf } from "./forms.ts";

/** Extensions of recent processors that ours does not have: their instructions raise #UD. */

const row = rowsOf("system");

const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "intel-sdm" });

const userInterrupts = (
  [
    ["F3 0F 01 EC", "UIRET", "Returns from a user interrupt."],
    ["F3 0F 01 ED", "TESTUI", "Copies the user-interrupt flag to CF."],
    ["F3 0F 01 EE", "CLUI", "Clears the user-interrupt flag."],
    ["F3 0F 01 EF", "STUI", "Sets the user-interrupt flag."],
  ] as const
).map(([opcode, mnemonic, doc]) =>
  row(opcode, mnemonic, { doc, feature: "UINTR", modes: "only-64", semantics: absent }),
);

const sending = row("o* F3 0F C7 /6", "SENDUIPI r64", {
  doc: "Sends a user interrupt, by an index into the target table.",
  feature: "UINTR",
  access: ["r"],
  modes: "only-64",
  semantics: absent,
});

const registers = (["RDMSRLIST", "WRMSRLIST", "WRMSRNS"] as const).map((mnemonic) => {
  const list = mnemonic !== "WRMSRNS";
  const writes = mnemonic.startsWith("WR");
  return row(`${mnemonic === "RDMSRLIST" ? "F2" : list ? "F3" : "NP"} 0F 01 C6`, mnemonic, {
    doc: list
      ? `${writes ? "Writes" : "Reads"} the model-specific registers that a list in memory names.`
      : "Writes a model-specific register without serializing.",
    feature: list ? "MSRLIST" : "WRMSRNS",
    privilege: "cpl0",
    sensitivity: changes(`${writes ? "changes" : "reads"} model-specific registers of the host`),
    exits: exitsWhen(mnemonic, "use MSR bitmaps, or their lack"),
    modes: list ? "only-64" : "all",
    semantics: absent,
  });
});

const atomic = (
  [
    ["NP", "AADD", "Adds"],
    ["66", "AAND", "ANDs"],
    ["F3", "AXOR", "XORs"],
  ] as const
).flatMap(([prefix, mnemonic, verb]) =>
  ([64, 32] as const).map((width) =>
    row(`${width === 32 && prefix === "F3" ? "o* " : ""}${prefix} 0F 38 FC /r`, `${mnemonic} m${width}, r${width}`, {
      doc: `${verb} the register to memory atomically, less ordered than LOCK.`,
      feature: "RAO-INT",
      ...modesOf(width),
      semantics: absent,
    }),
  ),
);

/** The manual's names of the conditions; the others are only written. */
const manualNames = /^(N?[OBZSPL]|N?BE|N?LE)$/;

const compareAndAdd = conditions.flatMap(({ names, doc }, number) =>
  names.flatMap((name) =>
    ([32, 64] as const).map((width) =>
      row(
        `VEX.LZ.66.0F38.W${width === 64 ? 1 : 0} ${hex(0xe0 + number)} /r`,
        `CMP${name}XADD m${width}, r${width}, r${width}`,
        {
          doc: `Compares memory with the second operand; adds the third to memory if ${doc}.`,
          feature: "CMPCCXADD",
          access: ["rw", "rw", "r"],
          modes: "only-64",
          writtenOnly: !manualNames.test(name),
          semantics: absent,
        },
      ),
    ),
  ),
);

const trusted = (
  [
    [
      "NP 0F 01 CF",
      "ENCLS",
      "Runs a supervisor's function of SGX, by EAX.",
      "SGX",
      "ENCLS",
      "enable ENCLS exiting, and its bitmap",
    ],
    [
      "NP 0F 01 C0",
      "ENCLV",
      "Runs a monitor's function of SGX, by EAX.",
      "SGX",
      "ENCLV",
      "enable ENCLV exiting, and its bitmap",
    ],
    [
      "NP 0F 01 C5",
      "PCONFIG",
      "Configures memory encryption, by EAX.",
      "PCONFIG",
      "PCONFIG",
      "enable PCONFIG, and its bitmap",
    ],
  ] as const
).map(([opcode, mnemonic, doc, feature, reason, control]) =>
  row(opcode, mnemonic, {
    doc,
    feature,
    privilege: "cpl0",
    sensitivity: changes("changes encrypted memory of the whole machine"),
    exits: exitsWhen(reason, control),
    semantics: absent,
  }),
);

const historyReset: RowFacts = {
  doc: "Clears parts of what the processor has learnt of earlier execution, by EAX.",
  feature: "HRESET",
  privilege: "cpl0",
  sensitivity: changes("clears history that belongs to the processor"),
  access: ["r"],
  semantics: absent,
};

const others = [
  row("NP 0F 01 D7", "ENCLU", { doc: "Runs a user's function of SGX, by EAX.", feature: "SGX", semantics: absent }),
  row("F3 0F 3A F0 C0 ib", "HRESET imm8", historyReset),
  row("o* F3 0F 3A F0 C0 ib", "HRESET imm8, EAX", { ...historyReset, access: ["r", "r"], writtenOnly: true }),
];

const sums = (
  [
    [32, 8, "F0"],
    [64, 8, "F0"],
    [32, 16, "F1"],
    [32, 32, "F1"],
    [64, 64, "F1"],
  ] as const
).map(([width, from, opcode]) =>
  row(
    `${from === 8 && width === 32 ? "o* " : from === 16 || from === 32 ? `o${from} ` : "o64 "}F2 0F 38 ${opcode} /r`,
    `CRC32 r${width}, r/m${from}`,
    {
      doc: "Adds the second operand to the checksum CRC-32C in the first.",
      feature: "SSE4_2",
      ...modesOf(width),
      semantics: absent,
    },
  ),
);

export const recent: readonly Row[] = [
  ...userInterrupts,
  sending,
  ...registers,
  ...atomic,
  ...compareAndAdd,
  ...trusted,
  ...others,
  ...sums,
];
