import type { Call, LocatedEvent } from "../../../debug-adapter/protocol.ts";

/** Events asked for at once. */
const limit = 5000;

interface News {
  readonly events: readonly LocatedEvent[];
  /** Everything up to this sequence number is known now. */
  readonly last: number;
  /** Events that the recorder no longer holds. */
  readonly dropped: number;
}

/** What a view knows of the events of some kinds. */
interface Reader {
  /** Sequence number up to which all is known; it goes down where the present goes back. */
  readonly last: () => number;
  readonly learn: (news: News) => void;
}

/** Asks for what has happened since; the session tells only that something has. */
export class Feed {
  readonly #link: { readonly request: Call };
  readonly #kinds: readonly LocatedEvent["kind"][];
  readonly #reader: Reader;
  #asking = false;

  constructor(link: { readonly request: Call }, kinds: readonly LocatedEvent["kind"][], reader: Reader) {
    this.#link = link;
    this.#kinds = kinds;
    this.#reader = reader;
  }

  async catchUp(last: number): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.#reader.last() < last) {
        const after = this.#reader.last();
        const { events, dropped } = await this.#link.request("ringside/events", { after, limit, kinds: this.#kinds });
        // A step back while we were asking: what came is about a future that is gone.
        if (this.#reader.last() !== after) continue;
        const complete = events.length < limit;
        this.#reader.learn({ events, dropped, last: complete ? last : (events.at(-1)?.sequence ?? last) });
      }
    } finally {
      this.#asking = false;
    }
  }
}
