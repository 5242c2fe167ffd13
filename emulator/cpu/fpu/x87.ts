import type { Decoded, Operand } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import { statusFlags } from "../flags.ts";
import { checkWait, checkX87, isReady, reportCleared } from "./availability.ts";
import { type FloatValue, type Rounding, zero } from "./float-value.ts";
import { checkStore, memoryOf, type Place } from "./memory-operand.ts";
import {
  initialize,
  pop,
  readControl,
  readStatus,
  roundingOf,
  setC1,
  setControl,
  setEmpty,
  setStatus,
  setTop,
  status,
  topOf,
} from "./register-stack.ts";
import {
  type Comparison,
  changeSign,
  combine,
  conditionHolds,
  examine,
  exchange,
  extract,
  type Kind,
  moveIf,
  order,
  partialRemainder,
  root,
  roundTop,
  scale,
} from "./x87-arithmetic.ts";
import { loadEnvironment, remember, rememberOpcode, restore, save, storeEnvironment } from "./x87-environment.ts";
import { transcendentals } from "./x87-functions.ts";
import {
  copyTop,
  decimalTop,
  extendedTop,
  fromDecimal,
  integerOf,
  loadFloat,
  loadInteger,
  loadTenBytes,
  pushCopy,
  pushExtended,
  pushLoaded,
  shortened,
  storeTenBytes,
  type TenBytes,
} from "./x87-memory.ts";
import { replaceBinary } from "./x87-results.ts";

type Execute = (cpu: Cpu, decoded: Decoded) => void;

/** Number of a stack register operand. */
function placeAt(operand: Operand | undefined): number {
  if (operand?.kind !== "register") throw new TypeError("expected a stack register");
  return operand.number;
}

const memoryWidth = ({ operands: [operand] }: Decoded): number | undefined =>
  operand?.kind === "memory" ? operand.width : undefined;

const integerWidth = (decoded: Decoded): 16 | 32 | 64 => {
  const width = memoryWidth(decoded);
  return width === 16 || width === 64 ? width : 32;
};

/** The value in memory that an instruction names, with the pointers remembered once it has been read. */
function loaded(cpu: Cpu, decoded: Decoded, integer: boolean): FloatValue {
  const place = memoryOf(cpu, decoded);
  const width = integerWidth(decoded);
  const value = integer ? loadInteger(cpu, place, width) : loadFloat(cpu, place, width === 64 ? 64 : 32);
  remember(cpu, place);
  return value;
}

/** FADD … FDIVR, FIADD …, FADDP …. */
const arithmetic =
  (kind: Kind, integer: boolean): Execute =>
  (cpu, decoded) => {
    const [first, second] = decoded.operands;
    if (first?.kind === "memory") combine(cpu, kind, 0, loaded(cpu, decoded, integer));
    else {
      remember(cpu, undefined);
      combine(cpu, kind, placeAt(first), placeAt(second));
    }
  };

const comparison =
  (how: Comparison, integer = false): Execute =>
  (cpu, decoded) => {
    const [first, second] = decoded.operands;
    if (first?.kind === "memory") order(cpu, how, loaded(cpu, decoded, integer));
    else {
      remember(cpu, undefined);
      order(cpu, how, second ? placeAt(second) : 1);
    }
  };

/** An instruction on the stack alone. */
const onStack =
  (act: (cpu: Cpu) => void): Execute =>
  (cpu) => {
    remember(cpu, undefined);
    act(cpu);
  };

function load(cpu: Cpu, decoded: Decoded): void {
  const [operand] = decoded.operands;
  if (operand?.kind === "register") {
    remember(cpu, undefined);
    pushCopy(cpu, operand.number);
  } else if (memoryWidth(decoded) === 80) {
    const place = memoryOf(cpu, decoded);
    const { low, high } = loadTenBytes(cpu, place);
    remember(cpu, place);
    pushExtended(cpu, low, high);
  } else pushLoaded(cpu, loaded(cpu, decoded, false));
}

/** Stores what `value` gives, if it gives something, and pops. Faults of the store come first. */
function store<T>(cpu: Cpu, place: Place, bytes: number, value: () => T | undefined, put: (value: T) => void): boolean {
  checkStore(cpu, place, bytes);
  remember(cpu, place);
  const result = value();
  if (result === undefined) return false;
  put(result);
  return true;
}

function putNumber(cpu: Cpu, { segment, offset }: Place, width: number, value: bigint): void {
  if (width === 64) cpu.store64(segment, offset, value);
  else if (width === 32) cpu.store32(segment, offset, Number(value));
  else cpu.store16(segment, offset, Number(value));
}

const storeFloat =
  (pops: boolean): Execute =>
  (cpu, decoded) => {
    const [operand] = decoded.operands;
    if (operand?.kind === "register") {
      remember(cpu, undefined);
      copyTop(cpu, operand.number, pops);
      return;
    }
    const place = memoryOf(cpu, decoded);
    if (memoryWidth(decoded) === 80) {
      if (storeTen(cpu, place, () => extendedTop(cpu))) pop(cpu);
      return;
    }
    const width = memoryWidth(decoded) === 64 ? 64 : 32;
    const put = (value: bigint) => putNumber(cpu, place, width, value);
    if (store(cpu, place, width / 8, () => shortened(cpu, width), put) && pops) pop(cpu);
  };

const storeTen = (cpu: Cpu, place: Place, value: () => TenBytes | undefined): boolean =>
  store(cpu, place, 10, value, (bytes) => storeTenBytes(cpu, place, bytes));

const storeInteger =
  (pops: boolean, mode?: Rounding): Execute =>
  (cpu, decoded) => {
    const place = memoryOf(cpu, decoded);
    const width = integerWidth(decoded);
    const value = () => integerOf(cpu, width, mode ?? roundingOf(cpu));
    if (store(cpu, place, width / 8, value, (bits) => putNumber(cpu, place, width, bits)) && pops) pop(cpu);
  };

const operationNames: readonly (readonly [string, Omit<Kind, "pops">])[] = [
  ["add", { operation: "add", reversed: false }],
  ["mul", { operation: "multiply", reversed: false }],
  ["sub", { operation: "subtract", reversed: false }],
  ["subr", { operation: "subtract", reversed: true }],
  ["div", { operation: "divide", reversed: false }],
  ["divr", { operation: "divide", reversed: true }],
];

const compares = (pops: 0 | 1 | 2, quiet: boolean, toFlags: boolean): Comparison => ({ quiet, pops, toFlags });
const moveTop = (by: number): Execute =>
  onStack((cpu) => {
    setC1(cpu, false);
    setTop(cpu, topOf(cpu) + by);
  });

/** Instructions that look at pending exceptions first, and that FSTENV can point at. */
const calculating: Readonly<Record<string, Execute>> = {
  ...Object.fromEntries(
    operationNames.flatMap(([name, kind]) => [
      [`f${name}`, arithmetic({ ...kind, pops: false }, false)],
      [`f${name}p`, arithmetic({ ...kind, pops: true }, false)],
      [`fi${name}`, arithmetic({ ...kind, pops: false }, true)],
    ]),
  ),
  fcom: comparison(compares(0, false, false)),
  fcomp: comparison(compares(1, false, false)),
  fcompp: comparison(compares(2, false, false)),
  fucom: comparison(compares(0, true, false)),
  fucomp: comparison(compares(1, true, false)),
  fucompp: comparison(compares(2, true, false)),
  ficom: comparison(compares(0, false, false), true),
  ficomp: comparison(compares(1, false, false), true),
  fcomi: comparison(compares(0, false, true)),
  fcomip: comparison(compares(1, false, true)),
  fucomi: comparison(compares(0, true, true)),
  fucomip: comparison(compares(1, true, true)),
  ftst: onStack((cpu) => order(cpu, compares(0, false, false), zero(0))),
  fxam: onStack(examine),
  fld: load,
  fild: (cpu, decoded) => pushLoaded(cpu, loaded(cpu, decoded, true)),
  fbld: (cpu, decoded) => {
    const place = memoryOf(cpu, decoded);
    const bytes = loadTenBytes(cpu, place);
    remember(cpu, place);
    pushLoaded(cpu, fromDecimal(bytes));
  },
  fst: storeFloat(false),
  fstp: storeFloat(true),
  fist: storeInteger(false),
  fistp: storeInteger(true),
  fisttp: storeInteger(true, 3),
  fbstp: (cpu, decoded) => {
    if (storeTen(cpu, memoryOf(cpu, decoded), () => decimalTop(cpu))) pop(cpu);
  },
  fxch: (cpu, { operands }) => {
    remember(cpu, undefined);
    exchange(cpu, placeAt(operands[1]));
  },
  fnop: onStack(() => {}),
  fchs: onStack((cpu) => changeSign(cpu, (signExponent) => signExponent ^ 0x8000)),
  fabs: onStack((cpu) => changeSign(cpu, (signExponent) => signExponent & 0x7fff)),
  fsqrt: onStack(root),
  frndint: onStack(roundTop),
  fscale: onStack((cpu) => replaceBinary(cpu, scale, false)),
  fprem: onStack((cpu) => partialRemainder(cpu, false)),
  fprem1: onStack((cpu) => partialRemainder(cpu, true)),
  fxtract: onStack(extract),
  fdecstp: moveTop(-1),
  fincstp: moveTop(1),
  ffree: (cpu, { operands }) => {
    remember(cpu, undefined);
    setEmpty(cpu, placeAt(operands[0]));
  },
  ffreep: (cpu, { operands }) => {
    remember(cpu, undefined);
    setEmpty(cpu, placeAt(operands[0]));
    pop(cpu);
  },
  ...Object.fromEntries(
    ["b", "e", "be", "u", "nb", "ne", "nbe", "nu"].map((condition): [string, Execute] => [
      `fcmov${condition}`,
      (cpu, decoded) => {
        remember(cpu, undefined);
        moveIf(cpu, conditionHolds(statusFlags(cpu), decoded), placeAt(decoded.operands[1]));
      },
    ]),
  ),
  ...Object.fromEntries(Object.entries(transcendentals).map(([name, act]) => [name, onStack(act)])),
};

/** Control instructions that look at pending exceptions first. */
const loading: Readonly<Record<string, Execute>> = {
  fldcw: (cpu, decoded) => {
    const { segment, offset } = memoryOf(cpu, decoded);
    setControl(cpu, cpu.load16(segment, offset));
  },
  fldenv: (cpu, decoded) => loadEnvironment(cpu, memoryOf(cpu, decoded), decoded.operandSize),
  frstor: (cpu, decoded) => restore(cpu, memoryOf(cpu, decoded), decoded.operandSize),
};

const putWord = (cpu: Cpu, decoded: Decoded, value: number): void => {
  const [operand] = decoded.operands;
  if (operand?.kind === "register") cpu.r16[0] = value;
  else {
    const { segment, offset } = memoryOf(cpu, decoded);
    cpu.store16(segment, offset, value);
  }
};

/** Control instructions that act whatever exceptions are pending. */
const unwaiting: Readonly<Record<string, Execute>> = {
  fnstcw: (cpu, decoded) => putWord(cpu, decoded, readControl(cpu)),
  fnstsw: (cpu, decoded) => putWord(cpu, decoded, readStatus(cpu)),
  fnstenv: (cpu, decoded) => storeEnvironment(cpu, memoryOf(cpu, decoded), decoded.operandSize),
  fnsave: (cpu, decoded) => save(cpu, memoryOf(cpu, decoded), decoded.operandSize),
  fnclex: (cpu) => setStatus(cpu, readStatus(cpu) & 0x7f00),
  fninit: initialize,
  fneni: () => {},
  fndisi: () => {},
  fsetpm: () => {},
};

/** Executes an x87 instruction (SDM Vol. 1, chapter 8). */
export function executeX87(cpu: Cpu, decoded: Decoded): void {
  const { mnemonic } = decoded.row;
  if (mnemonic === "fwait") {
    checkWait(cpu);
    isReady(cpu);
    return;
  }
  checkX87(cpu);
  const control = unwaiting[mnemonic];
  if (control) {
    control(cpu, decoded);
    reportCleared(cpu);
    return;
  }
  if (!isReady(cpu)) return;
  const calculation = calculating[mnemonic];
  const execute = calculation ?? loading[mnemonic];
  if (!execute) throw new TypeError(`${decoded.row.syntax} is no x87 instruction`);
  execute(cpu, decoded);
  if (!calculation) reportCleared(cpu);
  if (calculation && (readStatus(cpu) & status.errorSummary) !== 0) rememberOpcode(cpu, decoded);
}
