/** Register names, numbers, widths and overlaps, as the manuals number them (Intel SDM Vol. 2, 3.1.1.1). */

export type Width = 8 | 16 | 32 | 64;

/** Bits of an operand: those of a value, or of an x87 or SSE register, which semantics takes in parts. */
export type OperandWidth = Width | 80 | 128;

const legacy = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"] as const;

export interface RegisterName {
  readonly name: string;
  readonly class: "general" | "high-byte" | "segment" | "control" | "debug" | "x87" | "mmx" | "xmm";
  /** 0–15; for `high-byte` 0–3 is the register whose bits 15:8 it names (AH = 0). */
  readonly number: number;
  readonly width: OperandWidth;
  /** True for SPL, BPL, SIL, DIL and everything of R8–R15: encodable only with a REX prefix. */
  readonly rex: boolean;
}

function general(): RegisterName[] {
  const rows: RegisterName[] = [];
  for (let number = 0; number < 16; number++) {
    const old = legacy[number];
    const rex = old === undefined;
    rows.push({ name: old ? `r${old}` : `r${number}`, class: "general", number, width: 64, rex });
    rows.push({ name: old ? `e${old}` : `r${number}d`, class: "general", number, width: 32, rex });
    rows.push({ name: old ?? `r${number}w`, class: "general", number, width: 16, rex });
    const low = number < 4 ? `${"acdb"[number]}l` : old ? `${old}l` : `r${number}b`;
    rows.push({ name: low, class: "general", number, width: 8, rex: number >= 4 });
  }
  return rows;
}

const indexed = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

function numbered(names: readonly string[], kind: RegisterName["class"], width: OperandWidth): RegisterName[] {
  return names.map((name, number) => ({ name, class: kind, number, width, rex: /^(cr|dr|xmm)(8|9|1\d)$/.test(name) }));
}

export const segmentNames = ["es", "cs", "ss", "ds", "fs", "gs"] as const;
export type SegmentName = (typeof segmentNames)[number];

/** Every register an operand can name. */
export const registers: readonly RegisterName[] = [
  ...general(),
  ...numbered(["ah", "ch", "dh", "bh"], "high-byte", 8),
  ...numbered(segmentNames, "segment", 16),
  ...numbered(indexed("cr", 16), "control", 32),
  ...numbered(indexed("dr", 16), "debug", 32),
  ...numbered(indexed("st", 8), "x87", 80),
  ...numbered(indexed("mm", 8), "mmx", 64),
  ...numbered(indexed("xmm", 16), "xmm", 128),
];

const byName = new Map(registers.map((register) => [register.name, register]));

/** The register of that name, in any letter case. */
export const registerNamed = (name: string): RegisterName | undefined => byName.get(name.toLowerCase());

/** The name of general register `number` at `width` bits; `AH`–`BH` are asked for by class. */
export function registerName(kind: RegisterName["class"], number: number, width: OperandWidth): string {
  const found = registers.find(
    (r) => r.class === kind && r.number === number && (kind !== "general" || r.width === width),
  );
  if (!found) throw new RangeError(`no ${kind} register ${number} of ${width} bits`);
  return found.name;
}

/** The control registers that exist; CR8 in 64-bit mode only. */
export const controlNumbers: readonly number[] = [0, 2, 3, 4, 8];
