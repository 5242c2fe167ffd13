import { decode } from "../../../isa/decode.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Context } from "./frame.ts";
import { pageOf } from "./place.ts";
import { FlagsInBranch, WasmAlgebra } from "./wasm.ts";
import { Untranslatable } from "./wasm-instruction.ts";

/** The code a region is made from: a page and its neighbours. Offsets are from the start of that page. */
export interface CodeSource {
  /** Offset in CS at which the page begins; negative where the page begins before the segment. */
  readonly start: number;
  /** Where the code begins, and where instructions must end. */
  readonly from: number;
  readonly end: number;
  readonly byteAt: (offset: number) => number;
  /** Whether an instruction that may be translated is known to begin here. */
  readonly isCode: (offset: number) => boolean;
  /** Cells that count executions of the instruction there (`Monitor.countersAt`). */
  readonly countersAt: (offset: number) => readonly number[];
}

/** Instructions that are executed one after the other; a region is entered at the first of a block. */
export interface Block {
  readonly offset: number;
  readonly bytes: number;
  readonly instructions: readonly Decoded[];
  /** None of them is translated: the host executes them. */
  readonly byHost: boolean;
  /** Where execution may go on, as far as it is known. */
  readonly targets: readonly number[];
  /** It may also jump to an address that is known only then. */
  readonly indirect: boolean;
}

/** What a region consists of. */
export interface Plan {
  readonly blocks: readonly Block[];
  /** Offsets at which it shall be entered from outside. */
  readonly entries: readonly number[];
  /** Some block jumps to an address that is known only then. */
  readonly indirect: boolean;
}

/** What follows an instruction, as far as blocks are concerned. */
interface Located {
  /** Undefined if there is none. */
  readonly decoded: Decoded | undefined;
  /** Offset of the next instruction, undefined where there is none. */
  readonly next: number | undefined;
  readonly jumps: readonly number[];
  readonly indirect: boolean;
  /** Execution may go on with the next instruction: directly, or when the interpreter or a callee is done. */
  readonly continues: boolean;
  /** Nothing else can happen, so that it is not the last of its block. */
  readonly straight: boolean;
  /** It cannot be translated. */
  readonly byHost: boolean;
}

/** Bounds the time a compilation takes. */
const mostInstructions = 1000;
const nowhere: Located = {
  decoded: undefined,
  next: undefined,
  jumps: [],
  indirect: false,
  continues: false,
  straight: false,
  byHost: false,
};

/**
 * Finds the blocks that are reached from the seeds without leaving the code. No block goes on in another page, except one that
 * is an instruction across the border.
 */
export function planRegion(seeds: readonly number[], source: CodeSource, context: Context): Plan {
  const found = new Map<number, Located>();
  const leaders = new Set(seeds);
  const open = [...leaders];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (found.has(at) || found.size >= mostInstructions) continue;
    const here = source.isCode(at) ? locate(at, source, context) : nowhere;
    found.set(at, here);
    const following = here.continues && here.next !== undefined ? [here.next] : [];
    if (!here.straight) for (const leader of [...here.jumps, ...following]) leaders.add(leader);
    if (here.next !== undefined && pageOf(here.next) !== pageOf(at)) leaders.add(here.next);
    if (crosses(at, here.decoded)) leaders.add(at);
    open.push(...here.jumps, ...following);
  }
  for (const { next, byHost } of found.values())
    if (next !== undefined && found.get(next)?.byHost === !byHost) leaders.add(next);
  return planOf(found, leaders, seeds);
}

const crosses = (at: number, decoded: Decoded | undefined): boolean =>
  decoded !== undefined && pageOf(at + decoded.length - 1) !== pageOf(at);

function planOf(found: ReadonlyMap<number, Located>, leaders: ReadonlySet<number>, entries: readonly number[]): Plan {
  const blocks: Block[] = [];
  for (const offset of [...leaders].sort((a, b) => a - b)) {
    const instructions: Decoded[] = [];
    let last = nowhere;
    for (let at: number | undefined = offset; at !== undefined; ) {
      const here = found.get(at);
      if (!here?.decoded) break;
      instructions.push(here.decoded);
      last = here;
      at = here.straight && here.next !== undefined && !leaders.has(here.next) ? here.next : undefined;
    }
    const bytes = instructions.reduce((sum, { length }) => sum + length, 0);
    const targets = [...last.jumps, ...(last.continues && last.next !== undefined ? [last.next] : [])];
    const { byHost, indirect } = last;
    if (bytes > 0) blocks.push({ offset, bytes, instructions, byHost, targets, indirect });
  }
  return { blocks, entries, indirect: blocks.some((block) => block.indirect) };
}

function locate(at: number, source: CodeSource, context: Context): Located {
  const decoded = decode((offset) => (offset < source.end ? source.byteAt(offset) : -1), at, context.bits);
  if (typeof decoded === "string") return nowhere;
  const next = at + decoded.length < source.end ? at + decoded.length : undefined;
  const effects = effectsOf(decoded, BigInt(source.start + at), context);
  // The host looks at one page at a time.
  if (!effects && crosses(at, decoded)) return { ...nowhere, next, continues: true };
  if (!effects) return { ...nowhere, decoded, next, continues: true, straight: true, byHost: true };
  const jumps = effects.jumps
    .map((rip) => Number(rip) - source.start)
    .filter((offset) => offset >= source.from && offset < source.end);
  const straight = !effects.ended && effects.jumps.length === 0 && !effects.indirect;
  const continues = !effects.ended || decoded.row.mnemonic === "call";
  return { decoded, next, jumps, indirect: effects.indirect, continues, straight, byHost: false };
}

interface Effects {
  readonly jumps: readonly bigint[];
  readonly indirect: boolean;
  readonly ended: boolean;
}

/** Translates an instruction by itself to see where it can go; undefined if it cannot be translated. */
function effectsOf(decoded: Decoded, rip: bigint, context: Context): Effects | undefined {
  const jumps: bigint[] = [];
  let indirect = false;
  const transfers = {
    to: (target: bigint) => {
      jumps.push(target);
    },
    indirect: () => {
      indirect = true;
    },
  };
  const trial = new WasmAlgebra(context, -1, transfers);
  try {
    const ended = trial.emit(decoded, { rip, unpaid: 0, next: 0, counters: [] });
    return { jumps, indirect, ended };
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    if (thrown instanceof FlagsInBranch) return effectsOf(decoded, rip, context);
    throw thrown;
  }
}
