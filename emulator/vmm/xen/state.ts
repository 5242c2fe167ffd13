/** What Xen keeps of a domain that is no bytes in its memory and no virtual CPU's. Plain JSON: part of every snapshot. */
export interface DomainState {
  /** Bits of vm_assist. */
  assists: number;
  channels: Record<number, Channel>;
  grantFrames: number[];
  /** Grants that are mapped, by handle. */
  grantMaps: Record<number, GrantMap>;
}

/** What Xen keeps of a virtual CPU. Plain JSON, too. */
export interface VcpuState {
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
  /** Absolute system times in nanoseconds as decimal strings; the periodic timer has a period as well. */
  singleShot: string | null;
  periodic: { next: string; period: string } | null;
  timeVersion: number;
  /** A timer has fired while another virtual CPU was in the core: the guest is to be told the time. */
  timeDue: boolean;
  /** What it waits for: after `block`, `poll`, or until it is brought up; null while it runs. */
  waits: { kind: "block" } | { kind: "poll"; ports: number[]; timeout: string | null } | { kind: "up" } | null;
  /** Machine address of its vcpu_info. */
  vcpuInfo: number;
  /** Registers to begin with (`initialise`), by name, as hexadecimal text; null: it has none, or has begun. */
  start: Record<string, string> | null;
  isInitialised: boolean;
  isDown: boolean;
  /** Another virtual CPU has sent it an event, or taken it down: it is to come to Xen. */
  kicked: boolean;
  /** An NMI was sent to it, and has not been passed on. */
  nmiDue: boolean;
  runs: RunTimes;
  /** Linear address at which the guest wants to find them; null: nowhere. */
  runsAt: number | null;
}

/** How long it was in each state until `since`, in nanoseconds. */
export interface RunTimes {
  since: string;
  running: string;
  runnable: string;
  blocked: string;
  offline: string;
  /** What the scheduler had taken from it by then, in cycles. */
  stolen: number;
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
export type Channel = ChannelKind & {
  /** Virtual CPU that hears of its events. */
  readonly vcpu: number;
  readonly events: EventCounts;
};

/** What has happened on a port since it was opened. Xen does not count that; it is for whoever looks. */
export interface EventCounts {
  /** Times that the guest sent on it. */
  readonly sent: number;
  /** Times that an event came to it, and how many of these found it pending already, so that nobody ever hears of them. */
  readonly raised: number;
  readonly merged: number;
}

export type ChannelKind =
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
  /** Linear address that the guest asked for, hexadecimal; null: it asked for an entry. */
  readonly linear: string | null;
}

export const startDomain = (): DomainState => ({ assists: 0, channels: {}, grantFrames: [], grantMaps: {} });

/** `boots`: it runs from the start; the others wait until one that runs brings them up. */
export const startVcpu = (vcpuInfo: number, boots: boolean): VcpuState => ({
  kernelBase: 0,
  userBase: 0,
  kernelMode: true,
  traps: {},
  kernelStack: { selector: 0, pointer: 0 },
  callbacks: {},
  iopl: 0,
  gdtFrames: [],
  ldt: { base: 0, entries: 0, frames: {} },
  singleShot: null,
  // Paravirtual guests have a ticker of 100 Hz until they stop it.
  periodic: { next: "10000000", period: "10000000" },
  timeVersion: 0,
  timeDue: false,
  waits: boots ? null : { kind: "up" },
  vcpuInfo,
  start: null,
  isInitialised: boots,
  isDown: !boots,
  kicked: false,
  nmiDue: false,
  runs: { since: "0", running: "0", runnable: "0", blocked: "0", offline: "0", stolen: 0 },
  runsAt: null,
});
