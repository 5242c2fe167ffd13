import type { Algebra, Value } from "../algebra.ts";
import type { Row, RowFacts } from "../instruction.ts";
import type { Width } from "../registers.ts";
import { modesOf, rowsOf } from "./forms.ts";

const row = rowsOf("string");

/** Numbers of rSI and rDI. */
const source = 6;
const destination = 7;

/** Suffixes of the mnemonics, and what the opcode column says of the operand size. */
export const elements = [
  { width: 8, suffix: "B", size: "", noun: "byte" },
  { width: 16, suffix: "W", size: "o16 ", noun: "word" },
  { width: 32, suffix: "D", size: "o32 ", noun: "doubleword" },
  { width: 64, suffix: "Q", size: "o64 ", noun: "quadword" },
] as const;

const pointer = (m: Algebra, register: number): Value => m.register(register, m.instruction.addressSize);

/** The source is in DS or the segment of an override. */
export const loadSource = (m: Algebra, width: Width): Value =>
  m.load(m.instruction.segment ?? "ds", pointer(m, source), width);

/** The destination is in ES, always. */
export const loadDestination = (m: Algebra, width: Width): Value => m.load("es", pointer(m, destination), width);
export const storeDestination = (m: Algebra, value: Value): void => m.store("es", pointer(m, destination), value);
export const checkDestination = (m: Algebra, width: Width): void => m.checkStore("es", pointer(m, destination), width);

/** Moves a pointer by one element: up, or down where DF is set. */
function advance(m: Algebra, register: number, width: Width): void {
  const { addressSize } = m.instruction;
  const bytes = width / 8;
  const distance = m.select(m.flags.direction(), m.constant(addressSize, -bytes), m.constant(addressSize, bytes));
  m.setRegister(register, m.add(pointer(m, register), distance));
}

export const advanceSource = (m: Algebra, width: Width): void => advance(m, source, width);
export const advanceDestination = (m: Algebra, width: Width): void => advance(m, destination, width);

/** The forms of a string instruction; the opcode for bytes, one more for the others. */
const forms = (byte: number, mnemonic: string, doc: (noun: string) => string, facts: (width: Width) => Step): Row[] =>
  elements.map(({ width, suffix, size, noun }) => {
    const opcode = (byte + (width === 8 ? 0 : 1)).toString(16).toUpperCase();
    return row(`${size}${opcode}`, `${mnemonic}${suffix}`, { doc: doc(noun), ...modesOf(width), ...facts(width) });
  });

type Step = Pick<RowFacts, "semantics" | "repeat">;

const move = (width: Width): Step => ({
  repeat: "count",
  semantics: (m) => {
    storeDestination(m, loadSource(m, width));
    advanceSource(m, width);
    advanceDestination(m, width);
  },
});

const compare = (width: Width): Step => ({
  repeat: "equal",
  semantics: (m) => {
    const a = loadSource(m, width);
    const b = loadDestination(m, width);
    advanceSource(m, width);
    advanceDestination(m, width);
    m.flags.ofSubtract(a, b, m.subtract(a, b));
  },
});

const scan = (width: Width): Step => ({
  repeat: "equal",
  semantics: (m) => {
    const a = m.register(0, width);
    const b = loadDestination(m, width);
    advanceDestination(m, width);
    m.flags.ofSubtract(a, b, m.subtract(a, b));
  },
});

const load = (width: Width): Step => ({
  repeat: "count",
  semantics: (m) => {
    m.setRegister(0, loadSource(m, width));
    advanceSource(m, width);
  },
});

const store = (width: Width): Step => ({
  repeat: "count",
  semantics: (m) => {
    storeDestination(m, m.register(0, width));
    advanceDestination(m, width);
  },
});

export const string: readonly Row[] = [
  ...forms(0xa4, "MOVS", (noun) => `Copies the ${noun} at rSI to ES:rDI and moves both pointers on.`, move),
  ...forms(
    0xa6,
    "CMPS",
    (noun) => `Compares the ${noun} at rSI with the one at ES:rDI and moves both pointers on.`,
    compare,
  ),
  ...forms(0xaa, "STOS", (noun) => `Stores the accumulator in the ${noun} at ES:rDI and moves the pointer on.`, store),
  ...forms(0xac, "LODS", (noun) => `Loads the ${noun} at rSI into the accumulator and moves the pointer on.`, load),
  ...forms(
    0xae,
    "SCAS",
    (noun) => `Compares the accumulator with the ${noun} at ES:rDI and moves the pointer on.`,
    scan,
  ),
];
