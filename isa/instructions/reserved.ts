import { neverBecause, type Row, type RowFacts, type Semantics, type Sensitivity } from "../instruction.ts";
import { hex, modesOf, rowsOf, words } from "./forms.ts";

/** Encodings that are defined to be undefined, or defined to do nothing. */

const system = rowsOf("system");
const row = rowsOf("control-flow");

const undefinedFacts: RowFacts = {
  doc: "Raises #UD: an instruction that is defined to be undefined.",
  exits: neverBecause("the exception it raises may exit, by the exception bitmap"),
  semantics: (m) => m.raise("UD"),
};

const undefinedInstructions = (
  [
    ["0F FF", "UD0"],
    ["0F B9", "UD1"],
  ] as const
).flatMap(([opcode, mnemonic]) => [
  ...words.map((width) =>
    row(`${opcode} /r`, `${mnemonic} r${width}, r/m${width}`, {
      ...undefinedFacts,
      access: ["r", "r"],
      ...modesOf(width),
    }),
  ),
  row(opcode, mnemonic, { ...undefinedFacts, writtenOnly: true }),
]);

const nothing: Semantics = () => {};

/** NOP itself among the following. */
const nop = 56;
/** 0F 18 to 0F 1F, by their number in nasm. On older processors the hints among them are these too. */
const noOperations = Array.from({ length: 64 }, (_, number) => number).flatMap((number) =>
  words.map((width) =>
    system(`0F ${hex(0x18 + (number >> 3))} /${number & 7}`, `HINT_NOP${number} r/m${width}`, {
      doc: "Does nothing: an encoding reserved for hints.",
      access: ["r"],
      writtenOnly: number === nop,
      ...modesOf(width),
      semantics: nothing,
    }),
  ),
);

const changesRing: Sensitivity = { kind: "control", what: "changes the privilege level", cite: "intel-sdm" };
/** Names of instructions of the 80286 and 80386 whose bytes mean something else since. */
const former = [
  system("0F 05", "LOADALL286", {
    doc: "Loaded all registers of the 80286 from memory at 800h; the bytes are those of SYSCALL.",
    sensitivity: changesRing,
    writtenOnly: true,
    semantics: (m) => m.call("systemCall"),
  }),
  system("0F 07", "LOADALL", {
    doc: "Loaded all registers of the 80386 from memory at ES:EDI; the bytes are those of SYSRET.",
    privilege: "cpl0",
    sensitivity: changesRing,
    writtenOnly: true,
    semantics: (m) => m.call("systemReturn"),
  }),
];

export const reserved: readonly Row[] = [...undefinedInstructions, ...noOperations, ...former];
