import { mayLeaveGuest, type Row } from "../../isa/instruction.ts";
import type { Decoded } from "../../isa/operands.ts";
import { outcomeOf } from "../../isa/outcome.ts";
import { modelledCost, predictionOf } from "../../isa/prediction.ts";
import { type Technique, techniques } from "../../isa/technique.ts";
import { costs } from "../analysis/exits.ts";
import type { Known } from "../analysis/flow.ts";
import { type Linker, termOf } from "./glossary.ts";

/** Why the matrix does not hold where an instruction stands; undefined if it does. */
function exception(technique: Technique, known: Known | undefined): string | undefined {
  const mode = known?.mode;
  if (technique.kernel === "deprivileged" && (mode === "real" || mode === "virtual-8086"))
    return "the guest is stopped: this mode is not virtualized";
  const isInterpreted =
    (technique.kernel === "translated" && (mode === "real" || mode === "long" || mode === "virtual-8086")) ||
    (technique.kernel === "vmx-non-root" && technique.memory === "shadow" && mode === "real");
  return isInterpreted ? "interpreted by the hypervisor" : undefined;
}

function cells(decoded: Decoded, technique: Technique, known: Known | undefined): readonly [string, string] {
  if (technique.kernel === "hypercalls") return ["the guest is changed: docs/hypercalls.md", ""];
  const unusual = exception(technique, known);
  if (unusual) return [unusual, ""];
  const outcome = outcomeOf(decoded, technique);
  const prediction = predictionOf(decoded, technique, { mode: known?.mode });
  const what = outcome === "silently wrong" ? `**${outcome}**` : outcome;
  if (prediction) return [`${what} (${prediction.reason})`, `${modelledCost(prediction, costs)}`];
  const isLetThrough = outcome === "traps" && (technique.kernel === "vmx-non-root" || technique.kernel === "svm-guest");
  return [isLetThrough ? "runs (this one is not intercepted)" : what, ""];
}

/** Whether the techniques differ in it. */
export const isInMatrix = (row: Row): boolean =>
  row.sensitivity.kind !== "innocuous" || row.privilege !== "none" || mayLeaveGuest(row);

/** What becomes of the instruction under every technique, as the matrix has it, where mode and ring are as known. */
export function matrixTable(decoded: Decoded, known: Known | undefined, link: Linker): string {
  const rows = techniques.map((technique) => {
    const [what, cost] = cells(decoded, technique, known);
    const term = termOf(technique);
    return `| ${term ? link(term, technique.title) : technique.title} | ${what} | ${cost} |`;
  });
  return [`| Technique | In the guest's kernel | Cycles, out and back |`, "|---|---|---|", ...rows].join("\n");
}
