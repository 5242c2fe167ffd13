import type { Ending } from "../../emulator/index.ts";
import type { EquivalencePredicate, StopPredicate } from "../assignment.ts";
import { plain } from "../shown.ts";
import { baseless, type Verdict, verdict } from "../verdict.ts";
import { momentOf, type Subject, type Watcher } from "../watcher.ts";

/** For checks of how the run ended. */
export function stopWatcher(subject: Subject, { reason, about }: StopPredicate): Watcher {
  const reasons: readonly string[] = [reason].flat();
  const pattern = about === undefined ? undefined : new RegExp(about, "u");
  const expected = `the run ends: ${reasons.join(" or ")}${about === undefined ? "" : `, saying /${about}/`}`;
  return {
    verdict: ({ reason: ended, text }: Ending) => {
      const met = reasons.includes(ended) && (!pattern || pattern.test(text));
      return verdict(met, { expected, happened: `${ended}: ${plain(text)}` }, met ? {} : { moment: momentOf(subject) });
    },
  };
}

/** For checks that the guest finds no difference from the bare machine. */
export function equivalenceWatcher(subject: Subject, { instructions }: EquivalencePredicate, most: number): Watcher {
  const { technique } = subject.machine.configuration;
  const expected = `under ${technique} the guest finds what it finds on the bare machine`;
  return {
    verdict: async (): Promise<Verdict> => {
      const run = await subject.compare(instructions ?? most);
      if (run.refused !== undefined) return baseless(expected, plain(run.refused));
      const { divergence, place, compared } = run;
      if (!divergence) return verdict(true, { expected, happened: `no difference in ${compared} instructions` });
      const at = place ? `${plain(place.file)}:${place.line + 1}` : `${divergence.address}h`;
      const [first] = divergence.registers;
      const what = first ? `: ${first.name} is ${first.bare}h there, ${first.hosted}h here` : "";
      const happened = `the first difference is at ${at}, after ${divergence.instructions} instructions${what}`;
      const moment = subject.momentAfter(divergence.instructions);
      const source = place && { place: { file: place.file, line: place.line + 1 } };
      return verdict(false, { expected, happened }, { moment, ...source });
    },
  };
}
