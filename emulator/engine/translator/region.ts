import { pageBytes } from "../code-cache.ts";
import type { Addresses, Context } from "./frame.ts";
import type { Block, CodeSource, Plan } from "./plan.ts";
import { type Transfers, WasmAlgebra } from "./wasm.ts";
import { encodeModule } from "./wasm-module.ts";

/** Function parameters: block to enter, fuel. */
const parameters = 2;

/**
 * Writes a region as one function: a loop around a dispatch on the number of the next block, and the blocks in the order of
 * their addresses. Jumps forwards go straight to their block, jumps backwards through the dispatch.
 *
 *     loop                       ;; dispatch
 *       block … block            ;; one for each block; its end is where the block's code begins
 *         br_table next
 *       end … code of block 0
 *       end … code of block 1
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
      for (let n = 0; n < blocks.length; n++) code.block();
      if (indirect) code.block();
      code.get(frame.next);
      const labels = blocks.map((_, index) => this.#label(index));
      code.brTable(labels, indirect ? 0 : labels.length - 1);
      if (indirect) this.#lookUp();
      for (const [index, block] of blocks.entries()) {
        code.op("end");
        this.#current = index;
        this.#block(block);
      }
      code.op("end");
    });
    return encodeModule(code, parameters);
  }

  /** Label of the beginning of a block that comes later in the code. */
  #label(index: number): number {
    return this.#m.code.depth - this.#dispatchDepth - (this.#plan.blocks.length - index);
  }

  #dispatch(next: number): void {
    const { code, frame } = this.#m;
    code.i32(next);
    code.set(frame.next);
    code.br(code.depth - this.#dispatchDepth);
  }

  #to(rip: bigint): void {
    const index = this.#indices.get(rip);
    if (index === undefined) this.#m.frame.leave(rip, 0);
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

  #block(block: Block): void {
    const { code, frame } = this.#m;
    const { instructions } = block;
    let rip = this.#ripOf(block);
    code.get(frame.fuel);
    code.i32(instructions.length);
    code.op("i32.lt_s");
    code.if();
    frame.leave(rip, 0);
    code.op("end");
    code.get(frame.fuel);
    code.i32(instructions.length);
    code.op("i32.sub");
    code.set(frame.fuel);
    let ended = false;
    for (const [n, decoded] of instructions.entries()) {
      ended = this.#m.emit(decoded, { rip, unpaid: instructions.length - n });
      rip += BigInt(decoded.length);
    }
    frame.settleFlags();
    if (!ended) this.#to(rip);
  }
}

type Run = (block: number, fuel: number) => number;

/** Translated code of several blocks of one page. */
export class Region {
  readonly context: string;
  readonly plan: Plan;
  /** Enters a block with fuel for that many instructions; gives what is left. RIP is then where it left. */
  readonly run: Run;
  readonly #covered = new Uint8Array(pageBytes);

  constructor(context: string, plan: Plan, run: Run) {
    this.context = context;
    this.plan = plan;
    this.run = run;
    for (const { offset, instructions } of plan.blocks) {
      const length = instructions.reduce((sum, decoded) => sum + decoded.length, 0);
      this.#covered.fill(1, offset, offset + length);
    }
  }

  /** Whether it was made from any of these bytes of the page. */
  covers(offset: number, bytes: number): boolean {
    return this.#covered.subarray(offset, offset + bytes).includes(1);
  }

  get instructions(): number {
    return this.plan.blocks.reduce((sum, block) => sum + block.instructions.length, 0);
  }
}

/** Everything a region is made of; `context` under the name it has in `Region.context`. */
export interface RegionSource {
  readonly plan: Plan;
  readonly code: CodeSource;
  readonly context: Context;
  readonly contextName: string;
  readonly addresses: Addresses;
  readonly memory: WebAssembly.Memory;
}

export function makeRegion({ plan, code, context, contextName, addresses, memory }: RegionSource): Region {
  const module = new WebAssembly.Module(new RegionWriter(plan, code, context, addresses).write());
  const instance = new WebAssembly.Instance(module, { machine: { memory } });
  return new Region(contextName, plan, instance.exports["run"] as Run);
}
