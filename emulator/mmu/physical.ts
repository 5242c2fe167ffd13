import type { Bus } from "../cpu/bus.ts";
import type { MemoryObserver } from "../cpu/environment.ts";
import type { Access } from "../cpu/monitor.ts";

/** Physical addresses have this many bits: what CPUID leaf 80000008h says, and what paging entries may use. */
export const physicalAddressBits = 40;

/**
 * Why a page of RAM needs a look at every access: somebody else makes its accesses, it holds decoded code, its writes or all its accesses are watched, or it is
 * to be told apart from the pages that have been written since, or it is read-only memory, where writes change nothing,
 * or a VMM has translated code of it.
 */
export const guard = {
  code: 1,
  watchWrites: 2,
  watchAll: 4,
  clean: 8,
  readOnly: 16,
  intercepted: 32,
  translated: 64,
} as const;
const guardsReads = guard.watchAll | guard.intercepted;
const guardsWrites = guardsReads | guard.code | guard.watchWrites | guard.clean | guard.readOnly | guard.translated;

/** Makes the accesses to a page in place of what is there. Offsets are in the page; values unsigned. May throw a `VmExit`. */
export interface Interceptor {
  /** Number of the host-physical page. */
  readonly page: number;
  read(offset: number, bytes: number): number;
  write(offset: number, bytes: number, value: number): void;
  /** An access of more than 4 bytes begins here, which would come as several. */
  wide(offset: number, access: Access): void;
}

/**
 * Host-physical memory: RAM from 0 to `ramBytes`, devices where the bus claims an address, and nothing (all ones) elsewhere.
 * Every write that does not go through a TLB entry comes here, so decoded code and watched pages see them all.
 */
export class PhysicalMemory {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** Offset of host-physical address 0 in `view`. */
  readonly ramBase: number;
  readonly ramBytes: number;
  /** See `Cpu.connect`. */
  bus: Bus;
  /** Guard bits of each page of RAM. Engines' and debuggers' own: not part of the machine's state. */
  readonly guards: Uint8Array;
  observer: MemoryObserver = {};
  /** Its page has the guard `intercepted`, if it is RAM; see `Cpu.intercept`. */
  interceptor: Interceptor | undefined;
  /** Pages that somebody may write without a word. */
  readonly #exposed = new Set<number>();
  /** The others that are not clean, each once. */
  #dirty: number[] = [];

  constructor(buffer: ArrayBuffer, ramBase: number, ramBytes: number, bus: Bus) {
    this.view = new DataView(buffer);
    this.bytes = new Uint8Array(buffer);
    this.ramBase = ramBase;
    this.ramBytes = ramBytes;
    this.bus = bus;
    this.guards = new Uint8Array(ramBytes >>> 12).fill(guard.clean);
  }

  isRam(physical: number): boolean {
    return physical < this.ramBytes;
  }

  /** Whether a read (or write) of this page must come here each time. */
  needsLook(physical: number, write: boolean): boolean {
    return !this.isRam(physical) || this.isGuarded(physical >>> 12, write);
  }

  /** As `needsLook`, of a page of RAM by its number. */
  isGuarded(page: number, write: boolean): boolean {
    return (this.guards[page]! & (write ? guardsWrites : guardsReads)) !== 0;
  }

  /** Reads 1, 2 or 4 bytes within a page; unsigned. */
  read(physical: number, bytes: number): number {
    if (!this.isRam(physical)) return this.#readOutside(physical, bytes);
    const guards = this.guards[physical >>> 12]!;
    if ((guards & guardsReads) !== 0) {
      if ((guards & guard.watchAll) !== 0) this.observer.watched?.(physical, bytes, "read");
      if ((guards & guard.intercepted) !== 0) return this.interceptor!.read(physical & 0xfff, bytes);
    }
    const at = this.ramBase + physical;
    if (bytes === 4) return this.view.getUint32(at, true);
    return bytes === 2 ? this.view.getUint16(at, true) : this.view.getUint8(at);
  }

  /** Reads a byte of code, which is no access to data. */
  fetch(physical: number): number {
    const intercepted = guard.intercepted;
    if (!this.isRam(physical) || (this.guards[physical >>> 12]! & intercepted) !== 0) return this.read(physical, 1);
    return this.view.getUint8(this.ramBase + physical);
  }

  #readOutside(physical: number, bytes: number): number {
    if (this.#isIntercepted(physical)) return this.interceptor!.read(physical % 4096, bytes);
    if (this.bus.claims(physical)) return this.bus.read(physical, bytes);
    return 2 ** (8 * bytes) - 1;
  }

  /** An access of more than 4 bytes begins at an address. */
  announceWide(physical: number, access: Access): void {
    if (this.#isIntercepted(physical)) this.interceptor!.wide(physical % 4096, access);
  }

  #isIntercepted(physical: number): boolean {
    return this.interceptor !== undefined && Math.floor(physical / 4096) === this.interceptor.page;
  }

  /** Writes the low 1, 2 or 4 bytes of `value` within a page. */
  write(physical: number, bytes: number, value: number): void {
    if (!this.isRam(physical)) {
      if (this.#isIntercepted(physical)) this.interceptor!.write(physical % 4096, bytes, value);
      else if (this.bus.claims(physical)) this.bus.write(physical, bytes, bytes === 4 ? value >>> 0 : value);
      return;
    }
    const guards = this.guards[physical >>> 12]!;
    if ((guards & guard.readOnly) !== 0) return;
    if ((guards & guard.intercepted) !== 0) {
      this.interceptor!.write(physical & 0xfff, bytes, value);
      return;
    }
    this.announceWrite(physical, bytes);
    const at = this.ramBase + physical;
    if (bytes === 4) this.view.setInt32(at, value, true);
    else if (bytes === 2) this.view.setInt16(at, value, true);
    else this.view.setInt8(at, value);
  }

  /** Tells the observers of a write to RAM that is about to happen by other means (a block copy, a device). */
  announceWrite(physical: number, bytes: number): void {
    const guards = this.guards[physical >>> 12]!;
    if (guards === 0) return;
    if ((guards & guard.clean) !== 0) this.dirty(physical, bytes);
    if ((guards & (guard.watchWrites | guard.watchAll)) !== 0) this.observer.watched?.(physical, bytes, "write");
    if ((guards & guard.code) !== 0) this.observer.codeWritten?.(physical, bytes);
    if ((guards & guard.translated) !== 0) this.observer.translatedWritten?.(physical, bytes);
  }

  /** A page of RAM may be written from now on, until `clean`. */
  dirtyPage(page: number): void {
    const guards = this.guards[page]!;
    if ((guards & guard.clean) === 0) return;
    this.guards[page] = guards & ~guard.clean;
    this.#dirty.push(page);
  }

  /** These bytes may be written from now on, until `clean`. */
  dirty(physical: number, bytes = 1): void {
    const last = (physical + bytes - 1) >>> 12;
    for (let page = physical >>> 12; page <= last; page++) this.dirtyPage(page);
  }

  /** Somebody has these bytes at hand and writes them whenever he likes: their pages are never clean. */
  expose(physical: number, bytes: number): void {
    const end = Math.min(physical + bytes, this.ramBytes);
    for (let page = physical >>> 12; page * 4096 < end; page++) {
      if (this.#exposed.has(page)) continue;
      if (this.isClean(page)) this.guards[page]! &= ~guard.clean;
      else this.#dirty = this.#dirty.filter((dirty) => dirty !== page);
      this.#exposed.add(page);
    }
  }

  /** Whether nothing has been written to a page of RAM since `clean`, or ever. */
  isClean(page: number): boolean {
    return (this.guards[page]! & guard.clean) !== 0;
  }

  /** How many pages are not clean. */
  get notClean(): number {
    return this.#exposed.size + this.#dirty.length;
  }

  /** Pages of RAM to which something has been written since `clean`. */
  get dirtyPages(): readonly number[] {
    return this.#dirty;
  }

  /** Pages that somebody has at hand: nobody knows whether something has been written to them. */
  get exposedPages(): Iterable<number> {
    return this.#exposed;
  }

  /** From now on pages that are written are told from those that are not. The TLB must look at its guards again. */
  clean(): void {
    for (const page of this.#dirty) this.guards[page]! |= guard.clean;
    this.#dirty.length = 0;
  }
}
