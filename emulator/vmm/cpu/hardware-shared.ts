import { HostMemory } from "../../vmx/host-memory.ts";
import { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import type { KvmGuest } from "../kvm/guest.ts";
import { type NestedFormat, NestedPaging } from "../memory/nested-paging.ts";
import { type SavedPool, ShadowPool } from "../memory/shadow-pool.ts";
import type { MemoryVirtualization } from "./vmcs-setup.ts";

/** What differs between the processors' ways to virtualize. */
export interface HardwareForm {
  readonly nestedFormat: NestedFormat;
  /** Which ports and which MSRs leave the guest, in memory of their own: their host-physical addresses. */
  readonly makeIoMap: (memory: HostMemory, allocator: Allocator) => number;
  readonly makeMsrMap: (memory: HostMemory, allocator: Allocator) => number;
}

/** Plain JSON. */
interface SavedHardware {
  readonly nextPage: number;
  readonly shadow: SavedPool | null;
}

/** What the virtual CPUs of a guest on virtualization hardware share: permission maps and the tables that map its memory. */
export class HardwareShared {
  readonly memory: HostMemory;
  readonly allocator: Allocator;
  readonly virtualization: MemoryVirtualization;
  readonly ioMap: number;
  readonly msrMap: number;
  /** Host-physical address of the top nested page table; undefined where memory is virtualized by shadow page tables. */
  readonly nestedRoot: number | undefined;
  readonly nestedPaging: NestedPaging;
  /** The shadow page tables, instead. */
  readonly shadowPool: ShadowPool | undefined;
  /** What KVM's interface has for each of them. */
  readonly kvm: KvmGuest[] = [];
  readonly #blocks: readonly number[];

  constructor(context: VmmContext, virtualization: MemoryVirtualization, form: HardwareForm) {
    this.memory = new HostMemory(context.cpu);
    this.allocator = new Allocator(this.memory, context);
    this.virtualization = virtualization;
    const { memory, allocator } = this;
    const first = allocator.page();
    this.ioMap = form.makeIoMap(memory, allocator);
    this.msrMap = form.makeMsrMap(memory, allocator);
    this.nestedRoot = virtualization === "nested" ? allocator.page() : undefined;
    this.#blocks = [first, ...Array.from({ length: context.vcpus.count - 1 }, () => allocator.page())];
    if (virtualization === "shadow") this.shadowPool = new ShadowPool({ cpu: context.cpu, memory, allocator });
    this.nestedPaging = new NestedPaging(memory, allocator, form.nestedFormat, this.nestedRoot ?? 0);
  }

  save(): SavedHardware {
    return { nextPage: this.allocator.mark, shadow: this.shadowPool?.save() ?? null };
  }

  restore({ nextPage, shadow }: SavedHardware): void {
    this.allocator.release(nextPage);
    if (shadow) this.shadowPool!.restore(shadow);
  }

  /** Host-physical address of the control block of a virtual CPU. */
  block(vcpu: number): number {
    return this.#blocks[vcpu]!;
  }
}
