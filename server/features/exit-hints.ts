import type { InlayHint } from "vscode-languageserver";
import type { MeasuredReason } from "../../isa/measurement.ts";
import { costs, techniqueOr } from "../analysis/exits.ts";
import { type Compared, comparedAt, total } from "../analysis/measured.ts";
import type { Analysis } from "../documents.ts";

const number = (value: number): string => Math.round(value).toLocaleString("en");

/** “12 × IO_INSTRUCTION, 1,034 cycles each”, the most frequent first. */
export const reasonsText = (measured: readonly MeasuredReason[]): string =>
  measured
    .map(({ reason, count, cycles }) => `${number(count)} × ${reason}, ${number(cycles / count)} cycles each`)
    .join("; ");

/** What the last run has to say of an instruction; empty if there was none. */
function measuredLabel({ prediction, measured, disagreement }: Compared): string {
  if (!measured) return "";
  if (measured.length === 0) return " · not in the last run";
  const { count, cycles } = total(measured);
  const names = prediction && !disagreement ? "" : ` ${[...new Set(measured.map(({ reason }) => reason))].join(", ")}`;
  const mark = disagreement ? " ≠" : "";
  return `${prediction ? " ·" : ""}${mark} ${number(count)} ×${names}, ${number(cycles / count)} each`;
}

function tooltipOf(under: string, compared: Compared): string {
  const { prediction, modelled, measured, disagreement } = compared;
  const predicted = prediction
    ? `${prediction.why} Out and back take ${modelled} cycles (${costs.title}).`
    : "The text does not show an exit.";
  const run = measured?.length ? ` Last run: ${reasonsText(measured)}, with what the hypervisor did.` : "";
  return `Under ${under}: ${predicted}${run}${disagreement ? ` ${disagreement}` : ""}`;
}

/** Where a VM exit will happen under the technique, why, and what it costs by the model; beside it what the last run measured. */
export function exitHints(analysis: Analysis, uri: string, first: number, last: number): InlayHint[] {
  const { assembly, technique, measurement } = analysis;
  const under = techniqueOr(technique);
  const seen = new Set<number>();
  return assembly.mentions.flatMap((mention): InlayHint[] => {
    const { range } = mention;
    // A line of a macro stands for all of its expansions.
    if (range.file !== uri || range.line < first || range.line > last || seen.has(range.line)) return [];
    seen.add(range.line);
    const compared = comparedAt(assembly, mention, technique, measurement);
    if (!compared) return [];
    const { prediction, modelled } = compared;
    return [
      {
        position: { line: range.line, character: range.end },
        label: `${prediction ? `${prediction.reason} ${modelled}` : ""}${measuredLabel(compared)}`.trim(),
        tooltip: tooltipOf(under.title, compared),
        paddingLeft: true,
      },
    ];
  });
}
