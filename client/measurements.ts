import type * as vscode from "vscode";
import type { Events } from "../debug-adapter/protocol.ts";
import type { Measured } from "../server/protocol.ts";

const key = "ringside.measured";
/** Programs whose last run is remembered in the workspace. */
const mostPrograms = 20;

/** What debug sessions have measured of exits, for the language server to show beside its predictions; remembered between sessions. */
export class Measurements {
  readonly #memory: vscode.Memento;
  readonly #tell: (run: Measured) => Promise<void>;
  /** Shows what is measured in the session itself. */
  readonly #show: (session: vscode.DebugSession, run: Measured) => void;
  /** Sessions that were asked and have not answered yet; true if they have gone on since. */
  readonly #asked = new Map<string, boolean>();

  constructor(
    memory: vscode.Memento,
    tell: (run: Measured) => Promise<void>,
    show: (session: vscode.DebugSession, run: Measured) => void,
  ) {
    this.#memory = memory;
    this.#tell = tell;
    this.#show = show;
  }

  /** Tells the language server of the last runs. */
  async recall(): Promise<void> {
    for (const run of this.#remembered()) await this.#tell(run);
  }

  #remembered(): readonly Measured[] {
    return this.#memory.get<readonly Measured[]>(key, []);
  }

  /** A session has stopped somewhere: it is asked what it has measured up to now. */
  async advanced(session: vscode.DebugSession, { running }: Events["ringside/advanced"]): Promise<void> {
    if (running) return;
    if (this.#asked.has(session.id)) {
      this.#asked.set(session.id, true);
      return;
    }
    do {
      this.#asked.set(session.id, false);
      const run = await this.#ask(session);
      if (run) this.#show(session, run);
      if (run) await this.#keep(run);
    } while (this.#asked.get(session.id));
    this.#asked.delete(session.id);
  }

  /** Undefined from a session that has ended meanwhile, which is the one reason for it not to answer: then the last answer stays. */
  async #ask(session: vscode.DebugSession): Promise<Measured | undefined> {
    try {
      return await session.customRequest("ringside/measured", {});
    } catch {
      return undefined;
    }
  }

  async #keep(run: Measured): Promise<void> {
    // At the very beginning there is nothing that would be worth more than what the last run has measured.
    if (run.lines.length === 0) return;
    const others = this.#remembered().filter(({ program }) => program !== run.program);
    await this.#memory.update(key, [run, ...others].slice(0, mostPrograms));
    await this.#tell(run);
  }
}
