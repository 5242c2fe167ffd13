import type { CodeLens } from "vscode-languageserver";
import type { Prediction } from "../../isa/prediction.ts";
import { costs, loopsOf, techniqueOr } from "../analysis/exits.ts";
import type { Analysis } from "../documents.ts";
import { toLsp } from "../ranges.ts";

const namesOf = (exits: readonly Prediction[]): string => [...new Set(exits.map(({ reason }) => reason))].join(", ");

/** Above each loop with an exit inside: how many, what an iteration costs, and its rank among them. */
export function exitLenses({ assembly, technique }: Analysis, uri: string): CodeLens[] {
  const loops = loopsOf(assembly, technique);
  const { title } = techniqueOr(technique);
  return loops.flatMap(({ head, exits, cost }, rank): CodeLens[] => {
    if (head.range.file !== uri) return [];
    const many = exits.length === 1 ? "1 exit" : `${exits.length} exits`;
    const text = `Loop ${rank + 1} of ${loops.length} by exits: ${many} each time (${namesOf(exits)}), ${cost} cycles on ${costs.title}, ${title}`;
    return [{ range: toLsp(head.range), command: { title: text, command: "" } }];
  });
}
