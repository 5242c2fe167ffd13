import type { Decoded } from "../../../isa/operands.ts";
import { segmentNumber } from "../../cpu/state.ts";

/** What the translator does with a guest instruction. */
export type Rule =
  | "identical"
  | "callout"
  | "conditional-jump"
  | "jump"
  | "call"
  | "loop"
  | "indirect-jump"
  | "indirect-call"
  | "return"
  | "cli"
  | "sti"
  | "pushf"
  | "popf"
  | "read-selector"
  | "push-selector";

/** Sensitive for other reasons than the privilege level, or trapping by itself where it must: executed as they are. */
const harmless: ReadonlySet<string> = new Set(["xgetbv", "rdtsc", "rdtscp", "rdpid", "rdpmc"]);

/** They raise #UD, or store where the last x87 instruction was. */
const alwaysCallout: ReadonlySet<string> = new Set([
  ...["ud0", "ud1", "ud2"],
  ...["fstenv", "fnstenv", "fsave", "fnsave", "fxsave", "fxsave64", "xsave", "xsave64", "xsaveopt", "xsaveopt64"],
]);

/** What has no form of its own in the list of forms below, by mnemonic. */
const inCache: Readonly<Record<string, Rule>> = { cli: "cli", sti: "sti", pushfd: "pushf", popfd: "popf" };

const loops: ReadonlySet<string> = new Set(["loop", "loope", "loopne", "jcxz", "jecxz"]);

/** Registers of which the processor holds others than the guest's while translated code runs. */
const replaced: ReadonlySet<number> = new Set([segmentNumber.cs, segmentNumber.ss, segmentNumber.gs]);

/** Segments that translated code cannot use for the guest's data: the VMM's own. */
const isVmmSegment = (name: string | undefined): boolean => name === "cs" || name === "gs";

/** PUSH or MOV of a selector. */
function selectorRule({ row, operands, operandSize }: Decoded): Rule | undefined {
  const source = operands[row.mnemonic === "push" ? 0 : 1];
  if (source?.kind !== "register" || source.class !== "segment") return undefined;
  if (!replaced.has(source.number)) return "identical";
  if (row.mnemonic === "push") return operandSize === 32 ? "push-selector" : "callout";
  return row.mnemonic === "mov" && operands[0]?.kind === "register" ? "read-selector" : "callout";
}

function transferRule({ row, operands, operandSize }: Decoded): Rule | undefined {
  const [target] = operands;
  const { mnemonic } = row;
  if (mnemonic === "ret") return operandSize === 32 ? "return" : "callout";
  if (target?.kind === "relative") {
    if (operandSize !== 32) return "callout";
    if (loops.has(mnemonic)) return "loop";
    return mnemonic === "call" ? "call" : mnemonic === "jmp" ? "jump" : "conditional-jump";
  }
  if (mnemonic !== "jmp" && mnemonic !== "call") return undefined;
  const near = row.pattern.digit === 2 || row.pattern.digit === 4;
  if (!near || operandSize !== 32 || usesVmmSegment(operands)) return "callout";
  return mnemonic === "jmp" ? "indirect-jump" : "indirect-call";
}

const usesVmmSegment = (operands: Decoded["operands"]): boolean =>
  operands.some((operand) => operand.kind === "memory" && isVmmSegment(operand.segment));

/** The rule for an instruction of the guest's kernel, in 32-bit code. */
export function ruleFor(decoded: Decoded): Rule {
  const { row, operands } = decoded;
  const { mnemonic, privilege, sensitivity, family } = row;
  if (alwaysCallout.has(mnemonic) || family === "vmx") return "callout";
  const known = inCache[mnemonic] ?? transferRule(decoded) ?? selectorRule(decoded);
  if (known !== undefined) return known;
  const trapsItself = privilege === "none" || privilege === "tsd" || privilege === "pce";
  if (!harmless.has(mnemonic) && (sensitivity.kind !== "innocuous" || !trapsItself)) return "callout";
  return isVmmSegment(decoded.segment) || usesVmmSegment(operands) ? "callout" : "identical";
}

/** Rules whose instruction is the last of its unit. */
const ending: ReadonlySet<Rule> = new Set<Rule>([
  ...(["callout", "conditional-jump", "jump", "call", "loop"] as const),
  ...(["indirect-jump", "indirect-call", "return"] as const),
]);

export const endsUnit = (rule: Rule): boolean => ending.has(rule);
export const isTransfer = (rule: Rule): boolean => rule !== "callout" && ending.has(rule);
