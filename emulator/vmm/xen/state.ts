/** What Xen keeps of the guest that is no bytes in its memory. Plain JSON: part of every snapshot. */
export interface DomainState {
  /** Level-4 table (64-bit) or level-3 table (32-bit) of the kernel, and of user mode (64-bit; 0: none). Machine frames. */
  kernelBase: number;
  userBase: number;
  /** The guest's kernel runs (64-bit, where ring 3 does not tell). */
  kernelMode: boolean;
  /** The virtual IDT, by vector. */
  traps: Record<number, Trap>;
  kernelStack: { selector: number; pointer: number };
  callbacks: Partial<Record<CallbackName, Callback>>;
  /** What a guest has of IOPL is a number that Xen keeps. */
  iopl: number;
  gdtFrames: number[];
  ldt: { base: number; entries: number; frames: Record<number, number> };
  /** Bits of vm_assist. */
  assists: number;
  channels: Record<number, Channel>;
  /** Absolute system times in nanoseconds as decimal strings; the periodic timer has a period as well. */
  singleShot: string | null;
  periodic: { next: string; period: string } | null;
  timeVersion: number;
  /** What the guest waits for after `block` or `poll`; null while it runs. */
  waits: { kind: "block" } | { kind: "poll"; ports: number[]; timeout: string | null } | null;
  /** Machine address of the processor's vcpu_info. */
  vcpuInfo: number;
  /** When the guest last began or stopped to wait, and what it had waited in all by then, in nanoseconds. */
  runs: { since: string; ran: string; blocked: string };
  grantFrames: number[];
  /** Grants that are mapped, by handle. */
  grantMaps: Record<number, GrantMap>;
}

export interface Trap {
  /** Privilege level from which INT n may call it. */
  readonly level: number;
  readonly masksEvents: boolean;
  readonly selector: number;
  readonly address: number;
}

export type CallbackName = "event" | "failsafe" | "syscall" | "nmi";

export interface Callback {
  readonly selector: number;
  readonly address: number;
  readonly masksEvents: boolean;
}

/** An event channel's end; a port that is not in the table is closed. */
export type Channel =
  | { readonly kind: "unbound"; readonly remote: number }
  | { readonly kind: "interdomain"; readonly port: number }
  | { readonly kind: "virq"; readonly virq: number }
  | { readonly kind: "ipi" };

export interface GrantMap {
  readonly reference: number;
  readonly flags: number;
  readonly frame: number;
  /** Machine address of the entry that maps it. */
  readonly entry: string;
}

export const startState = (vcpuInfo: number): DomainState => ({
  kernelBase: 0,
  userBase: 0,
  kernelMode: true,
  traps: {},
  kernelStack: { selector: 0, pointer: 0 },
  callbacks: {},
  iopl: 0,
  gdtFrames: [],
  ldt: { base: 0, entries: 0, frames: {} },
  assists: 0,
  channels: {},
  singleShot: null,
  // Paravirtual guests have a ticker of 100 Hz until they stop it.
  periodic: { next: "10000000", period: "10000000" },
  timeVersion: 0,
  waits: null,
  vcpuInfo,
  runs: { since: "0", ran: "0", blocked: "0" },
  grantFrames: [],
  grantMaps: {},
});
