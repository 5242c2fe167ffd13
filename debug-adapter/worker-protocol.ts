/** Messages between the web worker that holds the debug adapter and its host (the extension in the browser). */
import type { FileBytes } from "../assembler/index.ts";

export type FromHost =
  | { readonly kind: "protocol"; readonly message: unknown }
  /** Answer to `read`. */
  | { readonly kind: "file"; readonly id: number; readonly bytes: FileBytes };

export type FromWorker =
  | { readonly kind: "protocol"; readonly message: unknown }
  | { readonly kind: "read"; readonly id: number; readonly uri: string };
