import { sizeWords } from "../../assembler/words.ts";
import type { Row } from "../../isa/instruction.ts";
import type { OperandPattern } from "../../isa/operand-pattern.ts";
import type { Bits } from "../../isa/operands.ts";
import { controlNumbers, type RegisterName, registerNamed, registers } from "../../isa/registers.ts";
import { rowsOf } from "../../isa/table.ts";

/** Which operands an instruction takes at a place, seen from what is written before it. */

/** Whether a form exists in code of a mode. */
export const existsIn = ({ modes }: Row, bits: Bits): boolean =>
  modes === "all" || (modes === "only-64") === (bits === 64);

const registerExists = ({ class: kind, number, width, rex }: RegisterName, bits: Bits): boolean => {
  if (kind === "control") return controlNumbers.includes(number) && (number !== 8 || bits === 64);
  if (kind === "debug") return number < 8;
  return bits === 64 || (!rex && !(kind === "general" && width === 64));
};

function takesRegister(pattern: OperandPattern, register: RegisterName): boolean {
  if (pattern.place === "fixed") return pattern.register?.name === register.name;
  const { class: kind, width } = register;
  switch (pattern.kind) {
    case "register":
    case "rm":
      if (pattern.class !== "general") return kind === pattern.class;
      return (kind === "general" || kind === "high-byte") && width === pattern.width;
    case "segment":
    case "control":
    case "debug":
      return kind === pattern.kind;
    default:
      return false;
  }
}

const takesMemory = ({ kind }: OperandPattern): boolean => kind === "memory" || kind === "rm";

/** Whether what is written can be an operand of the form; what cannot be told counts as fitting. */
function takes(pattern: OperandPattern, written: string): boolean {
  const register = registerNamed(written.toLowerCase());
  if (register) return takesRegister(pattern, register);
  if (written.includes("[")) {
    const word = /^\s*(\w+)/.exec(written)?.[1]?.toLowerCase() ?? "";
    const size = sizeWords[word];
    return takesMemory(pattern) && (!size || !pattern.memoryWidth || pattern.memoryWidth === 8 * size);
  }
  return pattern.kind === "immediate" || pattern.kind === "relative" || pattern.kind === "far";
}

/** What can stand at the place after the operands that are written. */
export interface Fitting {
  readonly registers: readonly RegisterName[];
  readonly memory: boolean;
  /** Constants, addresses, targets of jumps. */
  readonly values: boolean;
}

export function fittingOperands(mnemonic: string, before: readonly string[], bits: Bits): Fitting {
  const patterns = rowsOf(mnemonic)
    .filter((row) => existsIn(row, bits) && row.operands.length > before.length)
    .filter((row) => before.every((written, n) => takes(row.operands[n]!, written)))
    .map((row) => row.operands[before.length]!);
  return {
    registers: registers.filter(
      (register) => registerExists(register, bits) && patterns.some((pattern) => takesRegister(pattern, register)),
    ),
    memory: patterns.some(takesMemory),
    values: patterns.some((pattern) => /^(immediate|relative|far)$/.test(pattern.kind)),
  };
}

/** The registers that an address can be made of. */
export const addressRegisters = (bits: Bits): RegisterName[] =>
  registers.filter(
    (register) =>
      register.class === "general" &&
      registerExists(register, bits) &&
      (register.width === 32 ||
        (register.width === 64 && bits === 64) ||
        (register.width === 16 && bits !== 64 && /^(bx|bp|si|di)$/.test(register.name))),
  );
