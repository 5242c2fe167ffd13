/** Register names, numbers, widths and overlaps, as the manuals number them (Intel SDM Vol. 2, 3.1.1.1). */

export type Width = 8 | 16 | 32 | 64;

const legacy = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"] as const;

export interface RegisterName {
  readonly name: string;
  readonly class: "general" | "high-byte" | "segment" | "control" | "debug";
  /** 0–15; for `high-byte` 0–3 is the register whose bits 15:8 it names (AH = 0). */
  readonly number: number;
  readonly width: Width;
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

function numbered(names: readonly string[], kind: RegisterName["class"], width: Width): RegisterName[] {
  return names.map((name, number) => ({ name, class: kind, number, width, rex: /^(cr|dr)(8|9|1\d)$/.test(name) }));
}

export const segmentNames = ["es", "cs", "ss", "ds", "fs", "gs"] as const;
export type SegmentName = (typeof segmentNames)[number];

/** Every register an operand can name. */
export const registers: readonly RegisterName[] = [
  ...general(),
  ...numbered(["ah", "ch", "dh", "bh"], "high-byte", 8),
  ...numbered(segmentNames, "segment", 16),
  ...numbered(
    Array.from({ length: 16 }, (_, n) => `cr${n}`),
    "control",
    32,
  ),
  ...numbered(
    Array.from({ length: 16 }, (_, n) => `dr${n}`),
    "debug",
    32,
  ),
];

const byName = new Map(registers.map((register) => [register.name, register]));

/** The register of that name, in any letter case. */
export const registerNamed = (name: string): RegisterName | undefined => byName.get(name.toLowerCase());

/** The name of general register `number` at `width` bits; `AH`–`BH` are asked for by class. */
export function registerName(kind: RegisterName["class"], number: number, width: Width): string {
  const found = registers.find(
    (r) => r.class === kind && r.number === number && (kind !== "general" || r.width === width),
  );
  if (!found) throw new RangeError(`no ${kind} register ${number} of ${width} bits`);
  return found.name;
}

/** The control registers that exist; CR8 in 64-bit mode only. */
export const controlNumbers: readonly number[] = [0, 2, 3, 4, 8];
