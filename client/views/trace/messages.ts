/** Messages between the page of a trace file and the extension that has read it. */
import type { Trace } from "../../../trace-file/index.ts";

/** What of a trace its page shows: all but programs and disks. */
export interface TraceShown extends Pick<Trace, "title" | "product" | "moment" | "summary"> {
  readonly note: string;
  readonly technique: string;
  /** What was done from outside: how often. */
  readonly actions: number;
  /** Sources that can be opened. */
  readonly files: readonly string[];
}

export type ToTracePage =
  | { readonly kind: "trace"; readonly trace: TraceShown }
  /** The file is none, or cannot be read. */
  | { readonly kind: "problems"; readonly problems: readonly string[] };

export type FromTracePage =
  | { readonly kind: "ready" }
  /** Debug at an event; undefined: at the moment. */
  | { readonly kind: "debug"; readonly event?: number }
  /** Show a source of the trace; the line counts from 0. */
  | { readonly kind: "open"; readonly file: string; readonly line: number };
