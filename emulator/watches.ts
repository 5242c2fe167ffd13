import type { Cpu } from "./cpu/cpu.ts";
import { signedNumber } from "./cpu/state.ts";
import type { VcpuPlace, Watch, WatchHit } from "./machine-interface.ts";
import { guard } from "./mmu/physical.ts";

/** Bytes that are watched, by linear or by host-physical address. */
interface Range {
  readonly watch: Watch;
  readonly first: number;
  readonly last: number;
}

const pageBytes = 4096;

/** What watches need to know of the VMs. */
interface VirtualMachines {
  /** The vCPU in the core. */
  readonly place: VcpuPlace;
  /** Host-physical address of a guest-physical one, by default of the VM in the core; undefined where there is no memory. */
  readonly hostOf: (address: number, vm?: string) => number | undefined;
}

function* pagesOf({ first, last }: Range): Generator<number> {
  for (let page = Math.floor(first / pageBytes); page <= Math.floor(last / pageBytes); page++) yield page;
}

/**
 * Data breakpoints of a debugger. Watched pages are marked in the TLB, linear ones by their tags and physical ones by guards, so that
 * their accesses come to the slow path; accesses to all other pages are as quick as without.
 */
export class Watches {
  readonly #cpu: Cpu;
  readonly #vms: VirtualMachines;
  #list: readonly Watch[] = [];
  #linear: readonly Range[] = [];
  #physical: readonly Range[] = [];
  #hits: WatchHit[] = [];
  readonly #hit: () => void;

  /** @param hit called at an access that is watched, before it happens */
  constructor(cpu: Cpu, vms: VirtualMachines, hit: () => void) {
    this.#cpu = cpu;
    this.#vms = vms;
    this.#hit = hit;
    cpu.memoryObserver.watched = (physical, bytes, access) => this.#meet(this.#physical, physical, bytes, access);
  }

  /** Watches these from now on, and nothing else. */
  use(list: readonly Watch[]): void {
    this.#hits = [];
    if (list === this.#list || (list.length === 0 && this.#list.length === 0)) return;
    this.#list = list;
    this.#setLinear(list.filter(({ space }) => space === "linear").map((watch) => this.#linearRange(watch)));
    this.#setPhysical(list.filter(({ space }) => space !== "linear").flatMap((watch) => this.#physicalRange(watch)));
  }

  /** What has been met since the last call, oldest first. */
  take(): readonly WatchHit[] {
    if (this.#hits.length === 0) return this.#hits;
    const hits = this.#hits;
    this.#hits = [];
    return hits;
  }

  #linearRange(watch: Watch): Range {
    const { address, bytes } = watch;
    const first = this.#cpu.longMode ? signedNumber(address) : Number(BigInt.asUintN(32, address));
    return { watch, first, last: first + bytes - 1 };
  }

  /** Guest-physical memory may lie in pieces. */
  #physicalRange(watch: Watch): Range[] {
    const { space, bytes } = watch;
    const ranges: Range[] = [];
    const start = Number(watch.address);
    for (let at = start; at < start + bytes; at = Math.floor(at / pageBytes + 1) * pageBytes) {
      const first = space === "guest-physical" ? this.#vms.hostOf(at, watch.vm) : at;
      const end = Math.min(start + bytes, Math.floor(at / pageBytes + 1) * pageBytes);
      if (first !== undefined && this.#cpu.physical.isRam(first))
        ranges.push({ watch, first, last: first + end - at - 1 });
    }
    return ranges;
  }

  #setLinear(ranges: readonly Range[]): void {
    if (ranges.length === 0 && this.#linear.length === 0) return;
    this.#linear = ranges;
    const pages = ranges.flatMap((range) => [...pagesOf(range)].map((page) => ({ page, reads: range.watch.reads })));
    this.#cpu.watchLinear(pages, (linear, bytes, write) =>
      this.#meet(this.#linear, linear, bytes, write ? "write" : "read"),
    );
  }

  #setPhysical(ranges: readonly Range[]): void {
    for (const range of this.#physical)
      for (const page of pagesOf(range)) this.#cpu.unguardPage(page, guard.watchWrites | guard.watchAll);
    this.#physical = ranges;
    for (const range of ranges)
      for (const page of pagesOf(range))
        this.#cpu.guardPage(page, range.watch.reads ? guard.watchAll : guard.watchWrites);
  }

  #meet(ranges: readonly Range[], at: number, bytes: number, access: "read" | "write"): void {
    for (const { watch, first, last } of ranges) {
      if (at > last || at + bytes - 1 < first || !(access === "write" ? watch.writes : watch.reads)) continue;
      const by = this.#vms.place;
      if (watch.space === "linear" && watch.vm !== undefined && watch.vm !== by.vm) continue;
      this.#hits.push({ watch, access, by });
      this.#hit();
    }
  }
}
