import type { InlayHint } from "vscode-languageserver";
import { modelledCost } from "../../isa/prediction.ts";
import { costs, predictedAt, techniqueOr } from "../analysis/exits.ts";
import type { Analysis } from "../documents.ts";

/** Where a VM exit will happen under the technique, why, and what it costs by the model. */
export function exitHints({ assembly, technique }: Analysis, uri: string, first: number, last: number): InlayHint[] {
  const under = techniqueOr(technique);
  return assembly.mentions.flatMap((mention): InlayHint[] => {
    const { range } = mention;
    if (range.file !== uri || range.line < first || range.line > last) return [];
    const prediction = predictedAt(assembly, mention, technique);
    if (!prediction) return [];
    const cycles = modelledCost(prediction, costs);
    return [
      {
        position: { line: range.line, character: range.end },
        label: `${prediction.reason} ${cycles}`,
        tooltip: `Under ${under.title}: ${prediction.why} Out and back take ${cycles} cycles (${costs.title}).`,
        paddingLeft: true,
      },
    ];
  });
}
