import { evaluateText } from "../../debug-adapter/evaluate.ts";
import type { MachineEvent } from "../../emulator/index.ts";
import type { WalkStep } from "../../emulator/trace/event.ts";
import type { TranslationPredicate } from "../assignment.ts";
import { comparison, comparisonText, holds } from "../comparison.ts";
import { type Verdict, verdict } from "../verdict.ts";
import { momentOf, type Subject, type Watcher } from "../watcher.ts";
import { addressOf, unknownName } from "./expressions.ts";
import { atMoment, momentText } from "./moments.ts";

type Walk = MachineEvent & { readonly kind: "walk" };

const hexadecimal = (value: bigint): string => `0x${value.toString(16)}`;

/** The guest's own entries, and those of nested tables that the page itself goes through. */
function entries(steps: readonly WalkStep[]): {
  readonly own: readonly WalkStep[];
  readonly page: readonly WalkStep[];
} {
  const own = steps.filter(({ of }) => of === undefined);
  const last = steps.findLastIndex(({ of }) => of === undefined);
  return { own, page: steps.slice(last + 1).filter(({ of }) => of === "nested") };
}

/** EPT entries say R, W and X; AMD's nested tables are written as the guest's are. */
const isEpt = ({ table }: WalkStep): boolean => table.startsWith("EPT");

const allows = {
  writable: (steps) => {
    const { own, page } = entries(steps);
    const may = (step: WalkStep): boolean => step.bits.includes(isEpt(step) ? "W" : "R/W") || isPointer(step);
    return [...own, ...page].every(may);
  },
  user: (steps) => entries(steps).own.every((step) => step.bits.includes("U/S") || isPointer(step)),
  executable: (steps) => {
    const { own, page } = entries(steps);
    return [...own, ...page].every((step) => (isEpt(step) ? step.bits.includes("X") : !step.bits.includes("XD")));
  },
} as const satisfies Record<string, (steps: readonly WalkStep[]) => boolean>;

/** PAE's four pointers have no such bits. */
const isPointer = ({ address }: WalkStep): boolean => address.startsWith("register");

interface Part {
  readonly met: boolean;
  readonly expected: string;
  readonly happened: string;
}

function addressPart(subject: Subject, name: "gpa" | "hpa", text: string, found: string | undefined): Part {
  const outcome = evaluateText(subject, text);
  const expected = `${name} ${text}`;
  const happened = found === undefined ? "it is not mapped" : `${name} is 0x${found}`;
  if (outcome.problem !== undefined) return { met: false, expected, happened: outcome.problem };
  const wanted = addressOf(outcome);
  return { met: found === wanted.toString(16), expected: `${name} ${hexadecimal(wanted)}`, happened };
}

/** What is expected of a walk, and how it is, part by part. */
function partsOf(subject: Subject, predicate: TranslationPredicate, walk: Walk): readonly Part[] {
  const { gpa, hpa, mapped, references } = predicate;
  const { physical, host, verdict: why } = walk;
  const isMapped = physical !== undefined;
  const parts: Part[] = [];
  const wantsMapped = mapped ?? true;
  parts.push({
    met: isMapped === wantsMapped,
    expected: wantsMapped ? "mapped" : "not mapped",
    happened: isMapped ? `it is mapped to 0x${physical}` : `it is not mapped (${why})`,
  });
  if (!isMapped) return parts;
  if (gpa !== undefined) parts.push(addressPart(subject, "gpa", gpa, physical));
  if (hpa !== undefined) parts.push(addressPart(subject, "hpa", hpa, host));
  for (const right of ["writable", "user", "executable"] as const) {
    const wanted = predicate[right];
    const has = allows[right](walk.steps);
    const word = (is: boolean): string => `${is ? "" : "not "}${right === "user" ? "for user mode" : right}`;
    if (wanted !== undefined)
      parts.push({ met: has === wanted, expected: word(wanted), happened: `it is ${word(has)}` });
  }
  if (references !== undefined) {
    const bound = comparison(references);
    const { cold } = walk.references;
    const expected = `${comparisonText(bound)} memory references`;
    parts.push({ met: holds(cold, bound), expected, happened: `its walk takes ${cold} references` });
  }
  return parts;
}

/** For checks of what an address is translated to. */
export async function translationWatcher(
  subject: Subject,
  predicate: TranslationPredicate,
): Promise<Watcher | Verdict> {
  const { gva, gpa, hpa } = predicate;
  const about = `the translation of ${gva} ${momentText(predicate)}`;
  const judge = (): Verdict => {
    const moment = momentOf(subject);
    const outcome = evaluateText(subject, gva);
    if (outcome.problem !== undefined)
      return verdict(false, { expected: about, happened: outcome.problem }, { moment });
    const parts = partsOf(subject, predicate, subject.machine.walk(addressOf(outcome)));
    const wrong = parts.filter(({ met }) => !met);
    const expected = `${gva} ${momentText(predicate)} is ${parts.map((part) => part.expected).join(", ")}`;
    const happened = (wrong.length > 0 ? wrong : parts).map((part) => part.happened).join(", ");
    return verdict(wrong.length === 0, { expected, happened }, wrong.length === 0 ? {} : { moment });
  };
  for (const text of [gva, gpa, hpa]) {
    const unknown = text === undefined ? undefined : await unknownName(subject, text, about);
    if (unknown) return unknown;
  }
  return atMoment(subject, predicate, about, judge);
}
