import type { ComponentChildren } from "preact";

interface EmptyProps {
  /** A pale picture of what will be here; for the eye only. */
  readonly children: ComponentChildren;
  /** A class of the picture beside `pale`. */
  readonly look?: string;
  /** What will be here, or why it is not. */
  readonly text: string;
  readonly start: Start;
  /** There is a session, so that none is to be started. */
  readonly hasSession: boolean;
  /** A guest of which the view would show something. */
  readonly sample?: string | undefined;
}

/** Starts a session with the guest in the editor, or opens a sample by its name. */
export type Start = (sample?: string) => void;

/** What a view shows as long as it has nothing to show, and how to get it. */
export function Empty({ children, look, text, start, hasSession, sample }: EmptyProps) {
  return (
    <section class="empty">
      <div class={look ? `pale ${look}` : "pale"} aria-hidden="true">
        {children}
      </div>
      <p role="status">{text}</p>
      {!hasSession && (
        <button type="button" onClick={() => start()}>
          Debug the guest in the editor
        </button>
      )}
      {sample !== undefined && (
        <button type="button" class="sample-button" onClick={() => start(sample)}>
          Open a sample: {sample}
        </button>
      )}
    </section>
  );
}
