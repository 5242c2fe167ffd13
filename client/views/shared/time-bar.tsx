import { render } from "preact";
import { cycles } from "./format.ts";
import type { FromView, Link, ToView } from "./messaging.ts";
import css from "./time-bar.css";

interface State {
  readonly now: number;
  /** The latest moment that the session has been at: after a step back, the future. */
  readonly furthest: number;
  /** Where the time cursor is; undefined: at the present. */
  readonly cursor: number | undefined;
  /** Why the guest did not go there. */
  readonly problem: string;
  /** There is a session, or was one. */
  readonly shown: boolean;
  /** The session has ended, so that nothing moves any more. */
  readonly ended: boolean;
}

interface Props {
  readonly state: State;
  readonly move: (cycle: number | undefined) => void;
  readonly go: () => void;
  readonly help: () => void;
}

function Bar({ state, move, go, help }: Props) {
  const { now, furthest, cursor, problem, ended, shown } = state;
  const end = Math.max(1, furthest, cursor ?? 0);
  const moved = cursor !== undefined && cursor !== now && !ended;
  return (
    <>
      <div class="axis">
        <input
          type="range"
          min="0"
          max={end}
          step={Math.max(1, Math.round(end / 1000))}
          value={cursor ?? now}
          aria-label="Time cursor of all views, in cycles of virtual time; Enter goes there, Escape puts it back to now"
          aria-valuetext={`cycle ${(cursor ?? now).toLocaleString("en")}${moved ? "" : ", now"}`}
          onInput={(event) => move(Number(event.currentTarget.value))}
          onKeyDown={(event) => {
            if (event.key === "Enter" && moved) go();
            else if (event.key === "Escape") move(undefined);
          }}
        />
        <span class="now-mark" style={{ "--at": now / end }} title={`now: cycle ${now.toLocaleString("en")}`} />
      </div>
      <span class="moment" role="status">
        {ended ? "The session has ended; this is what it last showed. F5 begins a new one." : ""}
        {!ended && shown && (problem || `${moved ? `cursor ${cycles(cursor)} · ` : ""}now ${cycles(now)} cycles`)}
      </span>
      {moved && (
        <button type="button" title="Go to the moment of the cursor (Enter)" onClick={go}>
          Go there
        </button>
      )}
      <button
        type="button"
        class="help"
        title="What this view is about ( ? )"
        aria-label="What this view is about"
        onClick={help}
      >
        ?
      </button>
    </>
  );
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== "range");

/**
 * The line below each view: where the present is in time, and a cursor that all views share. Move it in one, and it moves
 * in all. `?` opens the page that teaches what the view shows.
 */
export class TimeBar {
  readonly #link: Pick<Link, "send" | "request">;
  readonly #root = document.createElement("footer");
  readonly #followed: (cycle: number | undefined) => void;
  #state: State = { now: 0, furthest: 0, cursor: undefined, problem: "", shown: false, ended: false };
  #session: string | undefined;

  /** @param followed is told where the cursor was moved to, here or in another view; undefined: to the present */
  constructor(link: Pick<Link, "send" | "request">, followed: (cycle: number | undefined) => void = () => {}) {
    this.#link = link;
    this.#followed = followed;
    const style = document.createElement("style");
    style.textContent = css;
    document.head.append(style);
    this.#root.id = "time";
    document.body.append(this.#root);
    window.addEventListener("message", ({ data }: MessageEvent<ToView>) => this.#hear(data));
    window.addEventListener("keydown", (event) => {
      if (event.key === "?" && !event.defaultPrevented && !isTyping(event.target)) this.#help();
    });
    this.#draw();
  }

  /** The person has moved the cursor in this view; undefined: to the present. */
  move(cycle: number | undefined): void {
    if (cycle === this.#state.cursor) return;
    this.#change({ cursor: cycle, problem: "" });
    this.#followed(cycle);
    this.#send({ kind: "cursor", cycle });
  }

  #hear(message: ToView): void {
    if (message.kind === "cursor") {
      this.#change({ cursor: message.cycle, problem: "" });
      this.#followed(message.cycle);
    } else if (message.kind === "ended") this.#change({ ended: true });
    else if (message.kind === "session" && message.name !== this.#session) {
      this.#session = message.name;
      this.#change({
        now: 0,
        furthest: 0,
        cursor: undefined,
        problem: "",
        shown: message.name !== undefined,
        ended: false,
      });
    } else if (message.kind === "advanced") {
      const { now, past } = message.body;
      // In the present there is nothing after it: where a branch has begun, the old future is gone.
      const furthest = past === undefined ? now.cycle : Math.max(now.cycle, this.#state.furthest);
      this.#change({ now: now.cycle, furthest });
    }
  }

  #change(part: Partial<State>): void {
    this.#state = { ...this.#state, ...part };
    this.#draw();
  }

  #draw(): void {
    const props: Props = {
      state: this.#state,
      move: (cycle) => this.move(cycle),
      go: () => void this.#go(),
      help: () => this.#help(),
    };
    render(<Bar {...props} />, this.#root);
  }

  async #go(): Promise<void> {
    const { cursor } = this.#state;
    if (cursor === undefined) return;
    try {
      await this.#link.request("ringside/goToMoment", { measure: "cycle", value: cursor });
      this.move(undefined);
    } catch (error) {
      this.#change({ problem: error instanceof Error ? error.message : String(error) });
    }
  }

  #help(): void {
    this.#send({ kind: "help" });
  }

  #send(message: FromView): void {
    this.#link.send(message);
  }
}
