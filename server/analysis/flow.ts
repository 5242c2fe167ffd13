import type { Assembly, InstructionMention } from "../../assembler/index.ts";
import { lastAtOrBelow } from "../../assembler/last-at-or-below.ts";
import type { Row } from "../../isa/instruction.ts";
import { Code } from "./code.ts";
import { stackLoadFault, transferFault } from "./far-transfers.ts";
import { type KeptSteps, keptSteps } from "./kept-steps.ts";
import { bit, twoBits, unknown, wholeOf } from "./known-bits.ts";
import {
  anyState,
  IF,
  IOPL,
  longModeActive,
  PE,
  type State,
  startModeOf,
  startState,
  stated,
  TSD,
  UMIP,
  VM,
} from "./state.ts";
import { isAboutInterrupts, switchesMode } from "./transitional-rows.ts";

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
  readonly register: (n: number) => number | undefined;
}

/** Instructions executed in the search, repeated ones counted, of a program of so many: beyond that nothing is known. */
const budgetOf = (instructions: number): number => 12_000 + 4 * instructions;
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

/** A state as others see it; each fact is looked up when it is asked for. */
class View implements Known {
  private readonly state: State;

  constructor(state: State) {
    this.state = state;
  }
  get mode() {
    return modeOf(this.state);
  }
  get cpl() {
    return this.state.cpl;
  }
  get code() {
    return this.state.code;
  }
  get interrupts() {
    return bit(this.state.flags, IF);
  }
  get iopl() {
    return twoBits(this.state.flags, IOPL);
  }
  get umip() {
    return bit(this.state.cr4, UMIP);
  }
  get timestampsDisabled() {
    return bit(this.state.cr4, TSD);
  }
  get asked() {
    return this.state.asked;
  }
  get register() {
    const { registers } = this.state;
    return (n: number): number | undefined => {
      const register = registers[n];
      return register && wholeOf(register);
    };
  }
}

/** Finds the first instruction of a file below a line, by its index. */
function firstBelow(mentions: readonly InstructionMention[]): (file: string, line: number) => number | undefined {
  /** Of each file: indices, and the last line that any instruction up to there is on. */
  const byFile = new Map<string, { readonly places: number[]; readonly reached: number[] }>();
  for (const [n, { range }] of mentions.entries()) {
    const of = byFile.get(range.file) ?? { places: [], reached: [] };
    byFile.set(range.file, of);
    of.places.push(n);
    of.reached.push(Math.max(of.reached.at(-1) ?? -1, range.line));
  }
  return (file, line) => {
    const of = byFile.get(file);
    if (!of) return undefined;
    const { places, reached } = of;
    return places[lastAtOrBelow(reached.length, (index) => reached[index]!, line) + 1];
  };
}

/** Indices of the instructions that follow statements of the source, with what they say. */
function statementsBy(assembly: Assembly, mentions: readonly InstructionMention[]): Map<number, State> {
  const found = new Map<number, State>();
  if (assembly.statements.length === 0) return found;
  const below = firstBelow(mentions);
  for (const { range, said } of assembly.statements) {
    const n = below(range.file, range.line);
    if (n === undefined) continue;
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

/** What is known at each instruction that the start of the program, or a statement, leads to; nothing if that takes too long. */
function search(assembly: Assembly, code: Code, kept: KeptSteps): readonly (State | undefined)[] {
  const { mentions } = code;
  const states = new Array<State | undefined>(mentions.length).fill(undefined);
  const said = statementsBy(assembly, mentions);
  const waiting = new Uint8Array(mentions.length);
  let lowest = mentions.length;
  const reach = (n: number, state: State): void => {
    const before = states[n];
    const after = before ? kept.joined(n, before, state) : state;
    if (after === before) return;
    states[n] = after;
    waiting[n] = 1;
    if (n < lowest) lowest = n;
  };
  const lead = (n: number, state: State): void => {
    if (said.size === 0 || !said.has(n)) reach(n, state);
  };
  for (const [n, state] of said) if (n > 0) reach(n, state);
  if (mentions.length > 0) reach(0, said.get(0) ?? firstState(assembly));
  let count = 0;
  const budget = budgetOf(mentions.length);
  /** Goes down straight code; nothing of what waits is above it. */
  const straight = (from: number): number => {
    let n = from;
    for (; count < budget; count++) {
      const after = kept.behind(n, states[n]!);
      if (!after || code.after(n) !== n + 1 || states[n + 1] || said.has(n + 1)) return n;
      states[++n] = after;
    }
    return n;
  };
  for (; count < budget; count++) {
    const first = waiting.indexOf(1, lowest);
    // Where the search does not end, joins are missing: nothing of it is certain.
    if (first < 0) return states;
    waiting[first] = 0;
    const n = straight(first);
    lowest = n + 1;
    kept.lead(code, n, states[n]!, lead);
  }
  return [];
}

/** What is known of the instructions of one program. */
export class Flow {
  /** Undefined where the program is not followed. */
  private readonly code: Code | undefined;
  private readonly states: readonly (State | undefined)[];
  private readonly everywhere: State | undefined;

  constructor(assembly: Assembly) {
    const moves =
      assembly.statements.length > 1 || assembly.sizes.size > 1 || assembly.mentionsOf(isRelevant).length > 0;
    // Where nothing changes the mode, it is the same everywhere, also in what nothing is seen to lead to.
    this.everywhere = moves ? undefined : firstState(assembly);
    this.code = moves && assembly.mentions.length <= most ? new Code(assembly) : undefined;
    this.states = this.code ? search(assembly, this.code, keptSteps(assembly)) : [];
  }

  /** Undefined where nothing is seen to lead to the instruction. */
  at(mention: InstructionMention): Known | undefined {
    const state = this.everywhere ?? (this.code && this.states[this.code.indexOf(mention)]);
    return state && new View(state);
  }

  /** Instructions that may be decoded otherwise than as assembled, in runs that are not interrupted by others. */
  *strangers(): Generator<readonly (readonly [InstructionMention, Known])[]> {
    let run: [InstructionMention, Known][] = [];
    for (let n = 0; n < this.states.length; n++) {
      const state = this.states[n];
      if (!state) continue;
      const mention = this.code!.mentions[n]!;
      if (state.code !== mention.bits || mention.bits === 64) run.push([mention, new View(state)]);
      else if (run.length > 0) {
        yield run;
        run = [];
      }
    }
    yield run;
  }

  /** Why an instruction that loads CS or SS faults by its selector; undefined if it does not, or that is not known. */
  selectorFault(mention: InstructionMention): string | undefined {
    const { code } = this;
    const n = code?.indexOf(mention) ?? -1;
    const state = this.states[n];
    return code && state && (transferFault(code, n, state) ?? stackLoadFault(code, n, state));
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
