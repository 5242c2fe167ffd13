import type { Algebra, Value } from "../algebra.ts";

/** A condition of Jcc, SETcc and CMOVcc (SDM Vol. 1, appendix B). */
export interface Condition {
  /** Suffixes of its mnemonics; the first is the one the disassembler prints. */
  readonly names: readonly [string, ...string[]];
  /** In words, completing "if …". */
  readonly doc: string;
  readonly holds: (m: Algebra) => Value;
}

const less = (m: Algebra): Value => m.flags.less?.() ?? m.xor(m.flags.get("SF"), m.flags.get("OF"));
const belowOrEqual = (m: Algebra): Value => m.flags.belowOrEqual?.() ?? m.or(m.flags.get("CF"), m.flags.get("ZF"));
const lessOrEqual = (m: Algebra): Value => m.flags.lessOrEqual?.() ?? m.or(m.flags.get("ZF"), less(m));

/** In the order of their numbers, 0 to 15. */
export const conditions: readonly Condition[] = [
  { names: ["O"], doc: "overflow (OF = 1)", holds: (m) => m.flags.get("OF") },
  { names: ["NO"], doc: "no overflow (OF = 0)", holds: (m) => m.not(m.flags.get("OF")) },
  { names: ["B", "C", "NAE"], doc: "below, unsigned (CF = 1)", holds: (m) => m.flags.get("CF") },
  { names: ["AE", "NC", "NB"], doc: "above or equal, unsigned (CF = 0)", holds: (m) => m.not(m.flags.get("CF")) },
  { names: ["E", "Z"], doc: "equal (ZF = 1)", holds: (m) => m.flags.get("ZF") },
  { names: ["NE", "NZ"], doc: "not equal (ZF = 0)", holds: (m) => m.not(m.flags.get("ZF")) },
  { names: ["BE", "NA"], doc: "below or equal, unsigned (CF = 1 or ZF = 1)", holds: belowOrEqual },
  { names: ["A", "NBE"], doc: "above, unsigned (CF = 0 and ZF = 0)", holds: (m) => m.not(belowOrEqual(m)) },
  { names: ["S"], doc: "negative (SF = 1)", holds: (m) => m.flags.get("SF") },
  { names: ["NS"], doc: "not negative (SF = 0)", holds: (m) => m.not(m.flags.get("SF")) },
  { names: ["P", "PE"], doc: "parity even (PF = 1)", holds: (m) => m.flags.get("PF") },
  { names: ["NP", "PO"], doc: "parity odd (PF = 0)", holds: (m) => m.not(m.flags.get("PF")) },
  { names: ["L", "NGE"], doc: "less, signed (SF ≠ OF)", holds: less },
  { names: ["GE", "NL"], doc: "greater or equal, signed (SF = OF)", holds: (m) => m.not(less(m)) },
  { names: ["LE", "NG"], doc: "less or equal, signed (ZF = 1 or SF ≠ OF)", holds: lessOrEqual },
  { names: ["G", "NLE"], doc: "greater, signed (ZF = 0 and SF = OF)", holds: (m) => m.not(lessOrEqual(m)) },
];
