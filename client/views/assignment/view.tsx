import MarkdownIt from "markdown-it";
import type { AssignmentShown, CheckShown, FromAssignmentPage, ToAssignmentPage } from "./messages.ts";

type Say = (message: FromAssignmentPage) => void;

/** HTML in a text stays text. */
const markdown = new MarkdownIt({ html: false, linkify: false });
// A wide table can be scrolled by keyboard, and a heading without words is none for screen readers.
markdown.renderer.rules["table_open"] = () => '<div class="table" tabindex="0"><table>';
markdown.renderer.rules["table_close"] = () => "</table></div>";
markdown.core.ruler.push("empty-headings", ({ tokens }) => {
  for (const [n, token] of tokens.entries())
    if (token.type === "th_open" && tokens[n + 1]?.content === "") {
      token.tag = "td";
      tokens[n + 2]!.tag = "td";
    }
});

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const signs = { passed: "✓", failed: "✗", error: "!", none: "○" } as const;
const words = { passed: "passed", failed: "failed", error: "cannot be decided", none: "not run yet" } as const;

function Check({ check, say }: { check: CheckShown; say: Say }) {
  const { id, title, points, of, hidden, status, expected, happened, feedback, hint } = check;
  const state = status ?? "none";
  return (
    <li class={state}>
      <span class="sign" role="img" aria-label={words[state]}>
        {signs[state]}
      </span>
      <div>
        <p>
          <strong>{title}</strong> <span class="points">{points === undefined ? of : `${points} of ${of}`}</span>
          {hidden && <span class="points"> hidden</span>}
        </p>
        {status === "failed" && (
          <>
            {expected && (
              <dl>
                <dt>expected</dt>
                <dd>{expected}</dd>
                <dt>happened</dt>
                <dd>{happened}</dd>
              </dl>
            )}
            {feedback && <p>{feedback}</p>}
            {hint && (
              <details>
                <summary>Hint</summary>
                <p>{hint}</p>
              </details>
            )}
            {!hidden && (
              <button type="button" onClick={() => say({ kind: "debug", check: id })}>
                Debug where it was decided
              </button>
            )}
          </>
        )}
        {status === "error" && <p>{happened}. This is a fault of the assignment, not yours.</p>}
      </div>
    </li>
  );
}

function Progress({ checks }: Pick<AssignmentShown, "checks">) {
  const of = sum(checks.map((check) => check.of));
  const points = sum(checks.map((check) => check.points ?? 0));
  const done = checks.some(({ status }) => status !== undefined);
  return (
    <p class="progress">
      <progress max={of} value={points} aria-label="Points" />
      <span>{done ? `${points} of ${of} points` : `${of} points to get`}</span>
    </p>
  );
}

function Files({ files, say }: Pick<AssignmentShown, "files"> & { say: Say }) {
  return (
    <ul class="files">
      {files.map(({ name, changed }) => (
        <li key={name}>
          <button type="button" class="link" onClick={() => say({ kind: "open", file: name })}>
            {name}
          </button>
          {changed ? (
            <>
              <button type="button" onClick={() => say({ kind: "diff", file: name })}>
                Compare with what was given
              </button>
              <button type="button" onClick={() => say({ kind: "reset", file: name })}>
                Put back
              </button>
            </>
          ) : (
            <span class="points">as it was given</span>
          )}
        </li>
      ))}
    </ul>
  );
}

function Assignment({ assignment, say }: { assignment: AssignmentShown; say: Say }) {
  const { title, text, checks, files, running } = assignment;
  return (
    <div class="assignment">
      <section class="work" aria-label="Progress">
        <h1>{title}</h1>
        <Progress checks={checks} />
        <button type="button" class="primary" disabled={running} onClick={() => say({ kind: "run" })}>
          {running ? "Running…" : "Run checks"}
        </button>
        <h2>Files</h2>
        <Files files={files} say={say} />
        <h2>Checks</h2>
        <ol class="checks">
          {checks.map((check) => (
            <Check key={check.id} check={check} say={say} />
          ))}
        </ol>
      </section>
      <article dangerouslySetInnerHTML={{ __html: markdown.render(text) }} />
    </div>
  );
}

export function View({ page, say }: { page: ToAssignmentPage; say: Say }) {
  if (page.kind === "assignment") return <Assignment assignment={page.assignment} say={say} />;
  return (
    <div class="problems">
      <h1>The assignment’s file has errors</h1>
      <ul>
        {page.problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    </div>
  );
}
