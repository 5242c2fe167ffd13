import type { Cpu } from "../../cpu/cpu.ts";
import { LDTR } from "../../cpu/state.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import { ShadowFaults } from "../memory/shadow-faults.ts";
import { type SavedShadow, ShadowPaging } from "../memory/shadow-paging.ts";
import { type SavedPool, ShadowPool } from "../memory/shadow-pool.ts";
import { pagingChanged } from "./paging-changes.ts";
import { ShadowDescriptors } from "./shadow-descriptors.ts";
import type { RealRegisters, VirtualCpu } from "./virtual-cpu.ts";

const pageBytes = 4096;
export interface GuestShadowsWiring {
  readonly context: VmmContext;
  readonly memory: HostMemory;
  readonly allocator: Allocator;
  readonly virtual: VirtualCpu;
  /** Whether writes to a guest-physical page must be seen for reasons of the VMM's own. */
  readonly isTraced: (page: number) => boolean;
}

export interface SavedShadows {
  readonly traced: readonly number[];
  readonly descriptorsWritten: boolean;
  readonly pool: SavedPool;
  readonly paging: SavedShadow;
}

/** The shadows of the guest's page tables and descriptor tables, kept in agreement with what the VMM does for the guest. */
export class GuestShadows {
  readonly descriptors: ShadowDescriptors;
  readonly paging: ShadowPaging;
  readonly #pool: ShadowPool;
  readonly faults: ShadowFaults;
  /** The VMM has written to a page whose writes must be seen, since somebody last lowered this. */
  tracedWritten = false;
  /** The guest has switched tasks since it left. */
  taskSwitched = false;
  #descriptorsWritten = false;
  readonly #cpu: Cpu;
  readonly #virtual: VirtualCpu;
  readonly #isTraced: (page: number) => boolean;

  constructor({ context, memory, allocator, virtual, isTraced }: GuestShadowsWiring) {
    const { cpu } = context;
    this.#cpu = cpu;
    this.#virtual = virtual;
    this.#isTraced = isTraced;
    this.descriptors = new ShadowDescriptors(cpu, memory, allocator);
    const { own } = this.descriptors;
    this.#pool = new ShadowPool({ cpu, memory, allocator, isTraced: (page) => this.isTraced(page) });
    this.paging = new ShadowPaging({ cpu, pool: this.#pool, own });
    this.faults = new ShadowFaults(context, this.paging);
  }

  /** Whether writes to a guest-physical page must be seen, page tables apart. */
  isTraced(page: number): boolean {
    return this.descriptors.traced.has(page) || this.#isTraced(page);
  }

  /** The VMM wrote guest memory for the guest, or a device or a debugger has. */
  wrote(physical: number): void {
    this.paging.written(physical);
    const page = Math.floor(physical / pageBytes);
    if (this.descriptors.traced.has(page)) this.#descriptorsWritten = true;
    const place = this.paging.placeOf(physical);
    const isTable = place !== undefined && this.paging.coherence.isProtected(place);
    if (isTable || this.isTraced(page)) this.tracedWritten = true;
  }

  /** The shadows of what was written are brought up to date. */
  settle(): void {
    this.paging.coherence.settle();
    if (this.paging.takeStale()) this.#cpu.flushTlb(true);
  }

  /** Nothing is known of what the guest has written to its tables. */
  drop(why: string): void {
    this.faults.dropped(why);
    this.#descriptorsWritten = true;
  }

  /** Whether the guest's address translation has changed since it was last resumed; what is shadowed follows. */
  reviewPaging(): boolean {
    const before = this.#virtual.registers;
    const { cr3 } = this.#cpu;
    const newModes = this.#haveModesChanged;
    if (newModes) this.faults.flushed("the guest changed its paging mode");
    else if (this.taskSwitched && cr3 !== before.cr3) this.faults.loadedRoot("a task switch loaded CR3");
    this.taskSwitched = false;
    return newModes || cr3 !== before.cr3;
  }

  get #haveModesChanged(): boolean {
    return pagingChanged(this.#cpu, this.#virtual.registers);
  }

  /** Before the guest goes on: the shadows are brought up to date; what the processor is to hold. */
  prepare(): RealRegisters {
    if (this.#haveTablesChanged) this.#synchronize();
    this.settle();
    return this.descriptors.real(this.#cpu.segment(LDTR), this.paging.load());
  }

  get #haveTablesChanged(): boolean {
    const before = this.#virtual.registers;
    const { cr3, gdtr } = this.#cpu;
    const ldtr = this.#cpu.segment(LDTR);
    return (
      this.#descriptorsWritten ||
      this.#haveModesChanged ||
      cr3 !== before.cr3 ||
      gdtr.base !== before.gdtr.base ||
      gdtr.limit !== before.gdtr.limit ||
      ldtr.selector !== before.ldtr.selector ||
      ldtr.base !== before.ldtr.base ||
      ldtr.limit !== before.ldtr.limit
    );
  }

  #synchronize(): void {
    const before = this.descriptors.traced;
    this.descriptors.synchronize({ level: this.#cpu.cpl, kernelRuns: false });
    for (const page of this.descriptors.traced) if (!before.has(page)) this.paging.protectPage(page);
    this.#descriptorsWritten = false;
  }

  save(): SavedShadows {
    return {
      traced: [...this.descriptors.traced],
      descriptorsWritten: this.#descriptorsWritten,
      pool: this.#pool.save(),
      paging: this.paging.save(),
    };
  }

  restore({ traced, descriptorsWritten, pool, paging }: SavedShadows): void {
    this.descriptors.traced = new Set(traced);
    this.descriptors.forget(false);
    this.#descriptorsWritten = descriptorsWritten;
    this.#pool.restore(pool);
    this.paging.restore(paging);
  }
}
