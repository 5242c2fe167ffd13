import type { Decoded, Operand, Register } from "../../isa/operands.ts";
import {
  add,
  and,
  bit,
  constant,
  extract,
  insert,
  join,
  type KnownBits,
  or,
  someBits,
  unknown,
  wholeOf,
  xor,
} from "./known-bits.ts";
import { IF, noRegisters, type State, VM } from "./state.ts";

const EFER = 0xc000_0080;
const EAX = 0;
const ECX = 1;
const EDX = 2;
const ESP = 4;
/** A hypervisor's leaves of CPUID, and the leaf that has its bit. */
const hypervisorLeaves = [0x4000_0000, 0x4fff_ffff] as const;
const featureLeaf = 1;
const mostStacked = 16;

const placeOf = ({ class: kind, number, width }: Register): { n: number; width: number; from: 0 | 8 } => ({
  n: number,
  width: width ?? 32,
  from: kind === "high-byte" ? 8 : 0,
});

type General = Register & { readonly class: "general" | "high-byte" };
const isGeneral = (operand: Operand | undefined): operand is General =>
  operand?.kind === "register" && (operand.class === "general" || operand.class === "high-byte");

const isControl = (operand: Operand | undefined): operand is Register & { readonly class: "control" } =>
  operand?.kind === "register" && operand.class === "control";

const controls: Readonly<Record<number, "cr0" | "cr4">> = { 0: "cr0", 4: "cr4" };

/** What an operand is known to be, read in this state. */
export function readOperand(state: State, operand: Operand | undefined): KnownBits {
  if (operand?.kind === "immediate") return constant(Number(operand.value & 0xffff_ffffn));
  if (isGeneral(operand)) {
    const { n, width, from } = placeOf(operand);
    return extract(state.registers[n]!, width, from);
  }
  if (isControl(operand)) {
    const name = controls[operand.number];
    return name ? state[name] : unknown;
  }
  return unknown;
}

function withRegister(state: State, n: number, value: KnownBits): State {
  const registers = state.registers.with(n, value);
  return n === ESP ? { ...state, registers, stack: [] } : { ...state, registers };
}

function write(state: State, operand: Operand | undefined, value: KnownBits): State {
  if (isGeneral(operand)) {
    const { n, width, from } = placeOf(operand);
    return withRegister(state, n, insert(state.registers[n]!, value, width, from));
  }
  const name = isControl(operand) ? controls[operand.number] : undefined;
  return name ? { ...state, [name]: value } : state;
}

const forget = (state: State, ...numbers: readonly number[]): State =>
  numbers.reduce((before, n) => withRegister(before, n, unknown), state);

export const forgetRegisters = (state: State): State => ({ ...state, registers: noRegisters });

const push = (state: State, ...values: readonly KnownBits[]): State => ({
  ...state,
  stack: [...state.stack, ...values].slice(-mostStacked),
});

/** The last value pushed, and the state without it. */
export const pop = (state: State): readonly [KnownBits, State] => [
  state.stack.at(-1) ?? unknown,
  { ...state, stack: state.stack.slice(0, -1) },
];

const setFlags = (state: State, mask: number, value: number): State => ({
  ...state,
  flags: or(and(state.flags, constant(~mask)), someBits(mask, value & mask)),
});

const interruptFlag = 1 << IF;
const forgetInterrupts = (state: State): State => ({
  ...state,
  flags: { mask: state.flags.mask & ~interruptFlag, value: state.flags.value & ~interruptFlag },
});

/** POPF and IRET load the flags; VM only IRET. Above what CPL and IOPL allow, IF stays: then it is not known. */
export function loadFlags(state: State, value: KnownBits): State {
  if (state.cpl !== 0) return forgetInterrupts(state);
  const vm = state.flags.mask & (1 << VM);
  return { ...state, flags: { mask: value.mask | vm, value: (value.value & ~vm) | (state.flags.value & vm) } };
}

/** At other privilege levels it depends on IOPL. */
const setInterrupts =
  (value: number): Effect =>
  (state) =>
    state.cpl === 0 ? setFlags(state, interruptFlag, value) : forgetInterrupts(state);

type Effect = (state: State, operands: readonly Operand[], instruction: Decoded) => State;

const binary =
  (operation: (a: KnownBits, b: KnownBits) => KnownBits): Effect =>
  (state, [to, from]) =>
    write(state, to, operation(readOperand(state, to), readOperand(state, from)));

const isSame = (a: Operand | undefined, b: Operand | undefined): boolean =>
  isGeneral(a) && isGeneral(b) && a.number === b.number && a.width === b.width && a.class === b.class;

const bitOperation =
  (change: (value: number, at: number) => number, known: "set" | "clear" | "flip"): Effect =>
  (state, [to, from]) => {
    const at = wholeOf(readOperand(state, from));
    const old = readOperand(state, to);
    if (at === undefined || at > 31) return write(state, to, unknown);
    const mask = known === "flip" ? old.mask : old.mask | (1 << at);
    return write(state, to, { mask, value: change(old.value, at) & mask });
  };

/** LMSW cannot clear PE. */
function loadMachineStatus(state: State, [from]: readonly Operand[]): State {
  const value = readOperand(state, from);
  const low = insert(state.cr0, value, 16);
  const sets = bit(value, 0) === true || bit(state.cr0, 0) === true;
  return { ...state, cr0: sets ? or(low, someBits(1, 1)) : bit(value, 0) === false ? join(low, state.cr0) : low };
}

function writeModelSpecific(state: State): State {
  const number = wholeOf(state.registers[ECX]!);
  if (number === EFER) return { ...state, efer: state.registers[EAX]! };
  return number === undefined ? { ...state, efer: unknown } : state;
}

function readModelSpecific(state: State): State {
  const value = wholeOf(state.registers[ECX]!) === EFER ? state.efer : unknown;
  return withRegister(withRegister(state, EAX, value), EDX, unknown);
}

function identify(state: State): State {
  const leaf = wholeOf(state.registers[EAX]!);
  const asks =
    leaf === undefined || leaf === featureLeaf || (leaf >= hypervisorLeaves[0] && leaf <= hypervisorLeaves[1]);
  return { ...forget(state, EAX, ECX, EDX, 3), asked: state.asked || asks };
}

function exchange(state: State, [a, b]: readonly Operand[]): State {
  const [left, right] = [readOperand(state, a), readOperand(state, b)];
  return write(write(state, a, right), b, left);
}

const pushFlags: Effect = (state) => push(state, state.flags);

const popFlags: Effect = (state) => {
  const [value, after] = pop(state);
  return loadFlags(after, value);
};

/** What follows instructions of which the effect matters; of all others the registers that they write are forgotten. */
const effects: Readonly<Record<string, Effect>> = {
  mov: (state, [to, from]) => write(state, to, readOperand(state, from)),
  and: binary(and),
  or: binary(or),
  xor: (state, [to, from]) =>
    write(state, to, isSame(to, from) ? constant(0) : xor(readOperand(state, to), readOperand(state, from))),
  sub: (state, [to, from]) =>
    write(state, to, isSame(to, from) ? constant(0) : add(readOperand(state, to), readOperand(state, from), -1)),
  add: binary((a, b) => add(a, b, 1)),
  inc: (state, [to]) => write(state, to, add(readOperand(state, to), constant(1), 1)),
  dec: (state, [to]) => write(state, to, add(readOperand(state, to), constant(1), -1)),
  bts: bitOperation((value, at) => value | (1 << at), "set"),
  btr: bitOperation((value, at) => value & ~(1 << at), "clear"),
  btc: bitOperation((value, at) => value ^ (1 << at), "flip"),
  lea: (state, [to, from]) => {
    const fixed = from?.kind === "memory" && from.base === undefined && from.index === undefined && !from.ripRelative;
    return write(state, to, fixed ? constant(Number(BigInt.asIntN(32, from.displacement))) : unknown);
  },
  xchg: exchange,
  smsw: (state, [to]) => write(state, to, state.cr0),
  lmsw: loadMachineStatus,
  rdmsr: readModelSpecific,
  wrmsr: writeModelSpecific,
  cpuid: identify,
  cli: setInterrupts(0),
  sti: setInterrupts(interruptFlag),
  push: (state, [from]) => push(state, readOperand(state, from)),
  pop: (state, [to]) => {
    const [value, after] = pop(state);
    return write(after, to, value);
  },
  ...Object.fromEntries(["pushf", "pushfd", "pushfq"].map((name) => [name, pushFlags])),
  ...Object.fromEntries(["popf", "popfd", "popfq"].map((name) => [name, popFlags])),
};

/** Read and compare; nothing is written. */
const writesNothing =
  /^(cmp|test|bt|nop|hlt|pause|out|lgdt|lidt|lldt|ltr|invlpg|wbinvd|invd|clts|cld|std|clc|stc|cmc|j\w+|lfence|mfence|sfence)$/;

/** Instructions that write registers that no operand shows. */
const implicit: Readonly<Record<string, readonly number[]>> = {
  ...{ mul: [EAX, EDX], div: [EAX, EDX], idiv: [EAX, EDX], rdtsc: [EAX, EDX], in: [EAX] },
  ...{ loop: [ECX], loope: [ECX], loopne: [ECX], cbw: [EAX], cwde: [EAX], cdqe: [EAX], lahf: [EAX] },
  ...{ cwd: [EDX], cdq: [EDX], cqo: [EDX], xlat: [EAX], xlatb: [EAX] },
};

/** Everything else: what it may have written is not known any more. */
function other(state: State, { row, operands }: Decoded): State {
  if (writesNothing.test(row.mnemonic)) return state;
  const written = operands.filter((operand, n) => isGeneral(operand) && row.access[n] !== "r");
  const known = implicit[row.mnemonic];
  if (row.operands.length === 0 && !known) return { ...forgetRegisters(state), stack: [] };
  let after = known ? forget(state, ...known) : state;
  for (const operand of written) after = write(after, operand, unknown);
  if (row.mnemonic === "imul" && operands.length === 1) after = forget(after, EAX, EDX);
  return after;
}

/** The state behind an instruction that goes on to the next one. */
export function effectOf(state: State, instruction: Decoded): State {
  const effect = effects[instruction.row.mnemonic];
  return effect ? effect(state, instruction.operands, instruction) : other(state, instruction);
}
