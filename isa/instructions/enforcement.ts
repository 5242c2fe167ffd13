import type { Row, RowFacts, Semantics, Sensitivity } from "../instruction.ts";
import { absent, modesOf, rowsOf } from "./forms.ts";

/**
 * Control-flow enforcement (SDM Vol. 1, chapter 17) and protection keys. Without shadow stacks RDSSP does nothing, as
 * ENDBR does without indirect-branch tracking: they are reserved no-operations.
 */

const row = rowsOf("system");

const nothing: Semantics = () => {};
const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "intel-sdm" });
const shadowStack = (doc: string, more: Partial<RowFacts> = {}): RowFacts => ({
  doc,
  feature: "CET_SS",
  semantics: absent,
  ...more,
});
const supervisor = { privilege: "cpl0", sensitivity: changes("changes the shadow stack of the supervisor") } as const;

/** In 16-bit code nasm writes an operand-size prefix, which makes no difference. */
const sized = (opcode: string, syntax: string, width: 32 | 64, facts: RowFacts): Row[] => [
  row(`o${width} ${opcode}`, syntax, facts),
  ...(width === 32 ? [row(`o* ${opcode}`, syntax, { ...facts, decodedOnly: true })] : []),
];

const sizes = ([32, 64] as const).flatMap((width) => {
  const letter = width === 32 ? "D" : "Q";
  const read: RowFacts = {
    doc: "Reads the shadow-stack pointer; does nothing where shadow stacks are off.",
    access: ["w"],
    ...modesOf(width),
    semantics: nothing,
  };
  const increment = shadowStack("Pops as many elements off the shadow stack as the register says.", {
    access: ["r"],
    ...modesOf(width),
  });
  return [
    ...sized("F3 0F 1E /1", `RDSSP${letter} r${width}`, width, read),
    ...sized("F3 0F AE /5", `INCSSP${letter} r${width}`, width, increment),
    row(
      "NP 0F 38 F6 /r",
      `WRSS${letter} m${width}, r${width}`,
      shadowStack("Writes to the shadow stack.", { access: ["w", "r"], ...modesOf(width) }),
    ),
    row(
      "66 0F 38 F5 /r",
      `WRUSS${letter} m${width}, r${width}`,
      shadowStack("Writes to a user's shadow stack.", { access: ["w", "r"], ...modesOf(width), ...supervisor }),
    ),
  ];
});

const switches = [
  row(
    "F3 0F 01 /5",
    "RSTORSSP m64",
    shadowStack("Switches to the shadow stack whose token is at that address.", { access: ["rw"] }),
  ),
  row(
    "F3 0F 01 EA",
    "SAVEPREVSSP",
    shadowStack("Leaves a token on the shadow stack that was in use, so that it can be switched back to."),
  ),
  row(
    "F3 0F AE /6",
    "CLRSSBSY m64",
    shadowStack("Marks a shadow stack of the supervisor as not in use.", { access: ["rw"], ...supervisor }),
  ),
  row("F3 0F 01 E8", "SETSSBSY", shadowStack("Marks the supervisor's shadow stack as in use.", supervisor)),
];

const protectionKeys = [
  row("NP 0F 01 EE", "RDPKRU", {
    doc: "Reads the access rights of protection keys into EAX.",
    feature: "PKU",
    semantics: absent,
  }),
  row("NP 0F 01 EF", "WRPKRU", {
    doc: "Changes the access rights of protection keys to EAX.",
    feature: "PKU",
    semantics: absent,
  }),
];

export const enforcement: readonly Row[] = [...sizes, ...switches, ...protectionKeys];
