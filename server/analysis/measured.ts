import type { Assembly, InstructionMention } from "../../assembler/index.ts";
import type { MeasuredReason } from "../../isa/measurement.ts";
import { isPredictable, modelledCost, type Prediction } from "../../isa/prediction.ts";
import { type Technique, techniqueById } from "../../isa/technique.ts";
import type { Measurement } from "../measurement.ts";
import { costs, predictedAt, techniqueOr } from "./exits.ts";

/** An instruction of which an exit is predicted, or was measured. */
export interface Compared {
  readonly prediction: Prediction | undefined;
  /** Cycles out and back, as modelled. */
  readonly modelled: number;
  /** Undefined if there was no run under the technique. */
  readonly measured: readonly MeasuredReason[] | undefined;
  /** What run and prediction disagree about, as a sentence. */
  readonly disagreement: string | undefined;
}

export const total = (reasons: readonly MeasuredReason[]): { readonly count: number; readonly cycles: number } => ({
  count: reasons.reduce((sum, { count }) => sum + count, 0),
  cycles: reasons.reduce((sum, { cycles }) => sum + cycles, 0),
});

/** The run, if it was under the technique that applies now. */
export const runUnder = (
  measurement: Measurement | undefined,
  technique: Technique | undefined,
): Measurement | undefined => (measurement?.run.technique === techniqueOr(technique).id ? measurement : undefined);

function disagreementOf(
  { row }: InstructionMention,
  prediction: Prediction | undefined,
  measured: readonly MeasuredReason[],
): string | undefined {
  const own = measured.filter(({ reason }) => isPredictable(reason));
  const [first] = own;
  if (!first || own.some(({ reason }) => reason === prediction?.reason)) return undefined;
  if (prediction) return `Predicted is ${prediction.reason}, measured was ${first.reason}.`;
  const decides = row?.exits.kind === "when" ? ` It depends on what the text does not show: ${row.exits.control}.` : "";
  return `No exit is predicted here, but ${first.count} ${first.reason} were measured.${decides}`;
}

/** An instruction's prediction beside what the last run measured; undefined if there is neither. */
export function comparedAt(
  assembly: Assembly,
  mention: InstructionMention,
  technique: Technique | undefined,
  measurement: Measurement | undefined,
): Compared | undefined {
  const prediction = predictedAt(assembly, mention, technique);
  const run = runUnder(measurement, technique);
  const { file, line } = mention.range;
  const measured = run && (run.at(file, line)?.reasons ?? []);
  if (!prediction && !measured?.length) return undefined;
  return {
    prediction,
    modelled: prediction ? modelledCost(prediction, costs) : 0,
    measured,
    disagreement: measured && disagreementOf(mention, prediction, measured),
  };
}

export const titleOf = ({ run }: Measurement): string => techniqueById(run.technique)!.title;
