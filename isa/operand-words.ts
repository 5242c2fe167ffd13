import type { OperandPattern } from "./operand-pattern.ts";
import type { RegisterName } from "./registers.ts";
import type { WrittenOperand } from "./statement.ts";

/** Operands, and what instructions take for them, in words. */

export const upper = (text: string): string => text.toUpperCase();
const article = (noun: string): string => `${/^([aeiou8]|MMX|XMM)/i.test(noun) ? "an" : "a"} ${noun}`;

const classNames: Readonly<Record<RegisterName["class"], string>> = {
  general: "general",
  "high-byte": "8-bit",
  segment: "segment",
  control: "control",
  debug: "debug",
  x87: "x87",
  mmx: "MMX",
  xmm: "XMM",
};

/** An operand with what it is. */
export function describe(operand: WrittenOperand): string {
  switch (operand.kind) {
    case "register": {
      const { register } = operand;
      if (register.class === "general" || register.class === "high-byte")
        return article(`${register.width}-bit register (${upper(register.name)})`);
      return article(`${classNames[register.class]} register (${upper(register.name)})`);
    }
    case "memory":
      if (operand.far) return "a far address in memory";
      return operand.size ? article(`${operand.size}-bit memory operand`) : "a memory operand";
    case "number":
      return "a number";
    case "far":
      return "a far address";
  }
}

/** An operand as short as can be. */
export const nameOf = (operand: WrittenOperand): string =>
  operand.kind === "register"
    ? upper(operand.register.name)
    : operand.kind === "memory" && !operand.size && !operand.far
      ? "memory"
      : describe(operand);

/** `a, b or c`. */
export function list(items: readonly string[], conjunction: "and" | "or"): string {
  if (items.length < 2) return items.join();
  return `${items.slice(0, -1).join(", ")} ${conjunction} ${items.at(-1)}`;
}

/** `an 8- or 16-bit …`. */
function widthsText(widths: readonly number[], noun: string): string {
  if (widths.length === 0) return article(noun);
  const [last, ...others] = [...widths].sort((a, b) => b - a);
  const parts = [...others.reverse().map((width) => `${width}-`), `${last}-bit ${noun}`];
  return article(list(parts, "or"));
}

const unique = <T>(items: readonly (T | undefined)[]): T[] => [
  ...new Set(items.filter((item): item is T => item !== undefined)),
];

/** General registers and memory, together where both have the same widths. */
function generalWords(patterns: readonly OperandPattern[]): string[] {
  const open = patterns.filter(({ place, kind }) => place !== "fixed" && place !== "moffs" && kind !== "relative");
  const isRegister = ({ kind, class: name }: OperandPattern) =>
    (kind === "register" || kind === "rm") && name === "general";
  const registers = unique(open.filter(isRegister).map(({ width }) => width));
  const memories = open.filter(({ kind }) => kind === "memory" || kind === "rm");
  const widths = unique(memories.map(({ memoryWidth }) => memoryWidth));
  if (memories.length === 0) return registers.length > 0 ? [widthsText(registers, "register")] : [];
  if (registers.length === 0) return [widthsText(widths, "memory operand")];
  if (String(registers.toSorted()) === String(widths.toSorted()))
    return [widthsText(registers, "register or memory operand")];
  return [widthsText(registers, "register"), widthsText(widths, "memory operand")];
}

/** Registers that are named, unless general ones are taken anyway; all segment registers are one kind. */
function fixedWords(patterns: readonly OperandPattern[], hasGeneral: boolean): string[] {
  const fixed = patterns.flatMap(({ register }) => register ?? []);
  const segments = fixed.filter((register) => register.class === "segment");
  if (segments.length > 2) return [article("segment register")];
  return unique(fixed.filter((r) => !hasGeneral || r.class !== "general").map(({ name }) => upper(name)));
}

/** What patterns take; registers for system programming are only named where nothing else is taken. */
export function patternWords(patterns: readonly OperandPattern[]): string {
  const general = generalWords(patterns);
  const isNumber = patterns.some(({ place }) => place === "immediate");
  const constants = isNumber ? [] : unique(patterns.map(({ value }) => (value === undefined ? undefined : `${value}`)));
  const vectors = unique(
    patterns.map(({ kind, class: name }) =>
      (kind === "register" || kind === "rm") && name !== "general"
        ? article(`${classNames[name]} register`)
        : undefined,
    ),
  );
  const usual = [
    ...general,
    ...fixedWords(patterns, general.length > 0),
    ...vectors,
    ...constants,
    ...(isNumber ? ["a number"] : []),
    ...(patterns.some(({ kind }) => kind === "relative") ? ["a label"] : []),
  ];
  const system = (["segment", "control", "debug"] as const)
    .filter((name) => patterns.some(({ kind, place }) => kind === name && place !== "fixed"))
    .map((name) => article(`${name} register`));
  return list(usual.length > 0 ? usual : system, "or");
}
