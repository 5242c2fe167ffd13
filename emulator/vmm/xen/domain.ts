import type { Cpu } from "../../cpu/cpu.ts";
import { timeStamp } from "../../cpu/interrupts.ts";
import { layout } from "../../cpu/layout.ts";
import { virtualTime } from "../../cpu/virtual-time.ts";
import { HostMemory } from "../../vmx/host-memory.ts";
import { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import { nanosecondsOf, timeInfo } from "../paravirtual-clock.ts";
import {
  type GuestBits,
  isRefused,
  pageBytes,
  type Refused,
  refused,
  type SharedLayout,
  sharedLayouts,
  vcpuInfo,
  vcpuInfoBytes,
} from "./abi.ts";
import { checkedDescriptor } from "./descriptors.ts";
import { FrameTable } from "./frame-table.ts";
import { GuestAccess } from "./guest-access.ts";
import { PageTypes } from "./page-types.ts";
import { type DomainState, startDomain, startVcpu, type VcpuState } from "./state.ts";
import { XenSpace } from "./xen-space.ts";
import { XenTables } from "./xen-tables.ts";

/** Frames of the machine, from the guest's first, where devices are and no memory is. */
const deviceFrames = { first: 0xa0, last: 0xbf } as const;

/** Plain JSON. */
interface SavedDomain {
  readonly nextPage: number;
  readonly states: { readonly common: DomainState; readonly vcpus: readonly VcpuState[] };
}

/** A domain: a paravirtual guest as Xen knows it, and what Xen has for it. */
export class Domain {
  readonly context: VmmContext;
  readonly cpu: Cpu;
  readonly bits: GuestBits;
  readonly shared: SharedLayout;
  readonly memory: HostMemory;
  readonly allocator: Allocator;
  readonly frames: FrameTable;
  readonly space: XenSpace;
  readonly types: PageTypes;
  readonly access: GuestAccess;
  /** Machine frame of shared_info. */
  readonly sharedInfo: number;
  /** Machine frames that the guest was given, by pseudo-physical number. */
  readonly given: readonly number[];
  common: DomainState;
  readonly #vcpus: readonly { readonly tables: XenTables; state: VcpuState }[];

  constructor(context: VmmContext, bits: GuestBits) {
    this.context = context;
    this.cpu = context.cpu;
    this.bits = bits;
    this.shared = sharedLayouts[bits];
    this.memory = new HostMemory(context.cpu);
    this.allocator = new Allocator(this.memory, context);
    this.access = new GuestAccess(context.cpu, bits);
    const first = context.slice / pageBytes;
    const end = (context.guestBase + context.guestBytes) / pageBytes;
    const frameTablePages = Math.ceil(FrameTable.bytes(end - first) / pageBytes);
    this.frames = new FrameTable(this.memory, this.allocator.pages(frameTablePages), { first, end });
    const { count } = context.vcpus;
    this.space = new XenSpace(this.memory, this.allocator, { bits, vcpus: count, first, end });
    const tables = Array.from(
      { length: count },
      (_, vcpu) => new XenTables(this.memory, this.allocator, this.space, vcpu),
    );
    this.types = new PageTypes({
      memory: this.memory,
      frames: this.frames,
      bits,
      xenSlots: this.space.slots,
      checkDescriptors: (frame) => this.#checkDescriptors(frame),
      flush: () => this.flushAll(),
      written: (frame) => this.#tableWritten(frame),
    });
    this.given = this.#giveFrames();
    this.sharedInfo = this.shareXenPage();
    this.common = startDomain();
    this.#vcpus = tables.map((own, vcpu) => {
      const info = this.sharedInfo * pageBytes + vcpu * vcpuInfoBytes;
      return { tables: own, state: startVcpu(info, vcpu === 0) };
    });
  }

  // Virtual CPUs.

  get vcpus(): number {
    return this.#vcpus.length;
  }

  /** What Xen keeps of the virtual CPU in the core. */
  get state(): VcpuState {
    return this.#vcpus[this.context.vcpus.current]!.state;
  }

  /** The same of any. */
  stateOf(vcpu: number): VcpuState {
    return this.#vcpus[vcpu]!.state;
  }

  /** Descriptor tables and TSS of the virtual CPU in the core. */
  get tables(): XenTables {
    return this.#vcpus[this.context.vcpus.current]!.tables;
  }

  tablesOf(vcpu: number): XenTables {
    return this.#vcpus[vcpu]!.tables;
  }

  /** All forget their translations. */
  flushAll(): void {
    for (let vcpu = 0; vcpu < this.vcpus; vcpu++) this.context.vcpus.flushTlb(vcpu);
  }

  /** The others do; the one in the core has seen to itself. */
  flushOthers(which: (vcpu: number) => boolean = () => true): void {
    const { current } = this.context.vcpus;
    for (let vcpu = 0; vcpu < this.vcpus; vcpu++)
      if (vcpu !== current && which(vcpu)) this.context.vcpus.flushTlb(vcpu);
  }

  /** The guest's frames, the highest first, as an allocator hands out what it has: nothing is where it seems to be. */
  #giveFrames(): number[] {
    const first = this.context.guestBase / pageBytes;
    const given: number[] = [];
    for (let frame = this.frames.first; frame < this.frames.end; frame++) this.space.setPhysical(frame, undefined);
    for (let frame = this.frames.end - 1; frame >= first; frame--) {
      const isDevice = frame - first >= deviceFrames.first && frame - first <= deviceFrames.last;
      this.frames.assign(frame, isDevice ? "device" : "guest");
      if (isDevice) continue;
      this.space.setPhysical(frame, given.length);
      given.push(frame);
    }
    return given;
  }

  /** A page of Xen's that the guest may map and write, and can use as nothing else: the frame. */
  shareXenPage(): number {
    const frame = this.allocator.page() / pageBytes;
    this.frames.assign(frame, "guest");
    this.frames.addReference(frame);
    this.frames.release(frame);
    this.frames.setType(frame, "writable");
    this.frames.addUse(frame);
    this.frames.setValidated(frame, true);
    return frame;
  }

  #checkDescriptors(frame: number): Refused | undefined {
    for (let at = frame * pageBytes; at < (frame + 1) * pageBytes; at += 8) {
      const before = { low: this.memory.read32(at), high: this.memory.read32(at + 4) };
      const after = checkedDescriptor(before, this.bits);
      if (isRefused(after)) return refused(after.errno, `${after.why} (entry ${(at % pageBytes) / 8})`);
      this.memory.write32(at, after.low);
      this.memory.write32(at + 4, after.high);
    }
    return undefined;
  }

  /** The four entries of the level-3 table in force are in the processor. */
  #tableWritten(frame: number): void {
    if (this.bits === 32 && frame === this.#vcpus?.[this.context.vcpus.current]?.state.kernelBase) this.loadPdptes();
  }

  /** Another virtual CPU may have written them meanwhile. */
  reviewPdptes(): void {
    const { kernelBase } = this.state;
    const differs = (n: number): boolean => this.cpu.r64[(layout.pdptes >> 3) + n] !== this.types.read(kernelBase, n);
    if (this.bits === 32 && [0, 1, 2, 3].some(differs)) this.loadPdptes();
  }

  loadPdptes(): void {
    for (let n = 0; n < 4; n++) this.cpu.r64[(layout.pdptes >> 3) + n] = this.types.read(this.state.kernelBase, n);
    this.cpu.flushTlb(true);
  }

  /** Loads the base of the page tables in force. */
  loadBase(): void {
    const frame = this.state.kernelMode ? this.state.kernelBase : this.state.userBase;
    this.cpu.r64[layout.cr3 >> 3] = BigInt(frame * pageBytes);
    this.cpu.flushTlb(true);
    if (this.bits === 32) this.loadPdptes();
  }

  /** 64-bit guests: the other of kernel and user mode, with its own page tables and its own base of GS. */
  toggleMode(): void {
    this.state.kernelMode = !this.state.kernelMode;
    this.loadBase();
    const { r64 } = this.cpu;
    const gs = this.cpu.segment(5);
    const other = Number(BigInt.asIntN(64, r64[layout.kernelGsBase >> 3]!));
    r64[layout.kernelGsBase >> 3] = BigInt.asUintN(64, BigInt(gs.base));
    this.cpu.setSegment(5, { ...gs, base: other });
  }

  /** The guest's kernel was running when it came to Xen. */
  get inKernel(): boolean {
    return this.bits === 64 ? this.state.kernelMode : this.cpu.cpl === 1;
  }

  // Bytes that Xen and the guest share.

  readByte(machine: number): number {
    return this.cpu.physical.read(machine, 1);
  }
  writeByte(machine: number, value: number): void {
    this.cpu.physical.write(machine, 1, value);
  }
  writeBytes(machine: number, bytes: Uint8Array): void {
    for (const [n, byte] of bytes.entries()) this.cpu.physical.write(machine + n, 1, byte);
  }

  get upcallMasked(): boolean {
    return this.readByte(this.state.vcpuInfo + vcpuInfo.upcallMask) !== 0;
  }
  set upcallMasked(masked: boolean) {
    this.writeByte(this.state.vcpuInfo + vcpuInfo.upcallMask, masked ? 1 : 0);
  }
  get upcallPending(): boolean {
    return this.readByte(this.state.vcpuInfo + vcpuInfo.upcallPending) !== 0;
  }

  // Time.

  /** System time: nanoseconds since the start. */
  get now(): bigint {
    return nanosecondsOf(virtualTime(this.cpu));
  }

  save(): SavedDomain {
    const { common } = this;
    const vcpus = this.#vcpus.map(({ state }) => state);
    return { nextPage: this.allocator.mark, states: JSON.parse(JSON.stringify({ common, vcpus })) };
  }

  restore({ nextPage, states }: SavedDomain): void {
    this.allocator.release(nextPage);
    const { common, vcpus } = JSON.parse(JSON.stringify(states)) as SavedDomain["states"];
    this.common = common;
    for (const [n, state] of vcpus.entries()) this.#vcpus[n]!.state = state;
  }

  /** Tells the guest the time. */
  writeTime(): void {
    this.state.timeVersion += 2;
    const info = timeInfo({ version: this.state.timeVersion, ticks: timeStamp(this.cpu), nanoseconds: this.now });
    this.writeBytes(this.state.vcpuInfo + vcpuInfo.time, info);
  }

  /** The guest cannot go on. */
  crash(why: string): undefined {
    this.context.stop("shutdown", `Xen crashed the domain: ${why}.`);
    return undefined;
  }
}
