import { CodeLensRefreshRequest } from "vscode-languageserver";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { defaultTechnique } from "../isa/technique.ts";
import type { ClientAbilities } from "./client-abilities.ts";
import type { Analysis } from "./documents.ts";
import { diagnostics } from "./features/diagnostics.ts";
import { type TechniqueInForce, techniqueInForce } from "./protocol.ts";
import type { Reports } from "./reports.ts";
import type { Session } from "./session.ts";

/** Tells the client what is said of its documents, or that it should ask. */
export class Publishing {
  readonly #session: Session;
  readonly #reports: Reports;
  readonly #client: () => ClientAbilities;

  constructor(session: Session, reports: Reports, client: () => ClientAbilities) {
    this.#session = session;
    this.#reports = reports;
    this.#client = client;
  }

  async #publish(document: TextDocument): Promise<void> {
    const { connection, texts, documents } = this.#session;
    const { uri, version } = document;
    const analysis = await documents.analysis(document);
    // Typing went on while includes were fetched: the next version reports.
    if (texts.get(uri)?.version !== version) return;
    await connection.sendDiagnostics({ uri, version, diagnostics: diagnostics(analysis, uri) });
    await this.technique(uri, analysis);
  }

  async technique(uri: string, { technique, from }: Analysis): Promise<void> {
    await this.#session.connection.sendNotification(techniqueInForce, {
      uri,
      technique: (technique?.id ?? defaultTechnique) as TechniqueInForce["technique"],
      from,
    } satisfies TechniqueInForce);
  }

  /** Of all that is open, or of these: something may be said otherwise now. */
  async publish(uris: readonly string[] | "all"): Promise<void> {
    this.#reports.forget(uris);
    const { connection, texts } = this.#session;
    if (this.#client().pulls) {
      await connection.languages.diagnostics.refresh();
      return;
    }
    const concerned = texts.all().filter(({ uri }) => uris === "all" || uris.includes(uri));
    await Promise.all(concerned.map((document) => this.#publish(document)));
  }

  /** What stands beside the text is to be asked for anew. */
  async refreshHints(): Promise<void> {
    const { connection } = this.#session;
    const { hints, lenses } = this.#client().refreshes;
    if (hints) await connection.languages.inlayHint.refresh();
    if (lenses) await connection.sendRequest(CodeLensRefreshRequest.type);
  }
}
