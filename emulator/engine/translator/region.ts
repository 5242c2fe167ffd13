import type { CodeExtent } from "../code-extent.ts";
import { pageBytes } from "../page.ts";
import type { KeyedContext } from "./context.ts";
import { type Addresses, type Context, hostFunctions } from "./frame.ts";
import type { Block, CodeSource, Plan } from "./plan.ts";
import { extentGlobals } from "./tlb-access.ts";
import { type Transfers, WasmAlgebra } from "./wasm.ts";
import { encodeModule } from "./wasm-module.ts";

/** Function parameters: block to enter, fuel, where the state block is. */
export const regionParameters = 3;

/**
 * Writes a region as one function: a loop around a dispatch on the number of the next block, and the blocks in the order of
 * their addresses. Jumps forwards go straight to their block, jumps backwards through the dispatch.
 *
 *     loop                       ;; dispatch
 *       block                    ;; its end is where the host is called
 *         block … block          ;; one for each block; its end is where the block's code begins
 *           br_table next
 *         end … code of block 0
 *         end … code of block 1
 *       end … call, back to the dispatch
 */
class RegionWriter {
  readonly #plan: Plan;
  readonly #start: bigint;
  readonly #m: WasmAlgebra;
  readonly #indices: ReadonlyMap<bigint, number>;
  #dispatchDepth = 0;
  #current = 0;

  constructor(plan: Plan, source: CodeSource, context: Context, addresses: Addresses) {
    this.#plan = plan;
    this.#start = BigInt(source.start);
    const transfers: Transfers = { to: (rip) => this.#to(rip), indirect: () => this.#dispatch(plan.blocks.length) };
    this.#m = new WasmAlgebra(context, addresses, transfers);
    this.#indices = new Map(plan.blocks.map((block, index) => [this.#ripOf(block), index]));
  }

  #ripOf(block: Block): bigint {
    return this.#start + BigInt(block.offset);
  }

  write(): Uint8Array<ArrayBuffer> {
    const { code, frame } = this.#m;
    const { blocks, indirect } = this.#plan;
    frame.enclose(() => {
      code.loop();
      this.#dispatchDepth = code.depth;
      code.block();
      for (let n = 0; n < blocks.length; n++) code.block();
      if (indirect) code.block();
      code.get(frame.next);
      const labels = blocks.map((_, index) => this.#label(index));
      code.brTable(labels, indirect ? 0 : labels.length - 1);
      if (indirect) this.#lookUp();
      for (const [index, block] of blocks.entries()) {
        code.op("end");
        this.#current = index;
        if (block.byHost) this.#hostBlock(block);
        else this.#block(block);
      }
      code.op("end");
      if (blocks.some(({ byHost }) => byHost)) {
        frame.callHost();
        code.br(0);
      } else code.op("unreachable");
      code.op("end");
    });
    return encodeModule(code, regionParameters, { globals: extentGlobals, functions: hostFunctions });
  }

  /** Label of the beginning of a block that comes later in the code. */
  #label(index: number): number {
    return this.#m.code.depth - this.#dispatchDepth - 1 - (this.#plan.blocks.length - index);
  }

  #dispatch(next: number): void {
    const { code, frame } = this.#m;
    code.i32(next);
    code.set(frame.next);
    code.br(code.depth - this.#dispatchDepth);
  }

  #to(rip: bigint): void {
    const { bits } = this.#m.frame.context;
    const target = bits === 64 ? rip : BigInt.asUintN(32, rip);
    const index = this.#indices.get(target);
    if (index === undefined) this.#m.frame.jumpOut(target);
    else if (index > this.#current) this.#m.code.br(this.#label(index));
    else this.#dispatch(index);
  }

  /** Finds the block at `frame.rip`, or leaves. */
  #lookUp(): void {
    const { code, frame } = this.#m;
    const { blocks } = this.#plan;
    code.op("end");
    const first = blocks[0]!.offset;
    const span = blocks.at(-1)!.offset - first;
    const byOffset = new Map(blocks.map(({ offset }, index) => [offset - first, index]));
    const distance = code.local("i64");
    // Unless a block is found.
    code.i32(1);
    code.set(frame.jumped);
    code.get(frame.rip);
    code.i64(this.#ripOf(blocks[0]!));
    code.op("i64.sub");
    code.tee(distance);
    code.i64(BigInt(span));
    code.op("i64.gt_u");
    code.brIf(frame.leaveLabel);
    code.get(distance);
    code.op("i32.wrap_i64");
    const labels = Array.from({ length: span + 1 }, (_, at) => {
      const index = byOffset.get(at);
      return index === undefined ? frame.leaveLabel : this.#label(index);
    });
    code.brTable(labels, frame.leaveLabel);
  }

  /** Leaves where there is no fuel for so many instructions. */
  #checkFuel(least: number, rip: bigint): void {
    const { code, frame } = this.#m;
    if (this.#plan.indirect) {
      code.i32(0);
      code.set(frame.jumped);
    }
    code.get(frame.fuel);
    code.i32(least);
    code.op("i32.lt_s");
    code.if();
    frame.leave(rip, 0);
    code.op("end");
  }

  /** Instructions that the host executes; it does not come back if anything is then other than what the region was made for. */
  #hostBlock(block: Block): void {
    const { code, frame } = this.#m;
    const rip = this.#ripOf(block);
    this.#checkFuel(1, rip);
    frame.prepareCall(block.offset, block.instructions.length, rip);
    code.i32(this.#indices.get(rip + BigInt(block.bytes)) ?? 0);
    code.set(frame.next);
    code.br(code.depth - this.#dispatchDepth - 1);
  }

  #block(block: Block): void {
    const { code, frame } = this.#m;
    const { instructions } = block;
    let rip = this.#ripOf(block);
    this.#checkFuel(instructions.length, rip);
    code.get(frame.fuel);
    code.i32(instructions.length);
    code.op("i32.sub");
    code.set(frame.fuel);
    let ended = false;
    for (const [n, decoded] of instructions.entries()) {
      ended = this.#m.emit(decoded, { rip, unpaid: instructions.length - n });
      rip += BigInt(decoded.length);
    }
    this.#m.settle();
    if (!ended) this.#to(rip);
  }
}

type Run = (block: number, fuel: number, base: number) => number;
/** What translated code calls, as `hostFunctions`. */
export type HostFunctions = Readonly<Record<(typeof hostFunctions)[number][0], (...args: number[]) => number>>;

/** Translated code of several blocks of one page. */
export class Region {
  readonly context: KeyedContext;
  /** Offset in CS of its page: the same page may be mapped elsewhere too, where its code has other addresses. */
  readonly start: number;
  /** The page's breakpoints that it was made for (`PageBreakpoints.key`): it leaves before each. */
  readonly breakpoints: string;
  readonly plan: Plan;
  /**
   * Enters a block with fuel for that many instructions; gives twice what is left, plus 1 if it left by a jump to other code, or
   * `leftByHost`. RIP is then where it left.
   */
  readonly run: Run;
  /** False once its code has been overwritten. */
  valid = true;
  readonly #indices: ReadonlyMap<number, number>;
  readonly #covered = new Uint8Array(pageBytes);

  constructor({ context, code, breakpoints, plan }: RegionSource, run: Run) {
    this.context = context;
    this.start = code.start;
    this.breakpoints = breakpoints;
    this.plan = plan;
    this.run = run;
    this.#indices = new Map(plan.blocks.map(({ offset }, index) => [offset, index]));
    for (const { offset, bytes } of plan.blocks) this.#covered.fill(1, offset, offset + bytes);
  }

  /** Number of the block at an offset in the page. */
  blockAt(offset: number): number | undefined {
    return this.#indices.get(offset);
  }

  /** Whether code that was translated begins at an offset in the page, and not code that the host executes. */
  isTranslatedAt(offset: number): boolean {
    const index = this.#indices.get(offset);
    return index !== undefined && !this.plan.blocks[index]!.byHost;
  }

  /** Whether it was made from any of these bytes of the page. */
  covers(offset: number, bytes: number): boolean {
    return this.#covered.subarray(offset, offset + bytes).includes(1);
  }
}

export interface RegionSource {
  readonly plan: Plan;
  readonly code: CodeSource;
  readonly context: KeyedContext;
  readonly breakpoints: string;
  readonly addresses: Addresses;
  readonly memory: WebAssembly.Memory;
  readonly extent: CodeExtent;
  readonly host: HostFunctions;
}

export function makeRegion(source: RegionSource): Region {
  const { plan, code, context, addresses, memory, extent, host } = source;
  const module = new WebAssembly.Module(new RegionWriter(plan, code, context, addresses).write());
  const instance = new WebAssembly.Instance(module, {
    machine: { memory, start: extent.start, end: extent.end, lines: extent.lines, ...host },
  });
  return new Region(source, instance.exports["run"] as Run);
}
