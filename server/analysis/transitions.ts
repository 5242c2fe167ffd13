import type { Bits, Decoded } from "../../isa/operands.ts";
import { calleeAt } from "./callee.ts";
import type { Code } from "./code.ts";
import { bit, type KnownBits, twoBits, unknown, wholeOf } from "./known-bits.ts";
import { longModeActive, PE, type State, VM } from "./state.ts";
import { effectOf, forgetRegisters, loadFlags, pop } from "./transfer.ts";

/** An instruction that may be executed next, with the state there. */
export type Step = readonly [index: number, state: State];

type Ring = State["cpl"];
const ringOf = (selector: KnownBits): Ring => twoBits(selector, 0);

/**
 * After CS was loaded: in real and virtual-8086 mode code is 16-bit; elsewhere the descriptor decides, which is taken to be what
 * the code there was written for, unless that is impossible.
 */
function behindFar(state: State, target: Bits, ring: Ring): State {
  if (bit(state.cr0, PE) === false) return { ...state, code: 16, cpl: 0 };
  if (bit(state.flags, VM) === true) return { ...state, code: 16, cpl: 3 };
  if (bit(state.cr0, PE) === undefined) return { ...state, code: undefined, cpl: undefined };
  const long = longModeActive(state);
  return { ...state, code: target === 64 && long === false ? undefined : target, cpl: ring };
}

/** The place that a far transfer names: flat, or in a segment of real mode. */
function farTarget(code: Code, state: State, offset: number | undefined, selector: number | undefined) {
  if (offset === undefined) return undefined;
  const real = bit(state.cr0, PE) === false && selector !== undefined;
  return (real ? code.at(selector * 16 + offset) : undefined) ?? code.at(offset);
}

function farTo(code: Code, state: State, offset: KnownBits, selector: KnownBits, width: number, ring: Ring): Step[] {
  const place = wholeOf(offset);
  const masked = place === undefined || width !== 16 ? place : place & 0xffff;
  const n = farTarget(code, state, masked, wholeOf(selector));
  return n === undefined ? [] : [[n, behindFar(state, code.mentions[n]!.bits, ring)]];
}

/** A far JMP or CALL keeps the privilege level, but through a call gate. */
function farJump(code: Code, state: State, { operands: [to] }: Decoded): Step[] {
  if (to?.kind !== "far") return [];
  const n = farTarget(code, state, to.offset, to.selector);
  return n === undefined ? [] : [[n, behindFar(state, code.mentions[n]!.bits, state.cpl)]];
}

function farReturn(code: Code, state: State, { operandSize }: Decoded): Step[] {
  const [offset, below] = pop(state);
  const [selector, after] = pop(below);
  return farTo(code, after, offset, selector, operandSize, ringOf(selector));
}

function interruptReturn(code: Code, state: State, { operandSize }: Decoded): Step[] {
  const [offset, below] = pop(state);
  const [selector, above] = pop(below);
  const [flags, after] = pop(above);
  const virtual = bit(flags, VM);
  const ring = virtual === true ? 3 : ringOf(selector);
  const loaded = loadFlags(after, flags);
  const vm = {
    mask: loaded.flags.mask | (flags.mask & (1 << VM)),
    value: loaded.flags.value | (flags.value & (1 << VM)),
  };
  return farTo(code, { ...loaded, flags: vm }, offset, selector, operandSize, ring);
}

/** SYSEXIT goes to EDX, SYSRET to ECX, both at CPL 3. */
const toUser =
  (register: number) =>
  (code: Code, state: State): Step[] =>
    farTo(code, state, state.registers[register]!, unknown, 32, 3);

function call(code: Code, n: number, state: State): Step[] {
  const entry = code.target(n);
  const { switchesMode, setsInterrupts, identifies } = calleeAt(code, entry);
  const steps: Step[] = [];
  if (entry !== undefined) steps.push([entry, { ...state, stack: [] }]);
  const back = code.after(n);
  if (back === undefined || switchesMode) return steps;
  const flags = setsInterrupts
    ? { mask: state.flags.mask & (1 << VM), value: state.flags.value & (1 << VM) }
    : state.flags;
  steps.push([back, { ...forgetRegisters(state), flags, asked: state.asked || identifies }]);
  return steps;
}

function onwards(code: Code, n: number, state: State): Step[] {
  const next = code.after(n);
  return next === undefined ? [] : [[next, state]];
}

type Transition = (code: Code, state: State, decoded: Decoded, n: number) => Step[];

const stops: Transition = () => [];
const interrupt: Transition = (code, state, _, n) => onwards(code, n, forgetRegisters(state));

const transitions: Readonly<Record<string, Transition>> = {
  ...{ ret: stops, ud2: stops, retf: farReturn, iret: interruptReturn, iretd: interruptReturn, iretq: interruptReturn },
  ...{
    sysexit: toUser(2),
    sysret: toUser(1),
    int: interrupt,
    syscall: interrupt,
    sysenter: interrupt,
    vmcall: interrupt,
  },
  vmmcall: interrupt,
  jmp: (code, state, decoded, n) => {
    const target = code.target(n);
    return target === undefined ? farJump(code, state, decoded) : [[target, state]];
  },
  call: (code, state, decoded, n) => (decoded.operands[0]?.kind === "far" ? [] : call(code, n, state)),
};

/** Where an instruction leads, with the state there; nothing where that cannot be known. */
export function stepsFrom(code: Code, n: number, state: State): Step[] {
  const { decoded } = code.mentions[n]!;
  if (!decoded) return onwards(code, n, state);
  const transition = transitions[decoded.row.mnemonic];
  if (transition) return transition(code, state, decoded, n);
  const after = effectOf(state, decoded);
  const target = decoded.operands[0]?.kind === "relative" ? code.target(n) : undefined;
  return target === undefined ? onwards(code, n, after) : [...onwards(code, n, after), [target, after]];
}
