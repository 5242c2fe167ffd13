import type { Access } from "../cpu/monitor.ts";

/** Why a TLB forgets translations. Without tags for guests, each crossing forgets them all. */
export const flushCauses = {
  CR3: "MOV to CR3, or another CR3 by a task switch",
  CR0: "CR0.PG or CR0.WP changes",
  CR4: "a bit of CR4 that governs translation changes",
  EFER: "EFER.NXE changes",
  INVLPG: "INVLPG",
  INVPCID: "INVPCID",
  INVEPT: "INVEPT",
  INVVPID: "INVVPID",
  "VM entry": "VM entry without a VPID, or through other EPT tables",
  "VM exit": "VM exit without a VPID",
  VMFUNC: "VMFUNC switches EPT tables",
  TLB_CONTROL: "VMRUN with TLB_CONTROL",
  VMM: "the VMM has changed what the processor translates by, or a hypercall asks for it",
  fault: "a page fault, an EPT violation or a nested page fault: what was held of the page",
  A20: "address line 20 opens or closes",
  reset: "RESET or INIT",
} as const;
export type FlushCause = keyof typeof flushCauses;

/** Why a page walk ends in a page fault (SDM Vol. 3, 4.6 and 4.7). */
export const walkFaults = {
  "not present": "an entry has P = 0",
  "reserved bit": "an entry has a reserved bit set",
  "supervisor page": "user code accesses a page with U/S = 0",
  "read-only": "a write finds R/W = 0",
  "execute-disable": "a fetch finds XD = 1",
  SMEP: "the kernel fetches from a user page",
  SMAP: "the kernel accesses a user page",
} as const;
export type WalkFault = keyof typeof walkFaults;

export const pageSizes = ["4 KiB", "2 MiB", "4 MiB", "1 GiB"] as const;
/** Of the page in the tables; what a TLB holds of it may be a part. */
export type PageSize = (typeof pageSizes)[number];

/** An access that a translation is for. Addresses are hexadecimal. */
interface Translating {
  readonly linear: string;
  readonly access: Access;
  /** At ring 3, and not one that the processor makes for itself. */
  readonly user: boolean;
}

/** The TLB has taken up a translation, for one kind of access at one privilege. */
interface TlbFill extends Translating {
  readonly kind: "tlb";
  readonly what: "fill";
  /** Host-physical address. */
  readonly host: string;
  readonly size: PageSize;
  readonly global: boolean;
  /** Through the tables of nested paging, too. */
  readonly nested: boolean;
  readonly pcid: number;
  readonly vpid: number;
}

interface TlbFlush {
  readonly kind: "tlb";
  readonly what: "flush";
  readonly cause: FlushCause;
  /** Of this page only. */
  readonly linear?: string;
  /** Of this PCID, or VPID, only. */
  readonly pcid?: number;
  readonly vpid?: number;
  readonly global: boolean;
  /** Translations that are gone, each for one kind of access to a page at one privilege. */
  readonly dropped: number;
  /** Number of the vCPU whose TLB it is, where that is not the one that the VMM works for. */
  readonly on?: number;
}

/** A page walk of the processor ends in a page fault. */
interface WalkEnd extends Translating {
  readonly kind: "paging";
  readonly what: "fault";
  readonly reason: WalkFault;
  /** The entry that refused: "PDE". */
  readonly table: string;
  readonly errorCode: number;
}

/** A page walk of the processor sets the accessed flag of an entry, its dirty flag, or both. */
interface WalkMark extends Translating {
  readonly kind: "paging";
  readonly what: "mark";
  readonly table: string;
  /** Of the entry, guest-physical. */
  readonly address: string;
  readonly accessed: boolean;
  readonly dirty: boolean;
}

/**
 * What happens so often, and mostly inside translated code, that it is not recorded: it is told while somebody asks for it, and
 * happens the same whether or not. Under shadow paging the tables are the shadows.
 */
export type ObservedBody = TlbFill | TlbFlush | WalkEnd | WalkMark;
export const observedKinds = ["tlb", "paging"] as const satisfies readonly ObservedBody["kind"][];
