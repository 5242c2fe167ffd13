import type { Complaint } from "./encode.ts";
import type { Misfit, Written } from "./fit.ts";
import type { Row } from "./instruction.ts";
import { controlNumbers, type RegisterName } from "./registers.ts";
import type { WrittenOperand } from "./statement.ts";

const upper = (text: string): string => text.toUpperCase();
const article = (noun: string): string => `${/^([aeiou8]|MMX|XMM)/i.test(noun) ? "an" : "a"} ${noun}`;

const sizeKeywords = { 8: "BYTE", 16: "WORD", 32: "DWORD", 64: "QWORD" } as const;

const classNames = {
  segment: "segment",
  control: "control",
  debug: "debug",
  x87: "x87",
  mmx: "MMX",
  xmm: "XMM",
} as const;

/** An operand in words. */
function describe(operand: WrittenOperand): string {
  switch (operand.kind) {
    case "register": {
      const { register } = operand;
      if (register.class === "general" || register.class === "high-byte")
        return article(`${register.width}-bit register (${upper(register.name)})`);
      return article(`${classNames[register.class]} register (${upper(register.name)})`);
    }
    case "memory":
      return operand.size ? article(`${operand.size}-bit memory operand`) : "a memory operand";
    case "number":
      return "a number";
    case "far":
      return "a far address";
  }
}

/** `a, b or c`. */
function list(items: readonly string[], conjunction: string): string {
  if (items.length < 2) return items.join();
  return `${items.slice(0, -1).join(", ")} ${conjunction} ${items.at(-1)}`;
}

/** Numbers of control and debug registers that encodings have room for, but processors do not have. */
const exists = ({ class: kind, number }: RegisterName): boolean =>
  kind === "control" ? controlNumbers.includes(number) : kind !== "debug" || number < 8;

const noSuchRegister = ({ name, class: kind }: RegisterName): string =>
  kind === "control"
    ? `there is no ${upper(name)}; the control registers are CR0, CR2, CR3, CR4 and, in 64-bit code, CR8`
    : `there is no ${upper(name)}; the debug registers are DR0 to DR7`;

function noSuchForm(mnemonic: string, { operands }: Written, rows: readonly Row[]): string {
  const memories = operands.filter((operand) => operand.kind === "memory").length;
  if (memories > 1) return `no form of ${mnemonic} takes two memory operands; go through a register`;
  const selector = operands[0];
  if (mnemonic === "MOV" && selector?.kind === "register") {
    if (selector.register.name === "cs") return "CS cannot be loaded with MOV; use a far jump, call or return";
    if (selector.register.class === "segment" && operands[1]?.kind === "number")
      return `a segment register cannot be loaded with a number; load ${upper(selector.register.name)} from a register`;
  }
  const missing = operands.find((operand) => operand.kind === "register" && !exists(operand.register));
  if (missing?.kind === "register") return noSuchRegister(missing.register);
  if (operands.length === 0) return `${mnemonic} needs operands: ${forms(rows)}`;
  return `no form of ${mnemonic} takes ${list(operands.map(describe), "and")}; there is ${forms(rows)}`;
}

/** The forms; where there are many, without their widths and without the short forms for one register. */
function forms(rows: readonly Row[]): string {
  const syntaxes = [...new Set(rows.map((row) => row.syntax))];
  if (syntaxes.length <= 4) return list(syntaxes, "and");
  const open = rows.filter((row) => !row.operands.some((operand) => operand.place === "fixed"));
  const general = (open.length > 0 ? open : rows).map(({ syntax }) =>
    syntax.replace(/\b(r\/m|r|m|s?imm|rel|moffs|ptr16:|m16:)\d+\b/g, (_, kind: string) => kind.replace("simm", "imm")),
  );
  return list([...new Set(general)], "and");
}

function countMessage(mnemonic: string, { operands }: Written, rows: readonly Row[]): string {
  const counts = [...new Set(rows.map((row) => row.operands.length))].sort();
  return `${mnemonic} takes ${list(counts.map(String), "or")} operand${counts.at(-1) === 1 && counts.length === 1 ? "" : "s"}, not ${operands.length === 0 ? "none" : operands.length}`;
}

function sizeMessage(mnemonic: string, { operands }: Written, rows: readonly Row[]): string {
  const [target] = operands;
  if (target?.kind === "number" && rows.some((row) => row.operands[0]?.kind === "relative")) {
    if (target.distance === "short") return `${mnemonic} is always short: leave out SHORT`;
    if (target.size) return `the target of ${mnemonic} has no size: leave out ${sizeKeywords[target.size]}`;
  }
  const sized = operands.flatMap((operand) => {
    const name =
      operand.kind === "register"
        ? upper(operand.register.name)
        : operand.kind === "memory"
          ? "the memory operand"
          : "the number";
    const size =
      operand.kind === "register" ? operand.register.width : operand.kind === "far" ? undefined : operand.size;
    return size === undefined ? [] : [{ name, size }];
  });
  const [first, second] = sized;
  if (first && second && first.size !== second.size)
    return `the operands of ${mnemonic} have different sizes: ${first.name} has ${first.size} bits, ${second.name} has ${second.size}`;
  return `no form of ${mnemonic} has operands of this size; there is ${forms(rows)}`;
}

function modeMessage(mnemonic: string, { operands, bits }: Written, rows: readonly Row[]): string {
  if (bits !== 64) {
    const long = operands.find(
      (o) => o.kind === "register" && (o.register.rex || (o.register.class === "general" && o.register.width === 64)),
    );
    if (long?.kind === "register")
      return `${upper(long.register.name)} exists only in 64-bit code, and this is ${bits}-bit code`;
    return `${mnemonic} with these operands exists only in 64-bit code, and this is ${bits}-bit code`;
  }
  if (rows.every((row) => row.modes === "not-64")) return `${mnemonic} does not exist in 64-bit code`;
  return `${mnemonic} with these operands does not exist in 64-bit code`;
}

function prefixMessage(mnemonic: string, { operandSize, prefixes, memory }: Written): string {
  if (prefixes.repeat === "repne") return `REPNE does not belong before ${mnemonic}`;
  const size = prefixes.operandSize ?? operandSize;
  if (size === undefined && memory) return `the address and the register of ${mnemonic} must have the same size`;
  return size === undefined
    ? `${mnemonic} counts in a register of another size than A${prefixes.addressSize} asks for`
    : `${mnemonic} with these operands has no ${size}-bit operand size`;
}

/** The sentence for a statement that fits none of the rows, by the reason of the row that came closest. */
export function explain(misfit: Misfit, written: Written, rows: readonly Row[], name: string): Complaint {
  const mnemonic = upper(name);
  switch (misfit) {
    case "operand-count":
      return { code: misfit, message: countMessage(mnemonic, written, rows) };
    case "no-such-form":
      return { code: misfit, message: noSuchForm(mnemonic, written, rows) };
    case "operand-size-mismatch":
      return { code: misfit, message: sizeMessage(mnemonic, written, rows) };
    case "prefix-not-allowed":
      return {
        code: misfit,
        message: prefixMessage(mnemonic, written),
      };
    case "wrong-mode":
      return { code: misfit, message: modeMessage(mnemonic, written, rows) };
    case "high-byte-with-rex":
      return {
        code: misfit,
        message: "AH, BH, CH and DH cannot be used together with a register or size that exists only in 64-bit code",
      };
    case "jump-out-of-range":
      return {
        code: misfit,
        message: `the target is too far away: ${mnemonic} reaches 128 bytes back and 127 forward`,
        operand: 0,
      };
  }
}
