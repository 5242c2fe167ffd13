import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import {
  flat32Limit,
  type GuestBits,
  guestGdtPages,
  holes,
  mostLdtEntries,
  pageBytes,
  privatePlaces as places,
  privateBytes,
  selectors,
} from "./abi.ts";
import { descriptor, type Halves } from "./descriptors.ts";
import { pte } from "./page-types.ts";
import type { XenSpace } from "./xen-space.ts";

const tablePages = 16;
const taskLimit = 0x67;
const readOnly = pte.present | pte.accessed;
const writable = readOnly | pte.write | pte.dirty;

/** Flags nibble of a descriptor: granularity with D/B, or with L. */
const flags = { wide: 0xc, long: 0xa } as const;

/** Xen's flat segments, from selector E008h on. */
function flatSegments(bits: GuestBits): readonly Halves[] {
  const guest = flat32Limit / pageBytes - 1;
  const whole = 0xf_ffff;
  if (bits === 32)
    return [
      descriptor(0, whole, 0x9b, flags.wide),
      descriptor(0, whole, 0x93, flags.wide),
      descriptor(0, guest, 0xbb, flags.wide),
      descriptor(0, guest, 0xb3, flags.wide),
      descriptor(0, guest, 0xfb, flags.wide),
      descriptor(0, guest, 0xf3, flags.wide),
    ];
  return [
    descriptor(0, whole, 0x9b, flags.long),
    descriptor(0, whole, 0x93, flags.wide),
    { low: 0, high: 0 },
    descriptor(0, whole, 0xfb, flags.wide),
    descriptor(0, whole, 0xf3, flags.wide),
    descriptor(0, whole, 0xfb, flags.long),
  ];
}

/**
 * What of Xen the processor reads as bytes while a virtual CPU runs: GDT and LDT windows, IDT and TSS, in its private part of Xen's
 * linear addresses.
 */
export class XenTables {
  readonly bits: GuestBits;
  readonly #memory: HostMemory;
  readonly #space: XenSpace;
  readonly #vcpu: number;
  readonly #idt: number;
  readonly #task: number;
  readonly #ownGdt: number;
  readonly #empty: number;

  constructor(memory: HostMemory, allocator: Allocator, space: XenSpace, vcpu: number) {
    this.bits = space.bits;
    this.#memory = memory;
    this.#space = space;
    this.#vcpu = vcpu;
    this.#ownGdt = allocator.page();
    this.#idt = allocator.page();
    this.#task = allocator.page();
    this.#empty = allocator.page();
    this.#writeWindow();
    this.#writeOwnGdt();
    this.#writeIdt();
    this.#writeTask();
  }

  /** Where its private part is in a guest's linear addresses. */
  get base(): number {
    return holes[this.bits].private + this.#vcpu * privateBytes;
  }

  get gdtr(): { readonly base: number; readonly limit: number } {
    return { base: this.base + places.gdt, limit: tablePages * pageBytes - 1 };
  }
  get idtr(): { readonly base: number; readonly limit: number } {
    return { base: this.base + places.idt, limit: (this.bits === 64 ? 256 * 16 : 256 * 8) - 1 };
  }
  get tr() {
    return { selector: selectors.tss, access: 0x8b, limit: taskLimit, base: this.base + places.tss };
  }
  ldtr(entries: number) {
    const base = this.base + places.ldt;
    return entries === 0
      ? { selector: 0, access: 0x1_0000, limit: 0, base: 0 }
      : { selector: selectors.ldt, access: 0x82, limit: entries * 8 - 1, base };
  }

  /** Maps the guest's frames where its part of the GDT is; pages beyond them are empty. */
  mapGdt(frames: readonly number[]): void {
    for (let n = 0; n < guestGdtPages; n++) {
      const frame = frames[n];
      this.#map(places.gdt / pageBytes + n, frame === undefined ? this.#empty : frame * pageBytes, frame !== undefined);
    }
  }

  /** Maps one page of the guest's LDT, or none. */
  mapLdt(page: number, frame: number | undefined): void {
    this.#space.map(
      this.#vcpu,
      places.ldt / pageBytes + page,
      frame === undefined ? 0n : BigInt(frame * pageBytes) | writable,
    );
  }

  #map(page: number, address: number, write: boolean): void {
    this.#space.map(this.#vcpu, page, BigInt(address) | (write ? writable : readOnly));
  }

  #writeWindow(): void {
    this.mapGdt([]);
    for (let n = guestGdtPages; n < tablePages; n++)
      this.#map(places.gdt / pageBytes + n, n === guestGdtPages ? this.#ownGdt : this.#empty, n === guestGdtPages);
    this.#map(places.idt / pageBytes, this.#idt, false);
    this.#map(places.tss / pageBytes, this.#task, true);
  }

  #writeHalves(at: number, { low, high }: Halves): void {
    this.#memory.write32(at, low);
    this.#memory.write32(at + 4, high);
  }

  #writeOwnGdt(): void {
    const own = (selector: number) => this.#ownGdt + (selector & 0xff8);
    for (const [n, segment] of flatSegments(this.bits).entries())
      this.#writeHalves(own(selectors.xenCode) + 8 * n, segment);
    const { base } = this.tr;
    const high = { low: Math.floor(base / 2 ** 32) >>> 0, high: 0 };
    this.#writeHalves(own(selectors.tss), descriptor(base | 0, taskLimit, 0x8b, 0));
    const ldt = this.ldtr(mostLdtEntries).base;
    this.#writeHalves(own(selectors.ldt), descriptor(ldt | 0, mostLdtEntries * 8 - 1, 0x82, 0));
    if (this.bits === 32) return;
    this.#writeHalves(own(selectors.tss) + 8, high);
    this.#writeHalves(own(selectors.ldt) + 8, high);
  }

  /** Gates into Xen. Guests may use those for INT 82h (from CPL 1), INT3 and INTO themselves. */
  #writeIdt(): void {
    const allowed: Readonly<Record<number, number>> = { 3: 3, 4: 3, ...(this.bits === 32 ? { 130: 1 } : { 128: 3 }) };
    for (let vector = 0; vector < 256; vector++) {
      const target = this.base + places.entries + 16 * vector;
      this.#writeGate(vector, { selector: selectors.xenCode, target, access: 0x8e | ((allowed[vector] ?? 0) << 5) });
    }
  }

  #writeGate(vector: number, gate: { selector: number; target: number; access: number }): void {
    const size = this.bits === 64 ? 16 : 8;
    const at = this.#idt + size * vector;
    const low = Number(BigInt.asUintN(32, BigInt(gate.target)));
    this.#writeHalves(at, {
      low: ((gate.selector << 16) | (low & 0xffff)) >>> 0,
      high: ((low & 0xffff_0000) | (gate.access << 8)) >>> 0,
    });
    if (size === 16) this.#writeHalves(at + 8, { low: Math.floor(gate.target / 2 ** 32) >>> 0, high: 0 });
  }

  /** 32-bit guests: INT 80h goes straight to the guest's handler (a trap gate), or to Xen if there is none. */
  setDirectTrap(trap: { readonly selector: number; readonly address: number } | undefined): void {
    if (this.bits === 64) return;
    const target = this.base + places.entries + 16 * 0x80;
    if (trap) this.#writeGate(0x80, { selector: trap.selector, target: trap.address, access: 0xef });
    else this.#writeGate(0x80, { selector: selectors.xenCode, target, access: 0x8e });
  }

  /** The stack that the processor itself takes for CPL 1. */
  setKernelStack(selector: number, pointer: number): void {
    if (this.bits === 64) return;
    this.#memory.write32(this.#task + 0x0c, pointer);
    this.#memory.write32(this.#task + 0x10, selector);
  }

  #writeTask(): void {
    this.#memory.write32(this.#task + (this.bits === 64 ? 4 : 8), selectors.xenData);
    const bitmapBeyondLimit = taskLimit + 1;
    this.#memory.write32(this.#task + 0x64, bitmapBeyondLimit << 16);
  }
}
