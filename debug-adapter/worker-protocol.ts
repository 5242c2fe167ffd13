/** Messages between the web worker that holds the debug adapter and its host (the extension in the browser). */
import type { FileBytes } from "../assembler/index.ts";

export type FromHost =
  | { readonly kind: "protocol"; readonly message: unknown }
  /** The worker is to hold a lock of this name as long as it lives. */
  | { readonly kind: "hold"; readonly lock: string }
  /** Answer to `read`. */
  | { readonly kind: "file"; readonly id: number; readonly bytes: FileBytes };

export type FromWorker =
  /** It holds the lock: who gets it next knows that the worker has ended. */
  | { readonly kind: "holds" }
  | { readonly kind: "protocol"; readonly message: unknown }
  | { readonly kind: "read"; readonly id: number; readonly uri: string };
