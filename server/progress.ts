import type { Connection, WorkDoneProgressServerReporter } from "vscode-languageserver";
import { baseName } from "../assembler/location.ts";

/** What is told about an analysis while it goes on. */
export interface Work {
  /** Lets others have their turns. */
  readonly pause: (uri: string) => Promise<void>;
  readonly end: (uri: string) => void;
  /** One sentence about what was done, for clients that want a trace. */
  readonly trace: (sentence: string) => void;
}

/** Work of fewer steps than this is over before anyone could read of it. */
const worthTelling = 20;

/** Tells the client of work that takes long. */
export function progress(connection: Connection, turn: () => Promise<void>, isSupported: () => boolean): Work {
  const counts = new Map<string, number>();
  const reporters = new Map<string, WorkDoneProgressServerReporter>();
  return {
    trace: (sentence) => connection.tracer.log(sentence),
    pause: async (uri) => {
      const count = (counts.get(uri) ?? 0) + 1;
      counts.set(uri, count);
      if (count === worthTelling && isSupported()) {
        const reporter = await connection.window.createWorkDoneProgress();
        // It may have ended while the client was asked.
        if (counts.has(uri)) {
          reporters.set(uri, reporter);
          reporter.begin(`Assembling ${baseName(uri)}`);
        }
      }
      await turn();
    },
    end: (uri) => {
      counts.delete(uri);
      reporters.get(uri)?.done();
      reporters.delete(uri);
    },
  };
}
