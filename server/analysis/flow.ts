import type { Assembly, InstructionMention } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";
import { Code, isAboutInterrupts, switchesMode } from "./code.ts";
import { bit, twoBits, unknown } from "./known-bits.ts";
import {
  anyState,
  IF,
  IOPL,
  joinStates,
  longModeActive,
  PE,
  type State,
  sameState,
  startModeOf,
  startState,
  stated,
  TSD,
  UMIP,
  VM,
} from "./state.ts";
import { type Step, stepsFrom } from "./transitions.ts";

/** What can be known of the processor at an instruction; what is undefined cannot. */
export interface Known {
  readonly mode: "real" | "virtual-8086" | "protected" | "long" | undefined;
  readonly cpl: 0 | 1 | 2 | 3 | undefined;
  /** The size of code that CS asks for. */
  readonly code: 16 | 32 | 64 | undefined;
  /** RFLAGS.IF. */
  readonly interrupts: boolean | undefined;
  readonly umip: boolean | undefined;
  readonly timestampsDisabled: boolean | undefined;
  readonly iopl: 0 | 1 | 2 | 3 | undefined;
  /** CPUID was asked for the hypervisor on the way. */
  readonly asked: boolean;
  /** Low 32 bits of general register `n`, where a constant. */
  register(n: number): number | undefined;
}

/** Instructions executed in the search, repeated ones counted: what is behind that stays unknown. */
const budget = 12_000;
/** Instructions of a program that is followed: larger ones would take longer than one types. */
const most = 30_000;

const isRelevant = (row: Row): boolean =>
  switchesMode(row) || isAboutInterrupts(row) || row.mnemonic === "vmcall" || row.mnemonic === "vmmcall";

function modeOf(state: State): Known["mode"] {
  const protection = bit(state.cr0, PE);
  if (protection === undefined) return undefined;
  if (!protection) return "real";
  const long = longModeActive(state);
  if (long) return "long";
  if (bit(state.flags, VM) === true) return "virtual-8086";
  return long === false ? "protected" : undefined;
}

const view = (state: State): Known => ({
  mode: modeOf(state),
  cpl: state.cpl,
  code: state.code,
  interrupts: bit(state.flags, IF),
  iopl: twoBits(state.flags, IOPL),
  umip: bit(state.cr4, UMIP),
  timestampsDisabled: bit(state.cr4, TSD),
  asked: state.asked,
  register: (n) => {
    const register = state.registers[n];
    return register?.mask === -1 ? register.value >>> 0 : undefined;
  },
});

/** Indices of the instructions that follow statements of the source, with what they say. */
function statementsBy(assembly: Assembly, mentions: readonly InstructionMention[]): Map<number, State> {
  const found = new Map<number, State>();
  for (const { range, said } of assembly.statements) {
    const n = mentions.findIndex((one) => one.range.file === range.file && one.range.line > range.line);
    if (n < 0) continue;
    const { bits } = mentions[n]!;
    const here =
      n === 0 ? firstState(assembly) : { ...startState(startModeOf(bits), bits), cpl: undefined, cr4: unknown };
    found.set(n, stated(found.get(n) ?? here, n === 0 ? { ...said, mode: undefined } : said, bits));
  }
  return found;
}

/** A part of a program is reached from elsewhere: of it nothing is known that the source does not say. */
function firstState({ settings, bits, isPart }: Assembly): State {
  const isStart = settings.mode !== undefined || !isPart;
  return isStart ? startState(settings.mode ?? startModeOf(bits), bits) : { ...anyState, asked: true };
}

/** What is known at each instruction that the start of the program, or a statement, leads to. */
function search(assembly: Assembly): Map<InstructionMention, State> {
  const code = new Code(assembly);
  const states: (State | undefined)[] = [];
  const said = statementsBy(assembly, code.mentions);
  const waiting = new Set<number>();
  const reach = ([n, state]: Step): void => {
    const before = states[n];
    const after = before ? joinStates(before, state) : state;
    if (before && sameState(before, after)) return;
    states[n] = after;
    waiting.add(n);
  };
  for (const [n, state] of said) if (n > 0) reach([n, state]);
  if (code.mentions.length > 0) reach([0, said.get(0) ?? firstState(assembly)]);
  for (let count = 0; count < budget; count++) {
    const [n] = waiting;
    if (n === undefined) return byMention(code, states);
    waiting.delete(n);
    for (const step of stepsFrom(code, n, states[n]!)) if (!said.has(step[0])) reach(step);
  }
  // Where the search did not end, joins are missing: nothing of it is certain.
  return new Map();
}

function byMention(code: Code, states: readonly (State | undefined)[]): Map<InstructionMention, State> {
  const found = new Map<InstructionMention, State>();
  states.forEach((state, n) => {
    if (state) found.set(code.mentions[n]!, state);
  });
  return found;
}

/** What is known of the instructions of one program. */
export class Flow {
  private readonly states: Map<InstructionMention, State>;
  private readonly everywhere: State | undefined;

  constructor(assembly: Assembly) {
    const moves =
      assembly.statements.length > 1 || assembly.sizes.size > 1 || assembly.mentionsOf(isRelevant).length > 0;
    // Where nothing changes the mode, it is the same everywhere, also in what nothing is seen to lead to.
    this.everywhere = moves ? undefined : firstState(assembly);
    this.states = moves && assembly.mentions.length <= most ? search(assembly) : new Map();
  }

  /** Undefined where nothing is seen to lead to the instruction. */
  at(mention: InstructionMention): Known | undefined {
    const state = this.states.get(mention) ?? this.everywhere;
    return state && view(state);
  }

  /** All that the search reached, in the order of the source. */
  *reached(): Generator<readonly [InstructionMention, Known]> {
    for (const [mention, state] of this.states) yield [mention, view(state)];
  }
}

const flows = new WeakMap<Assembly, Flow>();

/** The flow of a program, worked out when it is first asked for. */
export function flowOf(assembly: Assembly): Flow {
  const known = flows.get(assembly);
  if (known) return known;
  const flow = new Flow(assembly);
  flows.set(assembly, flow);
  return flow;
}
