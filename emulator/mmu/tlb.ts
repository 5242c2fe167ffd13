import {
  tlbBank,
  tlbBanks,
  tlbBytes,
  tlbEntries,
  tlbGuard,
  tlbLayout,
  tlbNone,
  tlbParked,
  tlbRemembered,
  tlbWatch,
} from "../cpu/layout.ts";
import { type PackedTlb, packedWords } from "./packed-tlb.ts";
import type { PhysicalMemory } from "./physical.ts";
import type { FlushScope, TlbObserver } from "./tlb-observer.ts";
import type { FlushCause } from "./translation-events.ts";

const entryWords = 4;
/** Number of the entry at an index in `words`. */
const entryAt = (at: number): number => at >> 2;
const page = tlbLayout.page >> 2;
const addend = tlbLayout.addend >> 2;
const flags = tlbLayout.flags >> 2;

/** Words from one bank to the next. */
export const bankWords = tlbEntries * entryWords;

const flagGlobal = 1;
const flagOutside = 8;
const pcidShift = 4;
const vpidShift = 16;

/** Bits of the flags that are not PCID or VPID. */
const attributes = (1 << pcidShift) - 1;

/** 4 KiB pages per page of each size code. */
const sizePages = [1, 512, 1024, 0x40000] as const;
export type PageSizeCode = 0 | 1 | 2 | 3;

/** High half of a linear address; `linear | 0` is the low one. Most addresses are below 4 GiB. */
export const highOf = (linear: number): number => (linear >>> 0 === linear ? 0 : Math.floor(linear / 2 ** 32) | 0);
/** Low and high half of the page number of a linear address given by its halves, as the tag holds it. */
const tagLow = (low: number, high: number): number => (low >>> 12) | (high << 20);
const tagHigh = (high: number): number => high >> 12;

export const isWriteBank = (bank: number): boolean => bank === tlbBank.supervisorWrite || bank === tlbBank.userWrite;

/** A page (number of a linear address) some of whose accesses need a look. */
export interface Watched {
  readonly page: number;
  readonly reads: boolean;
}

/** The TLB of `layout.ts`, kept as the invalidation rules of SDM Vol. 3, 4.10.4 want it: nothing else drops an entry. */
export class Tlb {
  readonly words: Int32Array;
  #physical: PhysicalMemory;
  /** Indices of the entries in use, so that a flush costs what it drops. Derived from `words`. */
  #used = new Int32Array(tlbBanks * tlbEntries);
  /** Where in `#used` each entry is. */
  #position = new Int32Array(tlbBanks * tlbEntries);
  #count = 0;
  /** Whether any entry may be part of a large page. */
  #large = false;
  #pcid = 0;
  #vpid = 0;
  #watched: readonly Watched[] = [];
  /** Whether guest-physical memory is host-physical memory, so that a translation may be put back by a walk of the tables alone. */
  remembers: () => boolean = () => false;
  #neverRemembers = false;
  /** Place for `keep`. */
  #packed: PackedTlb = { words: new Int32Array(0), length: 0 };
  #observer: TlbObserver | undefined;

  constructor(buffer: ArrayBuffer, base: number, physical: PhysicalMemory) {
    this.words = new Int32Array(buffer, base, tlbBytes >> 2);
    this.#physical = physical;
    this.clear();
  }

  /** RESET: empties it, whatever it holds. */
  clear(): void {
    const before = this.#count;
    for (let at = 0; at < this.words.length; at += entryWords) this.#drop(at);
    this.#count = 0;
    this.#large = false;
    this.#tellFlush("reset", { global: true }, before);
  }

  #drop(at: number): void {
    this.words[at + page] = -1;
    this.words[at + page + 1] = tlbNone;
    this.words[at + addend] = 0;
    this.words[at + flags] = 0;
  }

  /** The entry is not good any more, but may be put back: only plain ones of no PCID or VPID, which need no look. */
  #retire(at: number): void {
    const { words } = this;
    const plain = (words[at + flags]! & ~flagGlobal) === 0 && words[at + page + 1] === this.#plainHigh(at);
    if (!plain || !this.remembers() || this.#neverRemembers || this.#observer) {
      this.#remove(at);
      return;
    }
    words[at + page + 1] = tlbNone;
    words[at + flags] = tlbRemembered;
  }

  /** From now on every walk must be seen. */
  neverRemember(): void {
    this.#neverRemembers = true;
    this.reviewAll();
  }

  get observer(): TlbObserver | undefined {
    return this.#observer;
  }
  /** While there is one, all that changes the TLB comes by here, with the machine at the step to which it belongs. Not part of its state. */
  set observer(observer: TlbObserver | undefined) {
    this.#observer = observer;
    if (observer) this.reviewAll();
  }

  #tellFlush(cause: FlushCause, scope: FlushScope, before: number): void {
    this.#observer?.flushed(cause, scope, before - this.#count);
  }

  #isEmpty(at: number): boolean {
    return this.words[at + page + 1] === tlbNone;
  }

  /** Rebuilds what is derived, after the memory under it was replaced; PCID and VPID are those in force then. */
  reload(pcid: number, vpid: number): void {
    this.#pcid = pcid;
    this.#vpid = vpid;
    this.#count = 0;
    this.#large = true;
    for (let at = 0; at < this.words.length; at += entryWords) {
      if (this.#isEmpty(at)) {
        if (this.words[at + flags] !== 0) this.#drop(at);
        continue;
      }
      this.#add(at);
      this.#applyGuard(at);
    }
  }

  /** Index of the entry a linear address, by its low half, would have in a bank. */
  #slot(bank: number, low: number): number {
    return bank * bankWords + ((low >>> 12) & (tlbEntries - 1)) * entryWords;
  }

  /** Host-physical address from a cached translation, guarded or not; -1 if there is none. */
  lookup(bank: number, linear: number): number {
    return this.lookupHalves(bank, linear | 0, highOf(linear));
  }

  /** As `lookup`, of an address given by its halves. */
  lookupHalves(bank: number, low: number, high: number): number {
    const at = this.#slot(bank, low);
    const { words } = this;
    if (words[at + page] !== tagLow(low, high) || this.#isEmpty(at)) return -1;
    const plain = this.#plainHigh(at);
    if (plain !== tagHigh(high) || ((words[at + page + 1]! ^ plain) & tlbParked) !== 0) return -1;
    return this.#hostPage(at) * 4096 + (low & 0xfff);
  }

  /** Tag's high half without marks: its 13 bits, with their sign. */
  #plainHigh(at: number): number {
    return (this.words[at + page + 1]! << 19) >> 19;
  }

  #pcidOf(at: number): number {
    return (this.words[at + flags]! >> pcidShift) & 0xfff;
  }

  #vpidOf(at: number): number {
    return this.words[at + flags]! >>> vpidShift;
  }

  /** Made under the VPID in force, and for this PCID or all. */
  #isForNow(at: number): boolean {
    return this.#vpidOf(at) === this.#vpid && (this.#pcidOf(at) === this.#pcid || this.#isGlobal(at));
  }

  #isGlobal(at: number): boolean {
    return (this.words[at + flags]! & flagGlobal) !== 0;
  }

  #hostPage(at: number): number {
    if ((this.words[at + flags]! & flagOutside) !== 0) return this.words[at + addend]!;
    const low = this.words[at + page]! << 12;
    return (this.words[at + addend]! + low - this.#physical.ramBase) >>> 12;
  }

  /** Numbers of the linear and host-physical pages of a bank's translations that are in RAM. */
  *pages(bank: number): Generator<{ readonly linear: number; readonly host: number }> {
    for (let at = bank * bankWords; at < (bank + 1) * bankWords; at += entryWords) {
      if (this.#isEmpty(at) || (this.words[at + flags]! & flagOutside) !== 0) continue;
      yield { linear: this.#plainHigh(at) * 2 ** 32 + (this.words[at + page]! >>> 0), host: this.#hostPage(at) };
    }
  }

  /** Every translation with what it was made under, of all banks. */
  *entries() {
    for (let n = 0; n < this.#count; n++) {
      const at = this.#used[n]!;
      if (this.#isEmpty(at)) continue;
      yield {
        bank: Math.floor(at / bankWords),
        page: this.#plainHigh(at) * 2 ** 32 + (this.words[at + page]! >>> 0),
        host: this.#hostPage(at),
        size: ((this.words[at + flags]! >> 1) & 3) as PageSizeCode,
        global: this.#isGlobal(at),
        pcid: this.#pcidOf(at),
        vpid: this.#vpidOf(at),
      };
    }
  }

  /** Keeps a translation of a linear address, given by its halves; `physical` is host-physical. */
  fill(bank: number, low: number, high: number, physical: number, global: boolean, size: PageSizeCode): void {
    this.#place(bank, low, high, physical, global, size);
    this.#observer?.filled(bank, low, high, physical, global, size);
  }

  #place(bank: number, low: number, high: number, physical: number, global: boolean, size: PageSizeCode): void {
    const at = this.#slot(bank, low);
    const { words } = this;
    if (this.#isEmpty(at) && words[at + flags] === 0) this.#add(at);
    words[at + page] = tagLow(low, high);
    words[at + page + 1] = tagHigh(high);
    const shared = (global ? flagGlobal : 0) | (size << 1) | (this.#pcid << pcidShift) | (this.#vpid << vpidShift);
    if (size !== 0) this.#large = true;
    if (this.#physical.isRam(physical)) {
      words[at + addend] = (this.#physical.ramBase + (physical & ~0xfff) - (low & ~0xfff)) | 0;
      words[at + flags] = shared;
      if (this.#watched.length === 0 && !this.#physical.isGuarded(physical >>> 12, isWriteBank(bank))) return;
    } else {
      words[at + addend] = Math.floor(physical / 4096);
      words[at + flags] = shared | flagOutside;
    }
    this.#applyGuard(at);
  }

  #applyGuard(at: number): void {
    const high = this.#plainHigh(at);
    const bank = Math.floor(at / bankWords);
    const outside = (this.words[at + flags]! & flagOutside) !== 0;
    let marks = 0;
    if (outside || this.#physical.needsLook(this.#hostPage(at) * 4096, isWriteBank(bank))) marks |= tlbGuard;
    if (this.#watched.length > 0 && this.#isWatched(at, bank)) marks |= tlbWatch;
    if (!this.#isForNow(at)) marks |= tlbParked;
    this.words[at + page + 1] = high ^ marks;
  }

  #isWatched(at: number, bank: number): boolean {
    if (bank === tlbBank.supervisorExecute || bank === tlbBank.userExecute) return false;
    const number = this.#plainHigh(at) * 2 ** 32 + (this.words[at + page]! >>> 0);
    return this.#watched.some((watched) => watched.page === number && (watched.reads || isWriteBank(bank)));
  }

  /** From now on accesses to these pages come to the slow path. */
  watch(pages: readonly Watched[]): void {
    this.#watched = pages;
    this.reviewAll();
  }

  get pcid(): number {
    return this.#pcid;
  }

  /** Translations of this PCID, and global ones, are good now; those of others wait until it is their turn. */
  switchTo(pcid: number): void {
    if (pcid === this.#pcid) return;
    this.#pcid = pcid;
    this.reviewAll();
  }

  /** Only translations made under this VPID are good now. */
  enter(vpid: number): void {
    if (vpid === this.#vpid) return;
    this.#vpid = vpid;
    this.reviewAll();
  }

  /** Forgets what was made under a VPID, or under any but the host's; by default global translations too. */
  flushVpid(vpid: number | undefined, cause: FlushCause, global = true): void {
    const before = this.#count;
    for (let n = this.#count - 1; n >= 0; n--) {
      const at = this.#used[n]!;
      const own = vpid === undefined ? this.#vpidOf(at) !== 0 : this.#vpidOf(at) === vpid;
      if (own && (global || !this.#isGlobal(at))) this.#remove(at);
    }
    this.#tellFlush(cause, { ...(vpid !== undefined && { vpid }), global }, before);
  }

  /** INVVPID: forgets the page of an address, global or of any PCID, under a VPID. */
  invalidateUnder(vpid: number, linear: number): void {
    const before = this.#count;
    const low = tagLow(linear | 0, highOf(linear));
    const high = tagHigh(highOf(linear));
    for (let n = this.#count - 1; n >= 0; n--) {
      const at = this.#used[n]!;
      if (this.#vpidOf(at) === vpid && this.#covers(at, low, high)) this.#remove(at);
    }
    this.#tellFlush("INVVPID", { linear, vpid, global: true }, before);
  }

  /** Guards of the page may have changed that an address is translated to. */
  review(bank: number, linear: number): void {
    this.#applyGuard(this.#slot(bank, linear | 0));
  }

  /** Guards of any pages may have changed. */
  reviewAll(): void {
    for (let n = this.#count - 1; n >= 0; n--) {
      const at = this.#used[n]!;
      if (this.#isEmpty(at)) this.#remove(at);
      else this.#applyGuard(at);
    }
  }

  /** More pages may be guarded than before against writes. */
  reviewWrites(): void {
    for (let n = this.#count - 1; n >= 0; n--) {
      const at = this.#used[n]!;
      if (!isWriteBank(Math.floor(at / bankWords)) || this.words[at + page + 1] !== this.#plainHigh(at)) continue;
      this.#applyGuard(at);
    }
  }

  /** Guards of a host page changed. */
  applyGuards(hostPage: number): void {
    const { words } = this;
    const memory = (this.#physical.ramBase + hostPage * 4096) | 0;
    for (let n = this.#count - 1; n >= 0; n--) {
      const at = this.#used[n]!;
      // Most entries are of other pages, in RAM: these are to be passed over quickly.
      const from = words[at + addend]!;
      if (((from + (words[at + page]! << 12)) | 0) !== memory && from !== hostPage) continue;
      if (this.#isEmpty(at)) this.#remove(at);
      else if (this.#hostPage(at) === hostPage) this.#applyGuard(at);
    }
  }

  /**
   * All entries, to be put back by `unpack`: five words each, the index and the entry without marks. Remembered ones are forgotten.
   * Into `kept`, if they fit, else into an array that is made.
   */
  pack(kept: PackedTlb): PackedTlb {
    const words =
      this.#count * packedWords > kept.words.length ? new Int32Array(2 * this.#count * packedWords) : kept.words;
    let length = 0;
    for (let n = 0; n < this.#count; n++) {
      const at = this.#used[n]!;
      if (this.#isEmpty(at)) continue;
      words[length] = at;
      words[length + 1] = this.words[at + page]!;
      words[length + 2] = this.#plainHigh(at);
      words[length + 3] = this.words[at + addend]!;
      words[length + 4] = this.words[at + flags]!;
      length += packedWords;
    }
    return { words, length };
  }

  /** All entries as `pack` gives them; `before` if it is the same. */
  keep(before: Int32Array | undefined): Int32Array {
    this.#packed = this.pack(this.#packed);
    const { words, length } = this.#packed;
    let same = before?.length === length;
    for (let n = 0; same && n < length; n++) same = words[n] === before![n];
    return same ? before! : words.slice(0, length);
  }

  /** Holds these entries, and no others, from now on; PCID and VPID are those in force then. */
  unpack({ words: packed, length }: PackedTlb, pcid: number, vpid: number): void {
    for (let n = 0; n < this.#count; n++) this.#drop(this.#used[n]!);
    this.#count = 0;
    this.#pcid = pcid;
    this.#vpid = vpid;
    this.#large = length > 0;
    const now = (pcid << pcidShift) | (vpid << vpidShift);
    for (let n = 0; n < length; n += packedWords) {
      const at = packed[n]!;
      const entryFlags = packed[n + 4]!;
      this.#add(at);
      this.words[at + page] = packed[n + 1]!;
      this.words[at + page + 1] = packed[n + 2]!;
      this.words[at + addend] = packed[n + 3]!;
      this.words[at + flags] = entryFlags;
      // Most entries are of this PCID and of ordinary memory.
      const isPlain = ((entryFlags ^ now) & ~attributes) === 0 && (entryFlags & flagOutside) === 0;
      if (!isPlain || this.#watched.length > 0 || this.#isGuardedAt(at)) this.#applyGuard(at);
    }
  }

  #isGuardedAt(at: number): boolean {
    const low = this.words[at + page]! << 12;
    const host = (this.words[at + addend]! + low - this.#physical.ramBase) >>> 12;
    return this.#physical.guards[host] !== 0;
  }

  #remove(at: number): void {
    const hole = this.#position[entryAt(at)]!;
    const last = this.#used[--this.#count]!;
    this.#used[hole] = last;
    this.#position[entryAt(last)] = hole;
    this.#drop(at);
  }

  #add(at: number): void {
    this.#position[entryAt(at)] = this.#count;
    this.#used[this.#count++] = at;
  }

  /** Forgets all translations of the VPID in force, or all but global ones; with a PCID, of those only the ones made under it. */
  flush(global: boolean, cause: FlushCause, pcid?: number): void {
    const before = this.#count;
    let kept = 0;
    for (let n = this.#count - 1; n >= 0; n--) {
      const at = this.#used[n]!;
      const own = this.#vpidOf(at) === this.#vpid;
      // What was not put back since the last time will not be.
      if (this.#isEmpty(at) || (global && own)) this.#remove(at);
      else if (own && !this.#isGlobal(at) && (pcid === undefined || this.#pcidOf(at) === pcid)) this.#retire(at);
      else kept++;
    }
    if (kept === 0) this.#large = false;
    this.#tellFlush(cause, { ...(pcid !== undefined && { pcid }), global }, before);
  }

  /** INVLPG: forgets the page that contains `linear`, global or of this PCID, in all the pieces it is cached in. */
  invalidate(linear: number, cause: FlushCause): void {
    const before = this.#count;
    this.#invalidate(linear, this.#pcid, true);
    this.#tellFlush(cause, { linear, pcid: this.#pcid, global: true }, before);
  }

  /**
   * An access has been refused by the tables: forgets what is held of its page, so that nothing older than they outlives their repair
   * (SDM Vol. 3, 4.10.4.1 and 29.4.3.1).
   */
  forgetRefused(linear: number): void {
    const before = this.#count;
    this.#invalidate(linear, this.#pcid, true);
    if (this.#count < before) this.#tellFlush("fault", { linear, pcid: this.#pcid, global: true }, before);
  }

  /** INVPCID of an individual address: forgets the page of that PCID, unless it is global. */
  invalidateOf(pcid: number, linear: number): void {
    const before = this.#count;
    this.#invalidate(linear, pcid, false);
    this.#tellFlush("INVPCID", { linear, pcid, global: false }, before);
  }

  /** Pieces of the page under a PCID; global ones too, or not at all. */
  #invalidate(linear: number, pcid: number, global: boolean): void {
    const half = highOf(linear);
    const low = tagLow(linear | 0, half);
    const high = tagHigh(half);
    if (this.#large) {
      for (let n = this.#count - 1; n >= 0; n--) this.#invalidateAt(this.#used[n]!, low, high, pcid, global);
      return;
    }
    const { words } = this;
    for (let at = this.#slot(0, linear | 0); at < words.length; at += bankWords)
      if (words[at + page] === low) this.#invalidateAt(at, low, high, pcid, global);
  }

  #invalidateAt(at: number, low: number, high: number, pcid: number, global: boolean): void {
    if (this.#isEmpty(at) || this.#vpidOf(at) !== this.#vpid || !this.#covers(at, low, high)) return;
    if (this.#isGlobal(at) ? global : this.#pcidOf(at) === pcid) this.#retire(at);
  }

  #covers(at: number, low: number, high: number): boolean {
    const pages = sizePages[((this.words[at + flags]! >> 1) & 3) as PageSizeCode];
    const mask = -pages;
    return (this.words[at + page]! & mask) === (low & mask) && this.#plainHigh(at) === high;
  }
}
