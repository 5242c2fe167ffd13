import type { Bus } from "../cpu/bus.ts";
import { pageFaultAt } from "../cpu/fault.ts";
import { layout, tlbBank, tlbEntries, tlbEntryBytes } from "../cpu/layout.ts";
import type { Access } from "../cpu/monitor.ts";
import { CR4, unsigned64 } from "../cpu/state.ts";
import type { AddressLine } from "./address-line.ts";
import { LinearAddresses } from "./linear-addresses.ts";
import { NestedTranslations } from "./nested-translations.ts";
import type { PackedTlb } from "./packed-tlb.ts";
import { PhysicalMemory } from "./physical.ts";
import { QuickWalk } from "./quick-walk.ts";
import { walkReferences } from "./references.ts";
import { bankWords, highOf, isWriteBank, type PageSizeCode, Tlb } from "./tlb.ts";
import { PageWalker } from "./walk.ts";

/** The page number's low bits in a linear address moved down by 10: the first word of a TLB entry, from its bank. */
const slotMask = (tlbEntries - 1) * (tlbEntryBytes >> 2);
const walkReferencesPlace = layout.walkReferences >> 3;

/** Is told of an access before it happens. */
export type Meets = (linear: number, bytes: number, write: boolean) => void;

export interface MemoryOptions {
  readonly buffer: ArrayBuffer;
  readonly cpuBase: number;
  readonly tlbBase: number;
  readonly ramBase: number;
  readonly ramBytes: number;
  readonly bus: Bus;
  /** The processor has 5-level paging. Default: it has not. */
  readonly fiveLevelPaging?: boolean | undefined;
  /** The gate of address line 20. Whoever changes it flushes the TLB. Default: open for ever. */
  readonly a20?: AddressLine | undefined;
}

/**
 * Memory as instructions see it: segment, offset and size, through segmentation and paging. Offsets are unsigned for 16-
 * and 32-bit addresses and signed for 64-bit ones. Values: 8 and 16 bits unsigned, 32 bits int32, 64 bits unsigned bigint.
 *
 * The quick path is two compares with the segment's range and one TLB entry; everything else (limits, rights, canonical form,
 * alignment checks, page crossings, devices, guarded pages, misses) is found out in the slow path.
 */
export class MemoryAccess extends LinearAddresses {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly physical: PhysicalMemory;
  readonly tlb: Tlb;
  readonly walker: PageWalker;
  readonly #quickWalk: QuickWalk;
  readonly nested: NestedTranslations;
  readonly tlbWords: Int32Array;
  /** First words of the banks of the current privilege. */
  readBank = 0;
  writeBank = 0;
  executeBank = 0;
  /** Told of accesses that come to the slow path, while data breakpoints are enabled: those to their pages do. */
  protected meets: Meets | undefined;

  constructor(options: MemoryOptions) {
    super(options.buffer, options.cpuBase, options.fiveLevelPaging);
    this.physical = new PhysicalMemory(options.buffer, options.ramBase, options.ramBytes, options.bus);
    this.view = this.physical.view;
    this.bytes = this.physical.bytes;
    this.tlb = new Tlb(options.buffer, options.tlbBase, this.physical);
    this.tlbWords = this.tlb.words;
    this.nested = new NestedTranslations(this, options.a20 ?? { enabled: true });
    this.walker = new PageWalker(this, this.physical, this.nested);
    this.#quickWalk = new QuickWalk(this, this.physical, this.nested);
    this.tlb.remembers = () => this.nested.isIdentity;
  }

  /** Recomputes what is derived from the state block (segment ranges, TLB banks). */
  override refresh(): void {
    this.#refreshBanks();
    super.refresh();
  }

  /** After the memory under the processor was replaced. The TLB is what is there now, or this. */
  reload(tlb?: PackedTlb): void {
    if (tlb) this.tlb.unpack(tlb, this.pcid, this.vpid);
    else this.tlb.reload(this.pcid, this.vpid);
    this.nested.flush();
    this.refresh();
  }

  /** As `refresh`, where nothing but the CPL, or EFLAGS.AC and CR0.AM, changed. */
  refreshAfterPrivilege(): void {
    if (this.alignmentChanged) this.refresh();
    else this.#refreshBanks();
  }

  #refreshBanks(): void {
    const user = this.cpl === 3;
    const before = this.readBank;
    this.readBank = (user ? tlbBank.userRead : tlbBank.supervisorRead) * bankWords;
    this.writeBank = (user ? tlbBank.userWrite : tlbBank.supervisorWrite) * bankWords;
    this.executeBank = (user ? tlbBank.userExecute : tlbBank.supervisorExecute) * bankWords;
    if (this.readBank !== before) this.generation++;
  }

  /** Offset in `view` of a linear address that the TLB bank lets through without further work; -1 otherwise. */
  #quick(bank: number, linear: number, bytes: number): number {
    const low = linear | 0;
    const high = Math.floor(linear / 0x1_0000_0000) | 0;
    const entry = bank + ((low >>> 10) & slotMask);
    const words = this.tlbWords;
    if (words[entry] !== ((low >>> 12) | (high << 20)) || words[entry + 1] !== high >> 12) return -1;
    return (low & 0xfff) + bytes <= 4096 ? (words[entry + 2]! + low) | 0 : -1;
  }

  /** Offset in `bytes` of a linear address that may be read (or written) without further work; -1 if there is more to it. */
  quickAddress(linear: number, write: boolean): number {
    return this.#quick(write ? this.writeBank : this.readBank, linear, 1);
  }

  load8(segment: number, offset: number): number {
    const linear = this.readable(segment, offset, 1);
    const at = this.#quick(this.readBank, linear, 1);
    return at >= 0 ? this.bytes[at]! : this.readLinear(linear, 1);
  }

  load16(segment: number, offset: number): number {
    const linear = this.readable(segment, offset, 2);
    const at = this.#quick(this.readBank, linear, 2);
    return at >= 0 ? this.view.getUint16(at, true) : this.readLinear(linear, 2);
  }

  load32(segment: number, offset: number): number {
    const linear = this.readable(segment, offset, 4);
    const at = this.#quick(this.readBank, linear, 4);
    return at >= 0 ? this.view.getInt32(at, true) : this.readLinear(linear, 4) | 0;
  }

  load64(segment: number, offset: number): bigint {
    const linear = this.readable(segment, offset, 8);
    const at = this.#quick(this.readBank, linear, 8);
    return at >= 0 ? this.view.getBigUint64(at, true) : this.readLinear64(linear);
  }

  store8(segment: number, offset: number, value: number): void {
    const linear = this.writable(segment, offset, 1);
    const at = this.#quick(this.writeBank, linear, 1);
    if (at >= 0) this.bytes[at] = value;
    else this.writeLinear(linear, 1, value);
  }

  store16(segment: number, offset: number, value: number): void {
    const linear = this.writable(segment, offset, 2);
    const at = this.#quick(this.writeBank, linear, 2);
    if (at >= 0) this.view.setInt16(at, value, true);
    else this.writeLinear(linear, 2, value);
  }

  store32(segment: number, offset: number, value: number): void {
    const linear = this.writable(segment, offset, 4);
    const at = this.#quick(this.writeBank, linear, 4);
    if (at >= 0) this.view.setInt32(at, value, true);
    else this.writeLinear(linear, 4, value);
  }

  store64(segment: number, offset: number, value: bigint): void {
    const linear = this.writable(segment, offset, 8);
    const at = this.#quick(this.writeBank, linear, 8);
    if (at >= 0) this.view.setBigUint64(at, value, true);
    else this.writeLinear64(linear, value);
  }

  /**
   * Makes the checks of a store before the load of a read-modify-write instruction, as the processor does: a page fault
   * then says "write". Bytes: 1, 2, 4 or 8.
   */
  prepareStore(segment: number, offset: number, bytes: number): void {
    const linear = this.writable(segment, offset, bytes);
    if (this.#quick(this.writeBank, linear, bytes) >= 0) return;
    this.translate(linear, "write");
    const room = 4096 - (linear & 0xfff);
    if (bytes > room) this.translate(this.wrap(linear + room), "write");
  }

  /**
   * Host-physical address of a linear one, or #PF, or a VM exit. Uses and fills the TLB. `user`: as CPL 3; `implicit`: an access
   * the processor makes for itself (descriptor tables, TSS).
   */
  translate(linear: number, access: Access, user = this.cpl === 3, implicit = false): number {
    const kind = access === "read" ? 0 : access === "write" ? 1 : 2;
    const quick = this.translateQuickly(linear | 0, highOf(linear), kind, user);
    if (quick >= 0) return quick;
    const bank = user ? tlbBank.userRead + kind : kind;
    const page = this.walker.walk({ linear, access, user, implicit, observed: true });
    if (page.kind === "fault") {
      this.tlb.forgetRefused(linear);
      throw pageFaultAt(linear, page.errorCode);
    }
    if (page.kind === "refused") throw new RangeError("a page walk was refused without being a probe");
    const physical = this.#hostOf(page.physical, access, linear, page.user);
    const exempt = !user && page.user && this.paging && (this.cr4 & CR4.SMAP) !== 0;
    return exempt ? physical : this.#translated(bank, linear, physical, page.global, page.size);
  }

  /**
   * As `translate`, of an address given by its halves and for an access 0 a read, 1 a write, 2 a fetch; -1 where it takes more
   * than the TLB or a plain walk. `both`: a write that is also a read, for which the same translation is good.
   */
  translateQuickly(low: number, high: number, kind: number, user: boolean, both = false): number {
    const bank = user ? tlbBank.userRead + kind : kind;
    const cached = this.tlb.lookupHalves(bank, low, high);
    if (cached >= 0) {
      if (kind === 1) this.#reviewWritten(bank, low, cached);
      return cached;
    }
    const quick = this.#quickWalk.find(low, high, kind, user);
    if (quick < 0) return -1;
    if (kind === 1 && this.physical.isRam(quick)) this.physical.dirtyPage(quick >>> 12);
    this.#fillQuickly(bank, low, high, quick);
    if (both && this.tlb.lookupHalves(bank - 1, low, high) < 0) this.#fillQuickly(bank - 1, low, high, quick);
    return quick;
  }

  /** Remembers what the quick walk found. */
  #fillQuickly(bank: number, low: number, high: number, physical: number): void {
    const { global, size, references } = this.#quickWalk;
    this.tlb.fill(bank, low, high, physical, global, size);
    this.f64[walkReferencesPlace]! += references;
  }

  /** Remembers a translation, and gives its host-physical address. */
  #translated(bank: number, linear: number, physical: number, global: boolean, size: PageSizeCode): number {
    if (isWriteBank(bank) && this.physical.isRam(physical)) this.physical.dirty(physical);
    this.tlb.fill(bank, linear | 0, highOf(linear), physical, global, size);
    this.f64[walkReferencesPlace]! += walkReferences(this, size);
    return physical;
  }

  /** A write found its translation guarded: perhaps only because the page was clean until now. */
  #reviewWritten(bank: number, linear: number, physical: number): void {
    if (!this.physical.isRam(physical)) return;
    this.physical.dirty(physical);
    this.tlb.review(bank, linear);
  }

  /** From now on pages of RAM that are written are told from those that are not (`PhysicalMemory.isClean`). */
  clean(): void {
    // Only of dirty pages the TLB lets writes through.
    if (this.physical.dirtyPages.length === 0) return;
    this.physical.clean();
    this.tlb.reviewWrites();
  }

  /** Nested translation of a final guest-physical address, that of a linear one which user code may use or not. */
  #hostOf(guest: number, access: Access, linear: number, userAddress: boolean): number {
    if (!this.monitor) return this.nested.bare(guest);
    const host = this.nested.translate(guest, access, { linear: unsigned64(linear), forTable: false, userAddress });
    if (host === undefined) throw new RangeError("nested translation was refused without being a probe");
    return host;
  }

  /** Reads 1, 2 or 4 bytes at a linear address, unsigned, without segment checks. */
  readLinear(linear: number, bytes: number, user = this.cpl === 3, implicit = false): number {
    const at = this.#quick((user ? tlbBank.userRead : tlbBank.supervisorRead) * bankWords, linear, bytes);
    if (at >= 0) return this.#peek(at, bytes);
    const first = this.translate(linear, "read", user, implicit);
    const room = 4096 - (linear & 0xfff);
    if (bytes <= room) {
      this.meets?.(linear, bytes, false);
      return this.physical.read(first, bytes);
    }
    const second = this.translate(this.wrap(linear + room), "read", user, implicit);
    this.meets?.(linear, room, false);
    this.meets?.(this.wrap(linear + room), bytes - room, false);
    let value = 0;
    for (let n = 0; n < bytes; n++)
      value += this.physical.read(n < room ? first + n : second + n - room, 1) * 2 ** (8 * n);
    return value;
  }

  /** Writes 1, 2 or 4 bytes at a linear address without segment checks. Both pages are checked before either is written. */
  writeLinear(linear: number, bytes: number, value: number, user = this.cpl === 3, implicit = false): void {
    const at = this.#quick((user ? tlbBank.userWrite : tlbBank.supervisorWrite) * bankWords, linear, bytes);
    if (at >= 0) {
      this.#poke(at, bytes, value);
      return;
    }
    const first = this.translate(linear, "write", user, implicit);
    const room = 4096 - (linear & 0xfff);
    if (bytes <= room) {
      this.meets?.(linear, bytes, true);
      this.physical.write(first, bytes, value);
      return;
    }
    const second = this.translate(this.wrap(linear + room), "write", user, implicit);
    this.meets?.(linear, room, true);
    this.meets?.(this.wrap(linear + room), bytes - room, true);
    for (let n = 0; n < bytes; n++) this.physical.write(n < room ? first + n : second + n - room, 1, value >> (8 * n));
  }

  #peek(at: number, bytes: number): number {
    if (bytes === 4) return this.view.getUint32(at, true);
    return bytes === 2 ? this.view.getUint16(at, true) : this.bytes[at]!;
  }

  #poke(at: number, bytes: number, value: number): void {
    if (bytes === 4) this.view.setInt32(at, value, true);
    else if (bytes === 2) this.view.setInt16(at, value, true);
    else this.bytes[at] = value;
  }

  readLinear64(linear: number, user = this.cpl === 3, implicit = false): bigint {
    this.#prepare64(linear, "read", user, implicit);
    const low = this.readLinear(linear, 4, user, implicit);
    return (BigInt(this.readLinear(this.wrap(linear + 4), 4, user, implicit)) << 32n) | BigInt(low);
  }

  writeLinear64(linear: number, value: bigint, user = this.cpl === 3, implicit = false): void {
    this.#prepare64(linear, "write", user, implicit);
    this.writeLinear(linear, 4, Number(value & 0xffff_ffffn), user, implicit);
    this.writeLinear(this.wrap(linear + 4), 4, Number(value >> 32n), user, implicit);
  }

  /** Faults of an 8-byte access come before any of it happens, the lower page's first. */
  #prepare64(linear: number, access: Access, user: boolean, implicit: boolean): void {
    const room = 4096 - (linear & 0xfff);
    if (this.physical.interceptor) this.physical.announceWide(this.translate(linear, access, user, implicit), access);
    if (room >= 8) return;
    this.translate(linear, access, user, implicit);
    this.translate(this.wrap(linear + room), access, user, implicit);
  }

  /** Instruction byte at an offset of CS, with the limit and execute checks (#GP(0), #PF). */
  fetch8(offset: number): number {
    const linear = this.codeLinear(offset);
    const at = this.#quick(this.executeBank, linear, 1);
    return at >= 0 ? this.bytes[at]! : this.physical.fetch(this.translate(linear, "execute"));
  }

  /** Reads of the processor for itself (descriptor tables, TSS): 1, 2 or 4 bytes, unsigned, with supervisor privilege. */
  readSystem(linear: number, bytes: number): number {
    return this.readLinear(this.wrap(linear), bytes, false, true);
  }

  writeSystem(linear: number, bytes: number, value: number): void {
    this.writeLinear(this.wrap(linear), bytes, value, false, true);
  }

  /** Host-physical address of an instruction byte at a linear address; may lie outside RAM. Faults as a fetch does. */
  fetchPage(linear: number): number {
    const at = this.#quick(this.executeBank, linear, 1);
    return at >= 0 ? at - this.physical.ramBase : this.translate(linear, "execute");
  }

  /** As `fetchPage`, or -1 where it takes more than a plain walk. */
  fetchQuickly(linear: number): number {
    const at = this.#quick(this.executeBank, linear, 1);
    return at >= 0 ? at - this.physical.ramBase : this.translateQuickly(linear | 0, highOf(linear), 2, this.cpl === 3);
  }
}
