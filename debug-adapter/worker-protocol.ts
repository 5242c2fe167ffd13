/** Messages between the web worker that holds the debug adapter and its host (the extension in the browser). */

export type FromHost =
  | { readonly kind: "protocol"; readonly message: unknown }
  /** Answer to `read`; no text: there is no such file. */
  | { readonly kind: "file"; readonly id: number; readonly text: string | undefined };

export type FromWorker =
  | { readonly kind: "protocol"; readonly message: unknown }
  | { readonly kind: "read"; readonly id: number; readonly uri: string };
