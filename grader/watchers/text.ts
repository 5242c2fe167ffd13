import { screenText } from "../../emulator/devices/screen.ts";
import type { EventKind, MachineEvent } from "../../emulator/index.ts";
import type { TextPredicate } from "../assignment.ts";
import { quoted } from "../shown.ts";
import { type Moment, type Verdict, verdict } from "../verdict.ts";
import { momentOf, momentOfEvent, type Subject, type Watcher } from "../watcher.ts";

/** Characters of output that are looked at: a guest can print for ever. */
const mostOutput = 1_000_000;

const expectation = ({ kind, equals, contains, matches, device }: TextPredicate): string => {
  const what = kind === "screen" ? "the screen shows" : `${device ?? "the guest"} prints`;
  if (equals !== undefined) return `${what} ${quoted(equals)} and nothing else`;
  return contains === undefined ? `${what} something like /${matches}/` : `${what} ${quoted(contains)}`;
};

const firstDifference = (a: string, b: string): number => {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
};

function judged(predicate: TextPredicate, text: string, moment: Moment): Verdict {
  const { equals, contains, matches } = predicate;
  const met =
    equals !== undefined
      ? text === equals
      : contains === undefined
        ? new RegExp(matches!, "u").test(text)
        : text.includes(contains);
  const at = equals === undefined ? 0 : firstDifference(text, equals);
  const what = predicate.kind === "screen" ? "it shows" : "it printed";
  const happened = text === "" ? `${what} nothing` : `${what} ${quoted(text, at)}`;
  return verdict(met, { expected: expectation(predicate), happened }, met ? {} : { moment });
}

/** What the guest prints on its consoles. */
class Output implements Watcher {
  readonly kinds: readonly EventKind[] = ["output"];
  readonly #subject: Subject;
  readonly #predicate: TextPredicate;
  #text = "";
  /** When the text first was not the beginning of what it must equal. */
  #strayed: Moment | undefined;

  constructor(subject: Subject, predicate: TextPredicate) {
    this.#subject = subject;
    this.#predicate = predicate;
  }

  see(event: MachineEvent): void {
    const { device, equals } = this.#predicate;
    if (event.kind !== "output" || (device !== undefined && event.device !== device)) return;
    if (this.#text.length >= mostOutput) return;
    const text = event.text.slice(0, mostOutput - this.#text.length);
    if (equals !== undefined && !this.#strayed && !equals.startsWith(text, this.#text.length))
      this.#strayed = momentOfEvent(this.#subject, event);
    this.#text += text;
  }

  verdict(): Verdict {
    return judged(this.#predicate, this.#text, this.#strayed ?? momentOf(this.#subject));
  }
}

export const textWatcher = (subject: Subject, predicate: TextPredicate): Watcher =>
  predicate.kind === "output"
    ? new Output(subject, predicate)
    : { verdict: () => judged(predicate, screenText(subject.machine.screen), momentOf(subject)) };
