/** Mnemonics of the exceptions by vector (SDM Vol. 3, table 6-1). */
const names: Readonly<Record<number, string>> = {
  0: "#DE",
  1: "#DB",
  2: "NMI",
  3: "#BP",
  4: "#OF",
  5: "#BR",
  6: "#UD",
  7: "#NM",
  8: "#DF",
  10: "#TS",
  11: "#NP",
  12: "#SS",
  13: "#GP",
  14: "#PF",
  16: "#MF",
  17: "#AC",
  18: "#MC",
  19: "#XM",
  20: "#VE",
};

export const exceptionName = (vector: number): string => names[vector] ?? `vector ${vector.toString(16)}h`;

/** The vectors that have a name. */
export const exceptionVectors: readonly number[] = Object.keys(names).map(Number);
