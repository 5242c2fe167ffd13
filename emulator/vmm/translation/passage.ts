import type { Cpu } from "../../cpu/cpu.ts";
import { layout } from "../../cpu/layout.ts";
import { CS, DS, ES, FS, GS, type Segment, SS } from "../../cpu/state.ts";
import type { VirtualCpu } from "../cpu/virtual-cpu.ts";
import type { Place, TranslationCache } from "./cache.ts";
import { savedRegisters, slot } from "./places.ts";
import { cacheCode, cacheData, truncated } from "./segments.ts";

const ringMask = 3;
const IF = 0x200;
const TF = 0x100;
const ioplShift = 12;
/** A byte for each second byte of an EFLAGS image. */
const images = 256;

/** Where the guest's kernel was in the cache when it was left. */
export interface Left {
  /** Linear address in the cache; undefined where going on there would need more than the guest's own state. */
  readonly at: number | undefined;
  readonly unit: number | undefined;
  readonly rip: number;
}

/**
 * The way between the guest's own state (at ring 1, as `VirtualCpu` leaves it) and the state in which its kernel runs in the
 * cache: code and GS are the VMM's, the other segments end before the VMM's memory, IF and IOPL are in the VMM's data.
 */
export class Passage {
  readonly #cpu: Cpu;
  readonly #cache: TranslationCache;
  readonly #virtual: VirtualCpu;
  /** The guest's segment registers while the processor is in the cache. */
  segments: readonly Segment[] = [];
  /** IOPL and waiting interrupt that the tables for POPF are made for. */
  #tablesFor = -1;

  constructor(cpu: Cpu, cache: TranslationCache, virtual: VirtualCpu) {
    this.#cpu = cpu;
    this.#cache = cache;
    this.#virtual = virtual;
  }

  get inCache(): boolean {
    return this.#cpu.selector(CS) === cacheCode.selector && !this.#virtual.inside;
  }

  /** The guest's own IF and IOPL, wherever they are now. */
  get flags(): number {
    if (!this.inCache) return this.#virtual.registers.flags;
    const place = this.#cache.at(this.#cpu.rip);
    return place?.site.flagsInAl ? this.#flagsInAl : this.#cache.data(slot.flags);
  }

  get #flagsInAl(): number {
    return (this.#cpu.u32[0]! & 0xff) << 8;
  }

  /** From the guest's state into the cache. */
  enter(address: number, pending: boolean): void {
    const cpu = this.#cpu;
    const { flags } = this.#virtual.registers;
    const segments = [ES, CS, SS, DS, FS, GS].map((n) => cpu.segment(n));
    this.segments = segments;
    for (const n of [ES, SS, DS, FS]) cpu.writeSegment(n, truncated(segments[n]!));
    cpu.writeSegment(CS, cacheCode);
    cpu.writeSegment(GS, cacheData);
    const cache = this.#cache;
    cache.setData(slot.flags, flags);
    cache.setData(slot.pending, pending ? 1 : 0);
    cache.setData(slot.cs, segments[CS]!.selector & ~ringMask);
    cache.setData(slot.ss, segments[SS]!.selector & ~ringMask);
    cache.setData(slot.gs, segments[GS]!.selector);
    this.#makeTables((flags >> ioplShift) & 3, pending);
    cpu.rip = address;
    cpu.refresh();
  }

  #makeTables(iopl: number, pending: boolean): void {
    const wanted = iopl * 2 + (pending ? 1 : 0);
    if (this.#tablesFor === wanted) return;
    this.#tablesFor = wanted;
    for (let byte = 0; byte < images; byte++) {
      const image = byte << 8;
      const odd = (image & TF) !== 0 || ((image >> ioplShift) & 3) !== iopl || (pending && (image & IF) !== 0);
      this.#cache.setDataByte(slot.oddFlags + byte, odd ? 1 : 0);
      this.#cache.setDataByte(slot.virtualFlags + byte, ((image & IF) | (iopl << ioplShift)) >> 8);
    }
  }

  /** Out of the cache: the guest's state is what it is between two of its instructions. Changes no memory. */
  leave(): Left {
    const cpu = this.#cpu;
    const cache = this.#cache;
    const at = cpu.rip;
    const place = this.#placeAt(at);
    const { rip, saved = [], stack = 0 } = place.site;
    const { flags } = this;
    for (const name of saved) cpu.u32[2 * savedRegisters[name]] = cache.data(slot[name]);
    if (stack !== 0) cpu.u32[8] = cpu.u32[8]! + stack;
    this.#virtual.registers = { ...this.#virtual.registers, flags };
    for (const [n, segment] of this.segments.entries()) cpu.writeSegment(n, segment);
    cpu.rip = rip === "target" ? cache.data(slot.target) : rip;
    this.#mendFloatingPoint();
    cpu.refresh();
    const isItself = saved.length === 0 && stack === 0;
    return { at: isItself ? at : undefined, unit: place.unit?.id, rip: cpu.rip };
  }

  #placeAt(address: number): Place {
    const place = this.#cache.at(address);
    if (!place) throw new Error(`the translation cache has no instruction at ${address.toString(16)}h`);
    return place;
  }

  /** The x87 unit remembers where its last instruction was: in the guest, not in the cache. */
  #mendFloatingPoint(): void {
    const { u32, r64 } = this.#cpu;
    const selector = layout.x87CodeSelector >> 2;
    if (u32[selector] !== cacheCode.selector) return;
    const pointer = layout.x87InstructionPointer >> 3;
    const rip = this.#cache.at(Number(r64[pointer]!))?.site.rip;
    if (typeof rip === "number") r64[pointer] = BigInt(rip);
    u32[selector] = this.segments[CS]!.selector & ~ringMask;
    const data = layout.x87DataSelector >> 2;
    if (u32[data] === this.segments[SS]!.selector) u32[data] = u32[data]! & ~ringMask;
  }

  restore(segments: readonly Segment[]): void {
    this.segments = segments;
    this.#tablesFor = -1;
  }
}
