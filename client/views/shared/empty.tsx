import type { ComponentChildren } from "preact";

interface EmptyProps {
  /** A pale picture of what will be here; for the eye only. */
  readonly children: ComponentChildren;
  /** A class of the picture beside `pale`. */
  readonly look?: string;
  /** What will be here, or why it is not. */
  readonly text: string;
  /** Starts a session; undefined: there is one. */
  readonly debug: (() => void) | undefined;
}

/** What a view shows as long as it has nothing to show, and how to get it. */
export function Empty({ children, look, text, debug }: EmptyProps) {
  return (
    <section class="empty">
      <div class={look ? `pale ${look}` : "pale"} aria-hidden="true">
        {children}
      </div>
      <p role="status">{text}</p>
      {debug && (
        <button type="button" onClick={debug}>
          Debug the guest in the editor
        </button>
      )}
    </section>
  );
}
