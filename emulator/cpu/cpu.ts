import type { Privilege } from "../../isa/instruction.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { SystemCalls } from "../../isa/system.ts";
import type { WalkStep } from "../trace/event.ts";
import type { Bus } from "./bus.ts";
import type { MemoryObserver, Observer } from "./environment.ts";
import type { Access, Fault, Monitor } from "./monitor.ts";
import { type Segment, State } from "./state.ts";

export interface CpuOptions {
  readonly memory: WebAssembly.Memory;
  /** Offsets in `memory`: state block, TLB, host-physical address 0. Default: those of `layout.ts`. */
  readonly cpuBase?: number;
  readonly tlbBase?: number;
  readonly ramBase?: number;
  /** Bytes of host-physical RAM, a multiple of 4096. */
  readonly ramBytes: number;
  readonly bus: Bus;
}

type Argument<W> = W extends 64 ? bigint : number;
type Result<W> = W extends undefined ? undefined : W extends 64 ? bigint : number;
type Arguments<A extends readonly unknown[]> = { -readonly [K in keyof A]: Argument<A[K]> };

/** Procedures rows call by name. `next` must be set (see `Cpu.next`). */
export type SystemTable = {
  readonly [N in keyof SystemCalls]: (
    cpu: Cpu,
    decoded: Decoded,
    ...args: Arguments<SystemCalls[N]["args"]>
  ) => Result<SystemCalls[N]["result"]>;
};

/** What the run loop does after `atBoundary`. */
export type Boundary =
  /** Nothing to do: execute the instruction. */
  | "run"
  /** An interrupt or debug exception was delivered, or the monitor took an exit: that was the step. */
  | "stepped"
  /** Halted and no interrupt can come now: let time pass to the next device deadline, or stop. */
  | "idle"
  /** Shut down by a triple fault: only a reset helps. */
  | "shutdown";

export interface WalkOutcome {
  /** Guest-physical address; undefined if the walk faults. */
  readonly physical: number | undefined;
  /** Host-physical; undefined if nested paging refuses it. */
  readonly host: number | undefined;
  /** #PF error code where it faults. */
  readonly errorCode: number | undefined;
  readonly steps: readonly WalkStep[];
  readonly verdict: string;
}

/**
 * A processor. How an instruction executes (the run loop's side of the contract):
 *
 * 1. `atBoundary()` if `attention`; 2. fetch and decode at CS:RIP (`fetch8`, `fetchPage`); 3. `next` = RIP + length, wrapped
 * to 16 or 32 bits outside 64-bit code (`sequential`); 4. `checkPrivilege`, the monitor, the semantics; everything that transfers control
 * writes `next` and nothing writes RIP; 5. RIP = `next`. A thrown `Fault` goes to `deliver`, which sets RIP; a thrown `VmExit`
 * leaves RIP at the instruction. `deliver` and `atBoundary` may throw a `VmExit` too, and anything may throw `Unsupported`.
 */
export class Cpu extends State {
  /** Offset of the next instruction: unsigned, or signed canonical in 64-bit code. */
  next = 0;
  monitor: Monitor | undefined;
  observer: Observer = {};
  memoryObserver: MemoryObserver = {};
  readonly bus: Bus;
  /** The event whose delivery is under way when a `VmExit` or fault happens (IDT-vectoring information). */
  vectoring: Fault | { readonly kind: "interrupt"; readonly vector: number } | undefined;
  readonly system: SystemTable;
  /** The whole memory, for handlers: `view.getInt32(tlb addend + low linear, true)`. */
  readonly view: DataView;
  readonly bytes: Uint8Array;

  constructor(options: CpuOptions) {
    super(options.memory.buffer, options.cpuBase ?? 0);
    this.bus = options.bus;
    this.system = {} as SystemTable;
    this.view = new DataView(options.memory.buffer);
    this.bytes = new Uint8Array(options.memory.buffer);
    this.reset();
  }

  /** State after RESET, except that CS:IP and all else are then the machine's to set. */
  reset(): void {}
  /** Recomputes what is derived from the state block; after a snapshot is restored or the block is written directly. */
  refresh(): void {}

  /** Offset of the instruction after the one at RIP, wrapped as the code segment says. */
  sequential(_length: number): number {
    throw new Error("coming");
  }

  // Memory at segment:offset. Offsets: unsigned for 16- and 32-bit addresses, signed for 64-bit ones.
  // Values: 8 and 16 bits unsigned, 32 bits int32, 64 bits unsigned bigint.
  load8(_segment: number, _offset: number): number {
    throw new Error("coming");
  }
  load16(_segment: number, _offset: number): number {
    throw new Error("coming");
  }
  load32(_segment: number, _offset: number): number {
    throw new Error("coming");
  }
  load64(_segment: number, _offset: number): bigint {
    throw new Error("coming");
  }
  store8(_segment: number, _offset: number, _value: number): void {
    throw new Error("coming");
  }
  store16(_segment: number, _offset: number, _value: number): void {
    throw new Error("coming");
  }
  store32(_segment: number, _offset: number, _value: number): void {
    throw new Error("coming");
  }
  store64(_segment: number, _offset: number, _value: bigint): void {
    throw new Error("coming");
  }
  /** Checks that a read-modify-write can store, before the read (LOCK, XCHG, ADD m, r). Same faults as the store. */
  prepareStore(_segment: number, _offset: number, _bytes: number): void {
    throw new Error("coming");
  }
  push16(_value: number): void {
    throw new Error("coming");
  }
  push32(_value: number): void {
    throw new Error("coming");
  }
  push64(_value: bigint): void {
    throw new Error("coming");
  }
  pop16(): number {
    throw new Error("coming");
  }
  pop32(): number {
    throw new Error("coming");
  }
  pop64(): bigint {
    throw new Error("coming");
  }

  /** Instruction byte at an offset of CS, with the limit and execute checks (#GP(0), #PF). */
  fetch8(_offset: number): number {
    throw new Error("coming");
  }
  /** Host-physical address of an instruction byte at a linear address; may lie outside RAM. Faults as a fetch does. */
  fetchPage(_linear: number): number {
    throw new Error("coming");
  }

  // Exceptions and interrupts.
  raise(vector: number, errorCode?: number): never {
    throw { kind: "fault", vector, errorCode, source: "hardware", length: 0 } satisfies Fault;
  }
  /** Delivers an exception: asks the monitor, then through the table of the mode; double and triple faults included. */
  deliver(_fault: Fault): void {}
  /** Delivers an external interrupt or (vector 2) NMI through the table of the mode, without asking the monitor. */
  interrupt(_vector: number): void {}
  /** To be called at an instruction boundary while `attention` is set. */
  atBoundary(): Boundary {
    throw new Error("coming");
  }
  /** Near jump: checks the target against CS (#GP(0)) and sets `next`. */
  jump(_target: number | bigint): void {}
  /** The row's privilege column, with the TSS I/O bitmap for `io` (port and bytes as decoded). #GP(0) or returns. */
  checkPrivilege(_privilege: Privilege, _decoded: Decoded): void {}

  // State with its derived parts.
  setCpl(_cpl: number): void {}
  /** Writes a segment register with its hidden part, unchecked, and refreshes. */
  setSegment(_segment: number, _value: Segment): void {}
  /** The whole RFLAGS image, status flags included. */
  get flags(): number {
    throw new Error("coming");
  }
  set flags(_value: number) {}

  // Translation for debugger, VMM and devices.
  /** Walks without changing anything, for an access at the current or a given privilege. */
  walk(_linear: number, _access: Access, _user?: boolean): WalkOutcome {
    throw new Error("coming");
  }
  /** Forgets cached translations: all but global ones, or all. */
  flushTlb(_global: boolean): void {}
  /** Forgets what the TLB holds for one linear address (INVLPG). */
  invalidatePage(_linear: number): void {}
  /** Host-physical pages: bit 0 holds decoded code, bit 1 watched for writes, bit 2 watched for reads and writes. */
  guardPage(_page: number, _flags: number): void {}
  unguardPage(_page: number, _flags: number): void {}
  /** Host-physical memory with devices and notification, 1, 2 or 4 bytes, unsigned. */
  readPhysical(_address: number, _bytes: number): number {
    throw new Error("coming");
  }
  writePhysical(_address: number, _bytes: number, _value: number): void {}
}
