import { existsIn, type Form, requiredSize } from "../../isa/form.ts";
import { sizeWords } from "../../isa/format.ts";
import type { Row } from "../../isa/instruction.ts";
import { immediateWidth, type OperandPattern } from "../../isa/operand-pattern.ts";
import type { Bits } from "../../isa/operands.ts";
import { type OperandWidth, type RegisterName, registerNamed, registers } from "../../isa/registers.ts";
import type { Statement, WrittenMemory, WrittenOperand } from "../../isa/statement.ts";

/** A statement of the codec and the same as nasm reads it. */
export interface Sample {
  readonly statement: Statement;
  readonly text: string;
}

interface WrittenSample {
  readonly operand: WrittenOperand;
  readonly text: string;
}

export const modes: readonly Bits[] = [16, 32, 64];

const register = (name: string): RegisterName => {
  const found = registerNamed(name);
  if (!found) throw new Error(`no register ${name}`);
  return found;
};

export const writtenRegister = (name: string, to = false): WrittenSample => ({
  operand: { kind: "register", register: register(name), ...(to && { to }) },
  text: to ? `to ${name}` : name,
});

/** Of eight or sixteen numbered registers the first, one between, and those that differ in encoding. */
const numberedNames = (prefix: string, count: number): string[] =>
  [0, 1, 7, 8, 15].filter((number) => number < count).map((number) => `${prefix}${number}`);

/** Registers of a width that the mode has, a few that differ in encoding. */
function generalNames(width: OperandWidth, bits: Bits): string[] {
  const wanted = bits === 64 ? [0, 1, 3, 4, 5, 7, 8, 13, 15] : width === 8 ? [0, 1, 3] : [0, 1, 3, 4, 5, 7];
  const general = registers.filter((r) => r.class === "general" && r.width === width && wanted.includes(r.number));
  return [...general.map((r) => r.name), ...(width === 8 ? ["ah", "bh"] : [])];
}

type Address = Partial<Omit<WrittenMemory, "kind" | "base" | "index">> & { base?: string; index?: string };

const addresses: Record<Bits, readonly Address[]> = {
  16: [
    { base: "bx", index: "si" },
    { base: "bp" },
    { base: "si", displacement: 5n },
    { base: "bp", index: "di", displacement: 0x1234n },
    { displacement: 0x4321n },
    { base: "bx", segment: "es" },
  ],
  32: [
    { base: "eax" },
    { base: "ebp" },
    { base: "esp", displacement: -8n },
    { base: "ebx", index: "ecx", scale: 4, displacement: 0x12345n },
    { index: "edi", scale: 8 },
    { displacement: 0x7654321n },
    { base: "esi", segment: "fs", displacement: 0x7fn },
  ],
  64: [
    { base: "rax" },
    { base: "rbp" },
    { base: "r12" },
    { base: "r13", displacement: -128n },
    { base: "rbx", index: "r9", scale: 2, displacement: 0x12345n },
    { index: "r12", scale: 4, displacement: -4n },
    { displacement: 0x7654321n },
    { base: "rsp", segment: "gs", displacement: 128n },
  ],
};

/** A memory operand, with the size keyword if a width is given. */
export function writtenMemory(address: Address, width: OperandWidth | undefined, far = false): WrittenSample {
  const { base, index, scale = 1, displacement = 0n, segment, ...rest } = address;
  const operand: WrittenMemory = {
    kind: "memory",
    displacement,
    ...rest,
    ...(width && { size: width }),
    ...(far && { far }),
    ...(segment && { segment }),
    ...(base && { base: register(base) }),
    ...(index && { index: register(index), scale }),
  };
  const terms = [base, index && (scale === 1 ? index : `${index}*${scale}`)].filter(Boolean).join("+");
  const constant = terms && displacement >= 0n ? `+${displacement}` : `${displacement}`;
  const inside = (segment ? `${segment}:` : "") + terms + (terms && displacement === 0n ? "" : constant);
  return { operand, text: `${far ? "far " : ""}${width ? `${sizeWords[width]} ` : ""}[${inside}]` };
}

function memorySamples(pattern: OperandPattern, form: Form, bits: Bits): WrittenSample[] {
  const far = pattern.farMemory !== undefined && form.row.family === "control-flow";
  // nasm does not take OWORD before all operands that have it.
  const plain = pattern.memoryWidth === 128 ? undefined : pattern.memoryWidth;
  const width = far ? pattern.farMemory : plain;
  const other = bits === 64 ? 32 : bits === 32 ? 16 : 32;
  const { addressSize } = form.pattern;
  const all = addressSize
    ? addresses[addressSize].filter(({ base, index }) => base ?? index)
    : [...addresses[bits], addresses[other][0]!, addresses[other][3]!];
  return all.map((address) => writtenMemory(address, width, far));
}

function registerSamples(pattern: OperandPattern, form: Form, bits: Bits): WrittenSample[] {
  if (pattern.class === "x87") return numberedNames("st", 8).map((name) => writtenRegister(name, pattern.to));
  if (pattern.class === "mmx") return numberedNames("mm", 8).map((name) => writtenRegister(name));
  if (pattern.class === "xmm") return numberedNames("xmm", bits === 64 ? 16 : 8).map((name) => writtenRegister(name));
  switch (pattern.kind) {
    case "segment": {
      const loads = form.operands[0] === pattern;
      return ["es", "cs", "ss", "ds", "fs", "gs"]
        .filter((name) => !(loads && name === "cs"))
        .map((name) => writtenRegister(name));
    }
    case "control":
      return ["cr0", "cr2", "cr3", "cr4", ...(bits === 64 ? ["cr8"] : [])].map((name) => writtenRegister(name));
    case "debug":
      return ["dr0", "dr3", "dr7"].map((name) => writtenRegister(name));
    default:
      return generalNames(pattern.width!, bits).map((name) => writtenRegister(name));
  }
}

const writtenNumber = (value: bigint, keyword = "", more = {}): WrittenSample => ({
  operand: { kind: "number", value, ...more },
  text: keyword + value,
});

function numberSamples(pattern: OperandPattern, form: Form, bits: Bits): WrittenSample[] {
  const width = immediateWidth(pattern);
  const size = requiredSize(form, bits) ?? bits;
  const max = (1n << BigInt(width - 1)) - 1n;
  const values = pattern.signed ? [0n, 5n, -1n, max, -max - 1n] : [0n, 1n, 5n, 100n, max, 2n * max + 1n];
  const wide = width === 64 ? [0x123456789abcdefn] : width > 8 ? [0x1234n] : [];
  // PUSH: only the keyword tells the size.
  const only = form.operands.length === 1 && form.size !== undefined && size !== bits;
  return [...values, ...wide].map((value) =>
    only ? writtenNumber(value, `${sizeWords[size]} `, { size }) : writtenNumber(value),
  );
}

function operandSamples(pattern: OperandPattern, form: Form, bits: Bits): WrittenSample[] {
  switch (pattern.place) {
    case "rm":
      return [
        ...(pattern.kind === "memory" ? [] : registerSamples(pattern, form, bits)),
        ...(pattern.kind === "register" ? [] : memorySamples(pattern, form, bits)),
      ];
    case "reg":
    case "vvvv":
    case "opcode":
      return registerSamples(pattern, form, bits);
    case "fixed":
      return pattern.register ? [writtenRegister(pattern.register.name)] : [writtenNumber(BigInt(pattern.value!))];
    case "immediate":
      return numberSamples(pattern, form, bits);
    case "relative":
      return [relativeSample(pattern, form, bits)];
    case "moffs":
      return [
        writtenMemory({ displacement: 0x1234n, ...(bits === 64 && { addressSize: 64 }) }, pattern.memoryWidth),
      ].map((sample) => (bits === 64 ? { ...sample, text: sample.text.replace("[", "[qword ") } : sample));
    case "far": {
      const size = pattern.width === 16 ? 16 : 32;
      const operand: WrittenOperand = { kind: "far", selector: 8n, offset: 0x1234n, size };
      return [{ operand, text: `${sizeWords[size]} 8:0x1234` }];
    }
  }
}

/** A branch 5 bytes on from its own beginning, sized by keyword where that is not the mode's own size. */
function relativeSample(pattern: OperandPattern, form: Form, bits: Bits): WrittenSample {
  const shared = { kind: "number", value: 5n, relocatable: true } as const;
  if (pattern.width === 8) {
    const onlyShort = form.pattern.addressSize !== undefined || form.row.mnemonic.startsWith("loop");
    if (onlyShort) return { operand: shared, text: "$+5" };
    return { operand: { ...shared, distance: "short" }, text: "short $+5" };
  }
  const size = immediateWidth(pattern);
  const usual = bits === 64 || (requiredSize(form, bits) ?? bits) === bits;
  return usual
    ? { operand: { ...shared, distance: "near" }, text: "near $+5" }
    : { operand: { ...shared, size }, text: `${sizeWords[size]} $+5` };
}

/** Samples of all operands side by side, as many as the operand with the most of them has. */
export function samplesOf(form: Form, bits: Bits): Sample[] {
  const { row } = form;
  if (!existsIn(row, bits)) return [];
  const lists = form.operands.map((pattern) => operandSamples(pattern, form, bits));
  const longest = Math.max(1, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, n) => {
    const operands = lists.map((list) => list[n % list.length]!);
    return {
      statement: { mnemonic: row.mnemonic, operands: operands.map(({ operand }) => operand) },
      text: `${row.mnemonic} ${operands.map(({ text }) => text).join(", ")}`.trim(),
    };
  });
}

/** UD0 and UD1 without operands end before the ModRM byte that processors read: nothing decodes them as they are. */
export const isCutShort = ({ mnemonic, operands }: Row): boolean => /^ud[01]$/.test(mnemonic) && operands.length === 0;
