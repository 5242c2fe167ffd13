import type { Call, LocatedEvent } from "../../../debug-adapter/protocol.ts";

/** Events asked for at once. */
const limit = 5000;

export interface News {
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
  readonly #joined: boolean;
  /** A guest that makes more of these events than are read waits for those who follow them, each by its name. */
  readonly #name: string;
  #asking = false;
  /** Up to where there is something to know, and how often that went back. */
  #target = 0;
  #pasts = 0;

  /** @param joined many characters of a console as one event */
  constructor(
    link: { readonly request: Call },
    kinds: readonly LocatedEvent["kind"][],
    reader: Reader,
    joined = false,
  ) {
    this.#link = link;
    this.#kinds = kinds;
    this.#reader = reader;
    this.#joined = joined;
    this.#name = kinds.join(" ");
  }

  /** @param last sequence number of the last event up to the present */
  async catchUp(last: number): Promise<void> {
    if (last < this.#target) this.#pasts++;
    this.#target = last;
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.#reader.last() < this.#target) await this.#ask();
    } finally {
      this.#asking = false;
    }
  }

  async #ask(): Promise<void> {
    const after = this.#reader.last();
    const pasts = this.#pasts;
    const { events, dropped, last } = await this.#link.request("ringside/events", {
      ...{ after, limit, kinds: this.#kinds },
      ...(this.#joined ? { joined: true } : { reader: this.#name }),
    });
    // A step back while we were asking: what came may be about a future that is gone.
    if (this.#pasts !== pasts || this.#reader.last() !== after) return;
    const complete = events.length < limit;
    this.#reader.learn({ events, dropped, last: complete ? last : (events.at(-1)?.sequence ?? last) });
  }
}
