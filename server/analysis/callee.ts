import type { Row } from "../../isa/instruction.ts";
import type { Code } from "./code.ts";
import { isAboutInterrupts, switchesMode } from "./transitional-rows.ts";

/** What a routine may do to the state of its caller, beside the registers. */
export interface Callee {
  readonly switchesMode: boolean;
  readonly setsInterrupts: boolean;
  readonly identifies: boolean;
  /** Loads a GDT. */
  readonly loadsTable: boolean;
}

const anything: Callee = { switchesMode: true, setsInterrupts: true, identifies: true, loadsTable: true };
const nothing: Callee = { switchesMode: false, setsInterrupts: false, identifies: false, loadsTable: false };
/** Instructions of one routine that are looked at; a longer one may do anything. */
const most = 400;

/** A routine without what it calls. */
interface Routine {
  readonly itself: Callee;
  /** Entries of the routines that it calls. */
  readonly calls: ReadonlySet<number>;
}

const either = (a: Callee, b: Callee): Callee => ({
  switchesMode: a.switchesMode || b.switchesMode,
  setsInterrupts: a.setsInterrupts || b.setsInterrupts,
  identifies: a.identifies || b.identifies,
  loadsTable: a.loadsTable || b.loadsTable,
});

const isEnd = ({ mnemonic }: Row): boolean => /^(ret|jmp|retf|iret.*)$/.test(mnemonic);

/** What an instruction contributes; undefined for most. */
function factsOf(row: Row): Callee | undefined {
  const { mnemonic } = row;
  const facts = {
    // A RETF or IRET of the routine returns to its caller.
    switchesMode: switchesMode(row) && !/^(retf|iret)/.test(mnemonic),
    setsInterrupts: isAboutInterrupts(row),
    identifies: mnemonic === "cpuid",
    loadsTable: mnemonic === "lgdt",
  };
  return Object.values(facts).includes(true) ? facts : undefined;
}

interface RowFacts {
  readonly facts: Callee | undefined;
  readonly isEnd: boolean;
  readonly isCall: boolean;
  readonly branches: boolean;
}

/** By row: there are far fewer rows than instructions. */
const known = new Map<Row, RowFacts>();

function rowFacts(row: Row): RowFacts {
  const found = known.get(row) ?? {
    facts: factsOf(row),
    isEnd: isEnd(row),
    isCall: row.mnemonic === "call",
    branches: row.operands[0]?.kind === "relative",
  };
  known.set(row, found);
  return found;
}

/** What the routines of a program may do, each worked out when it is first asked for. */
export class Callees {
  private readonly code: Code;
  private readonly routines = new Map<number, Routine>();
  private readonly found = new Map<number, Callee>();

  constructor(code: Code) {
    this.code = code;
  }

  /** What the routine at an index may do with all that it calls, as far as its jumps and calls show. */
  at(entry: number | undefined): Callee {
    if (entry === undefined) return anything;
    const found = this.found.get(entry) ?? this.withCalls(entry);
    this.found.set(entry, found);
    return found;
  }

  private withCalls(entry: number): Callee {
    const visited = new Set([entry]);
    let facts = nothing;
    for (const one of visited) {
      const { itself, calls } = this.routine(one);
      facts = either(facts, itself);
      for (const call of calls) visited.add(call);
    }
    return facts;
  }

  private routine(entry: number): Routine {
    const found = this.routines.get(entry) ?? this.look(entry);
    this.routines.set(entry, found);
    return found;
  }

  private look(entry: number): Routine {
    const { code } = this;
    const visited = new Set([entry]);
    const calls = new Set<number>();
    let itself = nothing;
    for (const n of visited) {
      if (visited.size > most) return { itself: anything, calls: new Set() };
      const { row } = code.mentions[n]!;
      const of = row && rowFacts(row);
      if (of?.facts) itself = either(itself, of.facts);
      const target = of?.branches ? code.target(n) : undefined;
      if (target !== undefined) (of?.isCall ? calls : visited).add(target);
      const next = of?.isEnd ? undefined : code.after(n);
      if (next !== undefined) visited.add(next);
    }
    return { itself, calls };
  }
}
