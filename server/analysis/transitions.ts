import type { Decoded } from "../../isa/operands.ts";
import type { Code } from "./code.ts";
import {
  behindFar,
  behindStackLoad,
  type Destination,
  destinationOf,
  goesThroughGate,
  loadedTable,
  stackLoadFault,
  transferFault,
} from "./far-transfers.ts";
import { bit, unknown, wholeOf } from "./known-bits.ts";
import { PE, type State, VM } from "./state.ts";
import { effectOf, forgetRegisters } from "./transfer.ts";

/** An instruction that may be executed next, with the state there. */
export type Step = readonly [index: number, state: State];

/** The place that a far transfer names: flat, or in a segment of real mode. */
function farTarget(code: Code, state: State, { offset, selector }: Destination, width: number): number | undefined {
  const place = wholeOf(offset);
  if (place === undefined) return undefined;
  const masked = width === 16 ? place & 0xffff : place;
  const segment = bit(state.cr0, PE) === false ? wholeOf(selector) : undefined;
  return (segment === undefined ? undefined : code.at(segment * 16 + masked)) ?? code.at(masked);
}

/** Far JMP, RETF and IRET; nothing where it faults, as it is not known who takes the fault. */
const far: Transition = (code, state, { operandSize }, n) => {
  const to = destinationOf(code, n, state);
  const target = to && farTarget(code, to.state, to, operandSize);
  if (!to || target === undefined || goesThroughGate(code, to) || transferFault(code, n, state) !== undefined)
    return [];
  return [[target, behindFar(code, to, code.mentions[target]!.bits)]];
};

/** SYSEXIT goes to EDX, SYSRET to ECX, both at CPL 3, to 64-bit code with REX.W and else to 32-bit code (SDM Vol. 2). */
const toUser =
  (register: number): Transition =>
  (code, state, { operandSize }) => {
    const to = { offset: state.registers[register]!, selector: unknown, returns: true, state };
    const target = farTarget(code, state, to, 32);
    return target === undefined ? [] : [[target, { ...state, code: operandSize === 64 ? 64 : 32, cpl: 3 }]];
  };

function call(code: Code, n: number, state: State): Step[] {
  const entry = code.target(n);
  const { switchesMode, setsInterrupts, identifies, loadsTable } = code.callees.at(entry);
  const steps: Step[] = [];
  if (entry !== undefined) steps.push([entry, { ...state, stack: [] }]);
  const back = code.after(n);
  if (back === undefined || switchesMode) return steps;
  const flags = setsInterrupts
    ? { mask: state.flags.mask & (1 << VM), value: state.flags.value & (1 << VM) }
    : state.flags;
  const gdt = loadsTable ? undefined : state.gdt;
  steps.push([back, { ...forgetRegisters(state), flags, gdt, asked: state.asked || identifies }]);
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
  ...{ ret: stops, ud2: stops, retf: far, iret: far, iretd: far, iretq: far },
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
    return target === undefined ? far(code, state, decoded, n) : [[target, state]];
  },
  call: (code, state, decoded, n) => (decoded.operands[0]?.kind === "far" ? [] : call(code, n, state)),
  lgdt: (code, state, _, n) => onwards(code, n, { ...state, gdt: loadedTable(code, n) }),
};

const isStackLoad = ({ row: { mnemonic }, operands: [to] }: Decoded): boolean =>
  mnemonic === "lss" || (to?.kind === "register" && to.class === "segment" && to.number === 2);

/** Whether an instruction has an effect on the state and nothing else: it leads to the next, and to its target if it is a branch. */
export const isPlain = (decoded: Decoded): boolean => !transitions[decoded.row.mnemonic] && !isStackLoad(decoded);

/** Where any other instruction leads, with the state there; nothing where that cannot be known. */
export function stepsFrom(code: Code, n: number, state: State, decoded: Decoded): readonly Step[] {
  const transition = transitions[decoded.row.mnemonic];
  if (transition) return transition(code, state, decoded, n);
  if (stackLoadFault(code, n, state) !== undefined) return [];
  return onwards(code, n, behindStackLoad(code, n, state, effectOf(state, decoded)));
}
