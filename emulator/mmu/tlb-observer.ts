import type { PageSizeCode } from "./tlb.ts";
import type { FlushCause } from "./translation-events.ts";

/** What of a TLB is flushed; a part that is not named is not what limits it. */
export interface FlushScope {
  readonly linear?: number;
  readonly pcid?: number;
  readonly vpid?: number;
  /** Global translations, too. */
  readonly global: boolean;
  /** Number of the vCPU whose TLB it is, where that is not in the core. */
  readonly on?: number;
}

/** Is told of what goes into a TLB and out of it, when it has happened. */
export interface TlbObserver {
  /** @param physical host-physical address that the linear one, given by its halves, is translated to */
  filled(bank: number, low: number, high: number, physical: number, global: boolean, size: PageSizeCode): void;
  flushed(cause: FlushCause, scope: FlushScope, dropped: number): void;
}
