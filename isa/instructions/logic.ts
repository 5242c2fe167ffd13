import type { Algebra, Value } from "../algebra.ts";
import type { Row, RowFacts, Semantics } from "../instruction.ts";
import { aluForms } from "./alu-forms.ts";
import { accumulator, immediate, modesOf, rowsOf, words } from "./forms.ts";

const row = rowsOf("logic");

type Operation = (m: Algebra, a: Value, b: Value) => Value;

const combine =
  (operation: Operation): Semantics =>
  (m, destination, source) => {
    const result = operation(m, m.read(destination), m.read(source));
    m.write(destination, result);
    m.flags.ofLogic(result);
  };

const test: RowFacts = {
  doc: "Sets the flags of the bitwise AND of both operands and stores nothing.",
  access: ["r", "r"],
  undefinedFlags: ["AF"],
  semantics: (m, first, second) => m.flags.ofLogic(m.and(m.read(first), m.read(second))),
};

const tests = [
  row("84 /r", "TEST r/m8, r8", test),
  row("84 /r", "TEST r8, r/m8", test),
  row("A8 ib", "TEST AL, imm8", test),
  row("F6 /0 ib", "TEST r/m8, imm8", test),
  ...words.flatMap((width) => {
    const facts = { ...test, ...modesOf(width) };
    const { code, syntax } = immediate[width];
    return [
      row("85 /r", `TEST r/m${width}, r${width}`, facts),
      row("85 /r", `TEST r${width}, r/m${width}`, facts),
      row(`A9 ${code}`, `TEST ${accumulator[width]}, ${syntax}`, facts),
      row(`F7 /0 ${code}`, `TEST r/m${width}, ${syntax}`, facts),
    ];
  }),
];

const not: RowFacts = {
  doc: "Inverts every bit of the operand; no flag changes.",
  lockable: true,
  semantics: (m, operand) => m.write(operand, m.not(m.read(operand))),
};

const bitwise = (doc: string, operation: Operation): RowFacts => ({
  doc,
  lockable: true,
  undefinedFlags: ["AF"],
  semantics: combine(operation),
});

export const logic: readonly Row[] = [
  ...aluForms(
    row,
    1,
    "OR",
    bitwise("Stores the bitwise OR of both operands in the destination.", (m, a, b) => m.or(a, b)),
  ),
  ...aluForms(
    row,
    4,
    "AND",
    bitwise("Stores the bitwise AND of both operands in the destination.", (m, a, b) => m.and(a, b)),
  ),
  ...aluForms(
    row,
    6,
    "XOR",
    bitwise("Stores the bitwise exclusive OR of both operands in the destination.", (m, a, b) => m.xor(a, b)),
  ),
  ...tests,
  row("F6 /2", "NOT r/m8", not),
  ...words.map((width) => row("F7 /2", `NOT r/m${width}`, { ...not, ...modesOf(width) })),
];
