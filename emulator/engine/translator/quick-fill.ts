import type { Value } from "../../../isa/algebra.ts";
import {
  cpuBase,
  layout,
  ramBase,
  tlbBank,
  tlbBase,
  tlbEntries,
  tlbEntryBytes,
  tlbLayout,
  tlbNone,
  tlbRemembered,
} from "../../cpu/layout.ts";
import { CR0, CR4, EFER } from "../../cpu/state.ts";
import { A, D, G, P, PS, RW, US } from "../../mmu/entry-bits.ts";
import { type Place, WasmArithmetic } from "./wasm-arithmetic.ts";
import { Code, encodeModule } from "./wasm-module.ts";

/** Puts a translation into the TLB for a linear address, by its halves, and a `fillKind`; gives 0 if there is none. */
export type Fill = (low: number, high: number, kind: number) => number;

/** What a translation is wanted for; a write may be behind a read of the same bytes. */
export const fillKind = { read: 0, write: 1, execute: 2, readAndWrite: 3 } as const;

const parameters = ["i32", "i32", "i32"] as const;
const bankBytes = tlbEntries * tlbEntryBytes;
/** Where any of these is set, the host walks. */
const unusual = CR4.SMEP | CR4.SMAP | CR4.LA57 | CR4.PCIDE;

/**
 * Writes the most frequent TLB fill: of an entry that was invalidated, whose translation the tables still give. It does what
 * `MemoryAccess.translateQuickly` would do; where anything is not as expected, it has done nothing and calls the host.
 */
class FillWriter extends WasmArithmetic {
  readonly #low = this.#parameter(0);
  readonly #high = this.#parameter(1);
  readonly #kind = this.#parameter(2);
  /** The last entry of the walk, and the bits that all of them have. */
  readonly #leaf = this.#variable();
  readonly #all = this.#variable();
  /** Depth of the block that ends where the host is called. */
  #hostDepth = 0;
  readonly #ramBytes: number;

  constructor(ramBytes: number) {
    super(new Code(parameters.length));
    this.#ramBytes = ramBytes;
  }

  #parameter(local: number): Place {
    return { width: 32, local };
  }
  #variable(): Place & { readonly local: number } {
    return { width: 32, local: this.code.local("i32") };
  }
  #word(value: number): Value {
    return this.constant(32, value);
  }

  #load(offset: number, address: Value = this.#word(0)): Value {
    this.put(address);
    this.code.memory("i32.load", offset);
    return this.keep(32);
  }
  #store(offset: number, address: Value, value: Value): void {
    this.put(address);
    this.put(value);
    this.code.memory("i32.store", offset);
  }

  #state(offset: number): Value {
    return this.#load(cpuBase + offset);
  }

  #hasNone(value: Value, bits: number): Value {
    return this.isZero(this.and(value, this.#word(bits)));
  }

  #bit(condition: Value, bit: number): Value {
    return this.shiftLeft(this.zeroExtend(condition, 32), this.#word(Math.log2(bit)));
  }

  #giveUpIf(condition: Value): void {
    this.put(condition);
    this.code.brIf(this.code.depth - this.#hostDepth);
  }
  #expect(condition: Value): void {
    this.#giveUpIf(this.not(condition));
  }

  /** From CR3 down, by indices in tables whose entries have so many bytes. */
  #walk(indices: readonly Value[], bytes: 4 | 8): void {
    let entry = this.#state(layout.cr3);
    let all = this.#word(-1);
    for (const [n, index] of indices.entries()) {
      const table = this.and(entry, this.#word(~0xfff));
      this.#expect(this.lessUnsigned(table, this.#word(this.#ramBytes)));
      const place = this.add(table, this.shiftLeft(index, this.#word(Math.log2(bytes))));
      if (bytes === 8) this.#expect(this.isZero(this.#load(ramBase + 4, place)));
      entry = this.#load(ramBase, place);
      this.#giveUpIf(this.#hasNone(entry, P));
      if (n < indices.length - 1) this.#expect(this.#hasNone(entry, PS));
      all = this.and(all, entry);
    }
    this.put(entry);
    this.code.set(this.#leaf.local);
    this.put(all);
    this.code.set(this.#all.local);
  }

  #index(value: Value, shift: number, mask: number): Value {
    return this.and(this.shiftRight(value, this.#word(shift)), this.#word(mask));
  }

  /** Gives whether the tables have entries of 8 bytes. */
  #walkTables(cr4: Value): Value {
    const { code } = this;
    const [low, high] = [this.#low, this.#high];
    const narrow = this.#hasNone(cr4, CR4.PAE);
    this.put(narrow);
    code.if();
    this.#walk([this.#index(low, 22, 0x3ff), this.#index(low, 12, 0x3ff)], 4);
    code.op("else");
    this.#giveUpIf(this.#hasNone(this.#state(layout.efer), EFER.LMA));
    this.#expect(this.isZero(this.#state(layout.cr3 + 4)));
    const third = this.and(
      this.or(this.shiftLeft(high, this.#word(2)), this.shiftRight(low, this.#word(30))),
      this.#word(0x1ff),
    );
    this.#walk([this.#index(high, 7, 0x1ff), third, this.#index(low, 21, 0x1ff), this.#index(low, 12, 0x1ff)], 8);
    code.op("end");
    return this.not(narrow);
  }

  /** The entry of the TLB, by its offset there, which remembers the translation of this page. */
  #remembered(user: Value, writes: Value): Value {
    const executes = this.zeroExtend(this.equal(this.#kind, this.#word(fillKind.execute)), 32);
    const first = this.multiply(this.zeroExtend(user, 32), this.#word(tlbBank.userRead));
    const bank = this.add(first, this.add(writes, this.multiply(executes, this.#word(tlbBank.supervisorExecute))));
    const inBank = this.and(
      this.shiftRight(this.#low, this.#word(12 - Math.log2(tlbEntryBytes))),
      this.#word((tlbEntries - 1) * tlbEntryBytes),
    );
    const entry = this.add(this.multiply(bank, this.#word(bankBytes)), inBank);
    const tag = this.or(this.shiftRight(this.#low, this.#word(12)), this.shiftLeft(this.#high, this.#word(20)));
    this.#expect(this.equal(this.#load(tlbBase + tlbLayout.page + 4, entry), this.#word(tlbNone)));
    this.#expect(this.equal(this.#load(tlbBase + tlbLayout.flags, entry), this.#word(tlbRemembered)));
    this.#expect(this.equal(this.#load(tlbBase + tlbLayout.page, entry), tag));
    return entry;
  }

  #checkRights(user: Value, writes: Value, cr0: Value): void {
    const protectedWrite = this.and(writes, this.or(this.zeroExtend(user, 32), this.#index(cr0, Math.log2(CR0.WP), 1)));
    const needed = this.or(this.#word(A), this.or(this.#bit(user, US), this.#bit(protectedWrite, RW)));
    this.#expect(this.equal(this.and(this.#all, needed), needed));
    this.#expect(this.isZero(this.and(writes, this.zeroExtend(this.#hasNone(this.#leaf, D), 32))));
  }

  #count(wide: Value): void {
    const { code } = this;
    code.i32(0);
    code.i32(0);
    code.memory("f64.load", cpuBase + layout.walkReferences);
    this.put(this.select(wide, this.#word(4), this.#word(2)));
    code.op("f64.convert_i32_u", "f64.add");
    code.memory("f64.store", cpuBase + layout.walkReferences);
  }

  write(): Uint8Array<ArrayBuffer> {
    const { code } = this;
    code.block();
    this.#hostDepth = code.depth;
    const user = this.equal(this.#state(layout.cpl), this.#word(3));
    const writes = this.and(this.#kind, this.#word(1));
    const entry = this.#remembered(user, writes);
    const cr0 = this.#state(layout.cr0);
    const cr4 = this.#state(layout.cr4);
    this.#giveUpIf(this.#hasNone(cr0, CR0.PG));
    this.#expect(this.#hasNone(cr4, unusual));
    const wide = this.#walkTables(cr4);
    this.#checkRights(user, writes, cr0);
    const page = this.and(this.#leaf, this.#word(~0xfff));
    const addend = this.subtract(this.add(page, this.#word(ramBase)), this.and(this.#low, this.#word(~0xfff)));
    this.#expect(this.equal(addend, this.#load(tlbBase + tlbLayout.addend, entry)));
    const global = this.not(this.or(this.#hasNone(this.#leaf, G), this.#hasNone(cr4, CR4.PGE)));
    this.#store(tlbBase + tlbLayout.page + 4, entry, this.shiftRightSigned(this.#high, this.#word(12)));
    this.#store(tlbBase + tlbLayout.flags, entry, this.zeroExtend(global, 32));
    this.#count(wide);
    // The read that was before a write finds the same translation.
    this.put(this.equal(this.#kind, this.#word(fillKind.readAndWrite)));
    code.if();
    this.#call(fillKind.read, ownFunction);
    code.op("drop", "end");
    code.i32(1);
    code.op("return", "end");
    this.#call(undefined, hostFunction);
    return encodeModule(code, parameters.length, { globals: [], functions: [["fill", parameters]] });
  }

  #call(kind: number | undefined, index: number): void {
    this.put(this.#low);
    this.put(this.#high);
    this.put(kind === undefined ? this.#kind : this.#word(kind));
    this.code.call(index);
  }
}

const hostFunction = 0;
const ownFunction = 1;

/** The fill of translated code on one machine; `host` does what this does not. */
export function quickFill(memory: WebAssembly.Memory, ramBytes: number, host: Fill): Fill {
  const module = new WebAssembly.Module(new FillWriter(ramBytes).write());
  return new WebAssembly.Instance(module, { machine: { memory, fill: host } }).exports["run"] as Fill;
}
