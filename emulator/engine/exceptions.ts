import type { Exception } from "../../isa/algebra.ts";

/** Vectors of the exceptions instructions raise by name (SDM Vol. 3, table 6-1). */
export const exceptionVectors: Readonly<Record<Exception, number>> = {
  DE: 0,
  DB: 1,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  AC: 17,
};
