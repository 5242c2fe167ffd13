import type { Diagnostic } from "vscode-languageserver";
import type { Analysis } from "./documents.ts";
import { diagnostics } from "./features/diagnostics.ts";

/** The diagnostics of a document, with a name that is the same for the same diagnostics. */
export interface Report {
  readonly resultId: string;
  readonly items: readonly Diagnostic[];
}

/** Equal for equal diagnostics. */
function resultIdOf(items: readonly Diagnostic[]): string {
  let hash = 5381;
  for (const character of JSON.stringify(items)) hash = (Math.imul(hash, 33) + character.charCodeAt(0)) | 0;
  return `${items.length}:${hash}`;
}

export function reportOf(analysis: Analysis, uri: string): Report {
  const items = diagnostics(analysis, uri);
  return { items, resultId: resultIdOf(items) };
}

/** What was last said of the programs in the workspace, until something changes that they are made of. */
export class Reports {
  readonly #known = new Map<string, Report>();
  #waiting: (() => void)[] = [];
  /** Counts what was forgotten. */
  #edition = 0;

  get edition(): number {
    return this.#edition;
  }

  get(uri: string): Report | undefined {
    return this.#known.get(uri);
  }

  set(uri: string, report: Report): void {
    this.#known.set(uri, report);
  }

  /** Something may be said otherwise of these now, or of all; who waits for that goes on. */
  forget(uris: readonly string[] | "all"): void {
    this.#edition++;
    if (uris === "all") this.#known.clear();
    else for (const uri of uris) this.#known.delete(uri);
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Until something has been forgotten since an edition; `stopped` takes a function that ends the waiting. */
  change(since: number, stopped: (end: () => void) => void): Promise<void> {
    if (since !== this.#edition) return Promise.resolve();
    return new Promise((go) => {
      this.#waiting.push(go);
      stopped(go);
    });
  }
}
