import type { Complaint } from "./encode.ts";
import type { Form } from "./form.ts";
import { type OddOperand, oddOperand } from "./odd-operand.ts";
import type { OperandPattern } from "./operand-pattern.ts";
import { describe, list, nameOf, patternWords, upper } from "./operand-words.ts";
import { controlNumbers, type RegisterName, registers } from "./registers.ts";
import type { WrittenOperand } from "./statement.ts";
import type { Misfit, Written } from "./written.ts";

/** A sentence, and the operand it is about. */
type Explanation = Omit<Complaint, "code">;

const sizeKeywords = { 8: "BYTE", 16: "WORD", 32: "DWORD", 64: "QWORD" } as const;
const ordinals = ["first", "second", "third", "fourth"] as const;

/** Numbers of control and debug registers that encodings have room for, but processors do not have. */
const exists = ({ class: kind, number }: RegisterName): boolean =>
  kind === "control" ? controlNumbers.includes(number) : kind !== "debug" || number < 8;

const noSuchRegister = ({ name, class: kind }: RegisterName): string =>
  kind === "control"
    ? `there is no ${upper(name)}; the control registers are CR0, CR2, CR3, CR4 and, in 64-bit code, CR8`
    : `there is no ${upper(name)}; the debug registers are DR0 to DR7`;

const isGeneral = ({ class: kind }: RegisterName): boolean => kind === "general" || kind === "high-byte";

/** General registers of the widths that the patterns take, with the number of another one: EBX for BX. */
function sameRegister(register: RegisterName, patterns: readonly OperandPattern[]): string {
  if (!isGeneral(register) || register.class === "high-byte") return "";
  const widths = patterns.flatMap(({ kind, place, class: name, width }) =>
    (kind === "register" || kind === "rm") && place !== "fixed" && name === "general" ? [width] : [],
  );
  const others = registers.filter(
    (other) => other.class === "general" && other.number === register.number && widths.includes(other.width),
  );
  return list([...new Set(others.map(({ name }) => upper(name)))].slice(0, 3), "or");
}

/** What to write instead of the operand, where that is plain: the end of a sentence. */
function remedy(mnemonic: string, operand: WrittenOperand, odd: OddOperand): string {
  const { index, patterns, forms } = odd;
  const takesMemory = patterns.some(({ kind }) => kind === "memory" || kind === "rm");
  const takesRegister = patterns.some(({ kind }) => kind === "register" || kind === "rm");
  if (operand.kind === "number") {
    const isWritten = forms.every(({ row }) => row.access[index] !== "r");
    if (index === 0 && takesMemory && isWritten) return "; in brackets it is the memory at that address";
    if (index === 0 && forms.every((form) => form.operands.length === 2)) return "; put the number second";
    if (takesMemory && takesRegister) return "; load it into a register, or put it in brackets if it is an address";
    return takesRegister ? "; load it into a register first" : "";
  }
  if (operand.kind !== "register") return "";
  const { register } = operand;
  if (register.class === "segment" && takesRegister) return "; go through a general register such as AX";
  const other = sameRegister(register, patterns);
  if (other && /^MOV[SZ]X$/.test(mnemonic)) return "; a register of the same size is copied with MOV";
  if (other) return `; write ${other}`;
  if (patterns.some(({ text }) => text === "CL")) return "; move the count to CL";
  if (!takesRegister && takesMemory && isGeneral(register) && register.width > 8)
    return `; memory at the address in it is written [${upper(register.name)}]`;
  return "";
}

/** The second of two operands whose sizes are stated and differ, where the form wants them equal. */
function differentSizes(mnemonic: string, { operands }: Written, odd: OddOperand): string | undefined {
  const [operand, other] = [operands[odd.index], operands[odd.index === 0 ? 1 : 0]];
  if (!operand || !other) return undefined;
  const [size, wanted] = [sizeOf(operand), sizeOf(other)];
  const alike = odd.patterns.some(
    ({ kind, place, class: name, width, memoryWidth }) =>
      place !== "fixed" && kind !== "immediate" && name === "general" && (width ?? memoryWidth) === wanted,
  );
  if (size === undefined || wanted === undefined || size === wanted || !alike) return undefined;
  const name = (one: WrittenOperand) => (one.kind === "memory" ? "the memory operand" : nameOf(one));
  const advice =
    mnemonic === "MOV" &&
    odd.index === 1 &&
    size < wanted &&
    operand.kind !== "number" &&
    other.kind === "register" &&
    isGeneral(other.register)
      ? "; MOVZX or MOVSX extends it"
      : operand.kind === "register"
        ? remedyOf(sameRegister(operand.register, odd.patterns))
        : "";
  return `the operands of ${mnemonic} have different sizes: ${name(other)} has ${wanted} bits, ${name(operand)} has ${size}${advice}`;
}

const remedyOf = (text: string): string => text && `; write ${text}`;

const sizeOf = (operand: WrittenOperand): number | undefined =>
  operand.kind === "register" ? operand.register.width : operand.kind === "far" ? undefined : operand.size;

/** The wrong operand and what would fit in its place. */
function explainOdd(mnemonic: string, written: Written, forms: readonly Form[]): Explanation | undefined {
  const odd = oddOperand(forms, written);
  if (!odd) return undefined;
  const different = differentSizes(mnemonic, written, odd);
  if (different) return { message: different, operand: odd.index };
  const operand = written.operands[odd.index]!;
  const which = written.operands.length > 1 ? `${ordinals[odd.index]} ` : "";
  const wanted = patternWords(odd.patterns);
  if (wanted === "") return undefined;
  const message = `the ${which}operand of ${mnemonic} is ${wanted}, not ${nameOf(operand)}${remedy(mnemonic, operand, odd)}`;
  return { message, operand: odd.index };
}

/** Mistakes with a name of their own. */
function wellKnown(mnemonic: string, { operands }: Written): Explanation | undefined {
  const memories = operands.filter((operand) => operand.kind === "memory").length;
  if (memories > 1)
    return { message: `no form of ${mnemonic} takes two memory operands; go through a register`, operand: 1 };
  const missing = operands.findIndex((operand) => operand.kind === "register" && !exists(operand.register));
  const register = operands[missing];
  if (register?.kind === "register") return { message: noSuchRegister(register.register), operand: missing };
  const [first, second] = operands;
  if (first?.kind !== "register" || first.register.class !== "segment") return undefined;
  const name = upper(first.register.name);
  if (mnemonic === "POP" && name === "CS")
    return { message: "CS cannot be popped alone; use a far return, RETF", operand: 0 };
  if (mnemonic !== "MOV" || second?.kind !== "number") return undefined;
  if (name === "CS") return { message: "CS cannot be loaded with MOV; use a far jump, call or return", operand: 0 };
  const message = `a segment register cannot be loaded with a number; load ${name} from a register`;
  return { message, operand: 1 };
}

/** A word before the target of a branch that does not belong there. */
function branchWord(
  mnemonic: string,
  { operands: [target] }: Written,
  forms: readonly Form[],
): Explanation | undefined {
  if (target?.kind !== "number" || !forms.some((form) => form.operands[0]?.kind === "relative")) return undefined;
  if (target.distance === "short" && forms.every(({ operands: [pattern] }) => pattern?.text === "rel8"))
    return { message: `${mnemonic} is always short: leave out SHORT`, operand: 0 };
  if (!target.size) return undefined;
  return { message: `the target of ${mnemonic} has no size: leave out ${sizeKeywords[target.size]}`, operand: 0 };
}

function noSuchForm(mnemonic: string, written: Written, forms: readonly Form[]): Explanation {
  const { operands } = written;
  const known =
    branchWord(mnemonic, written, forms) ?? wellKnown(mnemonic, written) ?? explainOdd(mnemonic, written, forms);
  if (known) return known;
  if (operands.length === 0) return { message: `${mnemonic} needs operands: ${syntaxes(forms)}` };
  const message = `no form of ${mnemonic} takes ${list(operands.map(describe), "and")}; there is ${syntaxes(forms)}`;
  return { message };
}

/** The forms; where there are many, without their widths and without the short forms for one register. */
function syntaxes(forms: readonly Form[]): string {
  const all = [...new Set(forms.map(({ row }) => row.syntax))];
  if (all.length <= 4) return list(all, "and");
  const open = forms.filter((form) => !form.operands.some((operand) => operand.place === "fixed"));
  const general = (open.length > 0 ? open : forms).map(({ row: { syntax } }) =>
    syntax.replace(/\b(r\/m|r|m|s?imm|rel|moffs|ptr16:|m16:)\d+\b/g, (_, kind: string) => kind.replace("simm", "imm")),
  );
  return list([...new Set(general)], "and");
}

function countMessage(mnemonic: string, { operands }: Written, forms: readonly Form[]): string {
  const counts = [...new Set(forms.map((form) => form.operands.length))].sort();
  const noun = counts.length === 1 && counts[0] === 1 ? "operand" : "operands";
  const given = operands.length === 0 ? "none" : operands.length;
  const advice = mnemonic === "MUL" && operands.length === 2 ? "; IMUL takes two" : "";
  return `${mnemonic} takes ${list(counts.map(String), "or")} ${noun}, not ${given}${advice}`;
}

function sizeMessage(mnemonic: string, written: Written, forms: readonly Form[]): Explanation {
  const found = branchWord(mnemonic, written, forms) ?? explainOdd(mnemonic, written, forms);
  if (found) return found;
  return { message: `no form of ${mnemonic} has operands of this size; there is ${syntaxes(forms)}` };
}

/** What 64-bit code has instead. */
const replacements: readonly (readonly [mnemonic: RegExp, remedy: string])[] = [
  [/^(PUSH|POP)A[WD]?$/, "; push or pop the registers one by one"],
  [/^(JMP|CALL)$/, "; a far address is taken from memory there: far [x]"],
];

function modeMessage(mnemonic: string, written: Written, forms: readonly Form[]): Explanation {
  const { operands, bits } = written;
  if (bits !== 64) {
    const isLong = (o: WrittenOperand) =>
      o.kind === "register" && (o.register.rex || (o.register.class === "general" && o.register.width === 64));
    const index = operands.findIndex(isLong);
    const long = operands[index];
    if (long?.kind !== "register")
      return { message: `${mnemonic} with these operands exists only in 64-bit code, and this is ${bits}-bit code` };
    const name = upper(long.register.name);
    return { message: `${name} exists only in 64-bit code, and this is ${bits}-bit code`, operand: index };
  }
  const advice = replacements.find(([pattern]) => pattern.test(mnemonic))?.[1] ?? "";
  if (forms.every(({ row }) => row.modes === "not-64"))
    return { message: `${mnemonic} does not exist in 64-bit code${advice}` };
  const odd = oddOperand(forms, written);
  const operand = odd && operands[odd.index];
  if (operand?.kind === "register" && isGeneral(operand.register)) {
    const { name, width } = operand.register;
    const other = remedyOf(
      sameRegister(
        operand.register,
        odd!.patterns.filter((p) => p.width === 64),
      ),
    );
    const message = `${mnemonic} has no ${width}-bit operand in 64-bit code, so not ${upper(name)}${other}`;
    return { message, operand: odd!.index };
  }
  return { message: `${mnemonic} with these operands does not exist in 64-bit code${advice}` };
}

function prefixMessage(mnemonic: string, { operandSize, prefixes, memory }: Written): string {
  if (prefixes.repeat === "repne") return `REPNE does not belong before ${mnemonic}`;
  const size = prefixes.operandSize ?? operandSize;
  if (size === undefined && memory) return `the address and the register of ${mnemonic} must have the same size`;
  return size === undefined
    ? `${mnemonic} counts in a register of another size than A${prefixes.addressSize} asks for`
    : `${mnemonic} with these operands has no ${size}-bit operand size`;
}

/** The sentence for a statement that fits none of the forms, by the reason of the one that came closest. */
export function explain(misfit: Misfit, written: Written, forms: readonly Form[], name: string): Complaint {
  const mnemonic = upper(name);
  switch (misfit) {
    case "operand-count":
      return { code: misfit, message: countMessage(mnemonic, written, forms) };
    case "no-such-form":
      return { code: misfit, ...noSuchForm(mnemonic, written, forms) };
    case "operand-size-mismatch":
      return { code: misfit, ...sizeMessage(mnemonic, written, forms) };
    case "prefix-not-allowed":
      return {
        code: misfit,
        message: prefixMessage(mnemonic, written),
      };
    case "wrong-mode":
      return { code: misfit, ...modeMessage(mnemonic, written, forms) };
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
