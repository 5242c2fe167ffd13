import type { CodeLens } from "vscode-languageserver";
import type { Prediction } from "../../isa/prediction.ts";
import { costs, type Loop, loopsOf, techniqueOr } from "../analysis/exits.ts";
import { runUnder, total } from "../analysis/measured.ts";
import type { Analysis } from "../documents.ts";
import type { Measurement } from "../measurement.ts";
import { toLsp } from "../ranges.ts";

const namesOf = (exits: readonly Prediction[]): string => [...new Set(exits.map(({ reason }) => reason))].join(", ");

/** What the last run measured in a loop; empty if there was none. */
function measuredText(measurement: Measurement | undefined, { body }: Loop): string {
  if (!measurement) return "";
  const lines = new Map(body.map(({ range }) => [`${range.line} ${range.file}`, range]));
  const measured = [...lines.values()].flatMap(({ file, line }) => measurement.at(file, line)?.reasons ?? []);
  if (measured.length === 0) return "; not in the last run";
  const { count, cycles } = total(measured);
  const share = measurement.run.cycles > 0 ? Math.round((cycles / measurement.run.cycles) * 100) : 0;
  return `; last run: ${count.toLocaleString("en")} ${count === 1 ? "exit" : "exits"}, ${cycles.toLocaleString("en")} cycles, ${share} % of all`;
}

/** Above each loop with an exit inside: how many, what an iteration costs, and its rank among them; then what the last run measured. */
export function exitLenses({ assembly, technique, measurement }: Analysis, uri: string): CodeLens[] {
  const loops = loopsOf(assembly, technique);
  const { title } = techniqueOr(technique);
  const run = runUnder(measurement, technique);
  return loops.flatMap((loop, rank): CodeLens[] => {
    const { head, exits, cost } = loop;
    if (head.range.file !== uri) return [];
    const many = exits.length === 1 ? "1 exit" : `${exits.length} exits`;
    const text = `Loop ${rank + 1} of ${loops.length} by exits: ${many} each time (${namesOf(exits)}), ${cost} cycles on ${costs.title}, ${title}${measuredText(run, loop)}`;
    return [{ range: toLsp(head.range), command: { title: text, command: "" } }];
  });
}
