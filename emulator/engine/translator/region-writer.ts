import { tlbLayout } from "../../cpu/layout.ts";
import { pageBytes } from "../page.ts";
import type { FlagForms } from "./flag-forms.ts";
import { anyForm, type FlagForm, settledForm } from "./flag-locals.ts";
import { type Context, hostFunctions, regionParameters } from "./frame.ts";
import { contains, firstOf, type Loop, loopsOf } from "./loops.ts";
import { pageOf } from "./place.ts";
import type { Block, CodeSource, Plan } from "./plan.ts";
import { extentGlobals } from "./tlb-access.ts";
import { type Transfers, WasmAlgebra } from "./wasm.ts";
import { encodeModule } from "./wasm-module.ts";

/** What the TLB says of a page of code: where its entry is in the memory, and what is in it. */
export interface Mapping {
  readonly entry: number;
  readonly tag: bigint;
  readonly addend: number;
}

/** What a region is written from. */
export interface RegionText {
  readonly plan: Plan;
  readonly code: CodeSource;
  readonly context: Context;
  /** Number of the page of the region's own code in the memory. */
  readonly codePage: number;
  /** By page. */
  readonly mappings: ReadonlyMap<number, Mapping>;
  readonly forms: FlagForms;
}

/** Whether a block that finds the flags in this form can be entered with the flags as words. */
export const takesWords = (form: FlagForm | undefined): boolean => form === settledForm || form === anyForm;

/** A loop being written: depth of its own label, and of what is around the labels of its children. */
interface OpenLoop extends Pick<Loop, "first" | "children"> {
  readonly depth: number;
  readonly base: number;
}

const childWith = ({ children }: OpenLoop, block: number): number | Loop =>
  children.find((child) => contains(child, block))!;

/**
 * Writes a region as one function: a loop around a dispatch on the number of the next block, and the blocks in the order of
 * their addresses. Jumps forwards go straight to their block, jumps backwards to the loop that begins with it, or through
 * the dispatch. A loop within is written alike; whoever goes to one sets `next`, for it may be entered in its middle.
 *
 *     loop                       ;; dispatch
 *       block                    ;; its end is where the host is called
 *         block … block          ;; one for each block or loop; its end is where its code begins
 *           br_table next
 *         end … code of block 0
 *         end … code of block 1
 *       end … call, back to the dispatch
 */
export class RegionWriter {
  readonly #plan: Plan;
  readonly #start: bigint;
  readonly #m: WasmAlgebra;
  readonly #indices: ReadonlyMap<bigint, number>;
  /** The loops around the block being written, outermost first. */
  readonly #open: OpenLoop[] = [];
  #current = 0;
  readonly #mappings: ReadonlyMap<number, Mapping>;
  readonly #forms: FlagForms;
  readonly #countersAt: CodeSource["countersAt"];

  constructor({ plan, code: source, context, codePage, mappings, forms }: RegionText) {
    this.#plan = plan;
    this.#forms = forms;
    this.#mappings = mappings;
    this.#start = BigInt(source.start);
    this.#countersAt = source.countersAt;
    const transfers: Transfers = {
      to: (rip) => this.#to(rip),
      indirect: () => {
        this.#m.frame.flags.handOn(forms.settledForIndirect);
        this.#goTo(this.#open[0]!, plan.blocks.length);
      },
    };
    this.#m = new WasmAlgebra(context, codePage, transfers);
    this.#indices = new Map(plan.blocks.map((block, index) => [this.#ripOf(block), index]));
  }

  /** Puts on the stack whether execution would not find the page mapped as it was when the region was made. */
  #isMoved(page: number): void {
    const { code } = this.#m;
    const { tag, addend, entry } = this.#mappings.get(page)!;
    code.i32(0);
    code.memory("i64.load", entry + tlbLayout.page);
    code.i64(tag);
    code.op("i64.ne");
    code.i32(0);
    code.memory("i32.load", entry + tlbLayout.addend);
    code.i32(addend);
    code.op("i32.ne", "i32.or");
  }

  #ripOf(block: Block): bigint {
    return this.#start + BigInt(block.offset);
  }

  write(): Uint8Array<ArrayBuffer> {
    const { code, frame } = this.#m;
    const { blocks, indirect } = this.#plan;
    const { children } = loopsOf(blocks);
    frame.enclose(() => {
      code.loop();
      const whole = { first: 0, children, depth: code.depth, base: code.depth + 1 };
      code.block();
      this.#writeLoop(whole, () => {
        if (indirect) code.block();
        code.get(frame.next);
        const labels = blocks.map((_, index) => this.#label(whole, childWith(whole, index)));
        code.brTable(labels, indirect ? 0 : labels.at(-1)!);
        if (indirect) this.#lookUp(whole);
      });
      code.op("end");
      if (blocks.some(({ byHost }) => byHost)) {
        frame.callHost();
        code.br(0);
      } else code.op("unreachable");
      code.op("end");
    });
    return encodeModule(code, regionParameters, { globals: extentGlobals, functions: hostFunctions });
  }

  /** The blocks of a loop that has been begun; `dispatch` finds the one to begin with. */
  #writeLoop(loop: OpenLoop, dispatch: () => void): void {
    const { code } = this.#m;
    this.#open.push(loop);
    for (const _ of loop.children) code.block();
    dispatch();
    for (const child of loop.children) {
      code.op("end");
      if (typeof child !== "number") this.#innerLoop(child);
      else {
        this.#current = child;
        const block = this.#plan.blocks[child]!;
        if (block.byHost) this.#hostBlock(block);
        else this.#m.frame.gather(() => this.#block(block));
      }
    }
    this.#open.pop();
  }

  /** A loop within. Mostly it is entered at its first block. */
  #innerLoop({ first, last, children }: Loop): void {
    const { code, frame } = this.#m;
    code.loop();
    const loop = { first, children, depth: code.depth, base: code.depth };
    this.#writeLoop(loop, () => {
      if (children.length === 1) return;
      code.get(frame.next);
      code.i32(first);
      code.op("i32.eq");
      code.brIf(this.#label(loop, children[0]!));
      code.get(frame.next);
      code.i32(first);
      code.op("i32.sub");
      const labels = Array.from({ length: last - first + 1 }, (_, n) => this.#label(loop, childWith(loop, first + n)));
      code.brTable(labels, 0);
    });
    // Every block ends with a jump.
    code.op("unreachable", "end");
  }

  /** Label of the beginning of a block or loop that comes later in the code. */
  #label({ base, children }: OpenLoop, child: number | Loop): number {
    return this.#m.code.depth - base - (children.length - children.indexOf(child));
  }

  /** To the beginning of a loop, for a block in it; one of a single block asks for none. */
  #goTo(loop: OpenLoop, next: number): void {
    const { code, frame } = this.#m;
    if (loop.children.length > 1 || loop === this.#open[0]) {
      code.i32(next);
      code.set(frame.next);
    }
    code.br(code.depth - loop.depth);
  }

  /** To a block of the region. */
  #goToBlock(index: number): void {
    const { code, frame } = this.#m;
    const loop = this.#open.findLast((open) => open.children.some((child) => contains(child, index)))!;
    const child = childWith(loop, index);
    if (firstOf(child) <= this.#current) {
      this.#goTo(loop, index);
      return;
    }
    if (typeof child !== "number") {
      code.i32(index);
      code.set(frame.next);
    }
    code.br(this.#label(loop, child));
  }

  #to(rip: bigint): void {
    const { bits } = this.#m.frame.context;
    const target = bits === 64 ? rip : BigInt.asUintN(32, rip);
    const index = this.#indices.get(target);
    if (index === undefined) {
      this.#m.frame.jumpOut(target);
      return;
    }
    const page = pageOf(this.#plan.blocks[index]!.offset);
    if (page !== pageOf(this.#plan.blocks[this.#current]!.offset)) {
      this.#isMoved(page);
      this.#m.code.if();
      this.#m.frame.jumpOut(target);
      this.#m.code.op("end");
    }
    this.#m.frame.flags.handOn(this.#forms.blocks[index] === settledForm);
    this.#goToBlock(index);
  }

  /** Finds the block at `frame.rip`, or leaves. */
  #lookUp(whole: OpenLoop): void {
    const { code, frame } = this.#m;
    const { blocks } = this.#plan;
    code.op("end");
    const first = blocks[0]!.offset;
    const span = blocks.at(-1)!.offset - first;
    const known = blocks.map(({ offset }, index) => [offset - first, index] as const);
    const byOffset = new Map(known.filter(([, index]) => takesWords(this.#forms.blocks[index])));
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
    if (this.#mappings.size > 1) for (const page of this.#mappings.keys()) this.#leaveIfMoved(page);
    // Into a loop the way is by its number.
    const inLoops = [...byOffset].filter(([, index]) => typeof childWith(whole, index) !== "number");
    for (const _ of inLoops) code.block();
    const stubs = new Map(inLoops.map(([at], n) => [at, n]));
    code.get(distance);
    code.op("i32.wrap_i64");
    const labels = Array.from({ length: span + 1 }, (_, at) => {
      const index = byOffset.get(at);
      if (index === undefined) return frame.leaveLabel;
      return stubs.get(at) ?? this.#label(whole, childWith(whole, index));
    });
    code.brTable(labels, frame.leaveLabel);
    for (const [, index] of inLoops) {
      code.op("end");
      code.i32(index);
      code.set(frame.next);
      code.br(this.#label(whole, childWith(whole, index)));
    }
  }

  /** Leaves if RIP is in that page and the page is not where it was. */
  #leaveIfMoved(page: number): void {
    const { code, frame } = this.#m;
    code.get(frame.rip);
    code.i64(this.#start + BigInt(page * pageBytes));
    code.op("i64.sub");
    code.i64(BigInt(pageBytes));
    code.op("i64.lt_u");
    this.#isMoved(page);
    code.op("i32.and");
    code.brIf(frame.leaveLabel);
  }

  /** Takes fuel for so many instructions, or leaves. */
  #pay(instructions: number, rip: bigint): void {
    const { code, frame } = this.#m;
    if (this.#plan.indirect) {
      code.i32(0);
      code.set(frame.jumped);
    }
    code.get(frame.fuel);
    code.i32(instructions);
    code.op("i32.sub");
    code.tee(frame.fuel);
    code.i32(0);
    code.op("i32.lt_s");
    code.if();
    frame.leave(rip, instructions);
    code.op("end");
  }

  /** Instructions that the host executes; it does not come back if anything is then other than what the region was made for. */
  #hostBlock(block: Block): void {
    const { code, frame } = this.#m;
    const rip = this.#ripOf(block);
    frame.flags.begin(anyForm);
    // The host counts them itself.
    this.#pay(1, rip);
    code.get(frame.fuel);
    code.i32(1);
    code.op("i32.add");
    code.set(frame.fuel);
    frame.prepareCall(this.#current, block.instructions.length, rip);
    code.i32(this.#indices.get(rip + BigInt(block.bytes)) ?? 0);
    code.set(frame.next);
    code.br(code.depth - this.#open[0]!.depth - 1);
  }

  #block(block: Block): void {
    const { code, frame } = this.#m;
    const { instructions } = block;
    let rip = this.#ripOf(block);
    this.#m.begin(this.#forms.blocks[this.#current]!);
    this.#pay(instructions.length, rip);
    const last = pageOf(block.offset + block.bytes - 1);
    if (last !== pageOf(block.offset)) {
      this.#isMoved(last);
      code.if();
      frame.leave(rip, instructions.length);
      code.op("end");
    }
    let ended = false;
    let next = block.offset;
    for (const [n, decoded] of instructions.entries()) {
      const counters = this.#countersAt(next);
      next += decoded.length;
      ended = this.#m.emit(decoded, { rip, unpaid: instructions.length - n, next, counters });
      rip += BigInt(decoded.length);
    }
    if (!ended) this.#to(rip);
    if (frame.flags.unknownRead) throw new Error("a block reads flags whose form it does not know");
  }
}
