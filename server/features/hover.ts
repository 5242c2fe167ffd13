import type { Hover, Position } from "vscode-languageserver";
import type { InstructionMention } from "../../assembler/index.ts";
import { type Exits, isVirtualizationHole, type Row } from "../../isa/instruction.ts";
import { interceptOf } from "../../isa/intercept.ts";
import type { Decoded } from "../../isa/operands.ts";
import { modelledCost } from "../../isa/prediction.ts";
import { pseudocode } from "../../isa/pseudocode.ts";
import { gradeOf } from "../../isa/sensitivity.ts";
import { rowsOf } from "../../isa/table.ts";
import type { TechniqueId } from "../../isa/technique.ts";
import { costs, predictedAt, techniqueOr } from "../analysis/exits.ts";
import { flowOf } from "../analysis/flow.ts";
import { comparedAt, titleOf, total } from "../analysis/measured.ts";
import type { Analysis } from "../documents.ts";
import { contains, toLsp } from "../ranges.ts";
import { symbolAt } from "./definition.ts";
import { reasonsText } from "./exit-hints.ts";
import { type Linker, linker } from "./glossary.ts";
import { isInMatrix, matrixTable } from "./matrix.ts";

const privileges: Record<Row["privilege"], string> = {
  none: "none: every CPL may run it",
  cpl0: "CPL 0, else #GP(0)",
  "cpl0-ud": "CPL 0, else #UD",
  iopl: "CPL ≤ IOPL, else #GP(0)",
  io: "CPL ≤ IOPL, or the port allowed by the I/O bitmap of the TSS, else #GP(0)",
  umip: "none, unless CR4.UMIP is set: then CPL 0, else #GP(0)",
  tsd: "none, unless CR4.TSD is set: then CPL 0, else #GP(0)",
  pce: "CPL 0, unless CR4.PCE is set",
};

function popekGoldberg(row: Row, link: Linker): string {
  const { sensitivity } = row;
  if (sensitivity.kind === "innocuous") return link("innocuous-instruction", "innocuous");
  const by = sensitivity.by?.length ? ` (${sensitivity.by.join(" and ")})` : "";
  const list = link("the-17-instructions", "Robin and Irvine's 17");
  const listed = sensitivity.robinIrvine ? `; entry ${sensitivity.robinIrvine} of ${list}` : "";
  const hole = isVirtualizationHole(row)
    ? `; **sensitive but not ${link("privileged-instruction", "privileged")}**`
    : "";
  const kind = link(`${sensitivity.kind}-sensitive-instruction`, `${sensitivity.kind}-sensitive`);
  return `${kind}${by}${hole}${listed}`;
}

function vmExit(exits: Exits): string {
  switch (exits.kind) {
    case "never":
      return exits.because ? `never: ${exits.because}` : "never";
    case "always":
      return `always: ${exits.reason}`;
    case "when":
      return `${exits.reason}, decided by: ${exits.control}`;
  }
}

function intercepted(row: Row): string {
  const title = interceptOf(row);
  return title === undefined ? "never: no intercept exists" : `VMEXIT_${title}, if intercepted`;
}

const hex = (bytes: readonly number[]) => bytes.map((b) => b.toString(16).toUpperCase().padStart(2, "0")).join(" ");

/** The table that says everything of an instruction form. */
function card(
  row: Row,
  decoded: Decoded | undefined,
  encoded: string | undefined,
  { technique, ...analysis }: Analysis,
): string {
  const link = linker(analysis);
  const sentence = decoded && gradeOf(decoded, technique?.id as TechniqueId | undefined).sentence;
  const rows = [
    ["Encoding", `\`${row.opcode}\`${encoded ? `, here \`${encoded}\`` : ""}`],
    ...(row.feature ? [["Extension", `${row.feature}; a processor without it raises #UD`]] : []),
    [link("cpl", "Privilege"), privileges[row.privilege]],
    [link("popek-and-goldberg", "Popek–Goldberg"), popekGoldberg(row, link)],
    [link("vm-exit", "VM exit (VT-x)"), vmExit(row.exits)],
    [link("intercept", "#VMEXIT (AMD-V)"), intercepted(row)],
  ];
  return [
    `**\`${row.syntax}\`**  `,
    row.doc,
    "",
    "| | |",
    "|---|---|",
    ...rows.map(([name, text]) => `| ${name} | ${text?.replaceAll("|", "\\|")} |`),
    "",
    ...(sentence ? [`**Virtualized:** ${sentence}`, ""] : []),
    ...(decoded ? ["```", pseudocode(decoded), "```"] : []),
  ].join("\n");
}

function instruction(analysis: Analysis, mention: InstructionMention): string | undefined {
  const row = mention.row ?? rowsOf(mention.mnemonic)[0];
  if (!row) return undefined;
  const bytes = mention.bytes && hex([...mention.bytes]);
  const forms = rowsOf(mention.mnemonic).length;
  const places = placeText(analysis, mention);
  const more = mention.row || forms < 2 ? "" : `\n\n_One of ${forms} forms; the operands here fit none yet._`;
  return card(row, mention.decoded, bytes, analysis) + places + more;
}

const ways = {
  real: { term: "real-mode", title: "real mode" },
  "virtual-8086": { term: "virtual-8086-mode", title: "virtual-8086 mode" },
  protected: { term: "protected-mode", title: "protected mode" },
  long: { term: "long-mode", title: "long mode" },
} as const;

/** What the last run measured at the line, under whichever technique it was; empty if there was no run. */
function measuredText({ assembly, technique, measurement }: Analysis, mention: InstructionMention): string {
  if (!measurement) return "";
  const { run } = measurement;
  const reasons = measurement.at(mention.range.file, mention.range.line)?.reasons ?? [];
  const compared = comparedAt(assembly, mention, technique, measurement);
  if (reasons.length === 0 && !compared?.prediction) return "";
  const share = run.cycles > 0 ? ` (${((total(reasons).cycles / run.cycles) * 100).toFixed(1)} % of its time)` : "";
  const what = reasons.length > 0 ? `${reasonsText(reasons)}${share}` : "it did not leave the guest here";
  const lost =
    run.dropped > 0 ? ` The first ${run.dropped.toLocaleString("en")} events were not kept and are not counted.` : "";
  const note = compared?.disagreement ? ` **${compared.disagreement}**` : "";
  return `\n\n**Last run**, ${titleOf(measurement)}, ${run.costs}: ${what}.${note}${lost}`;
}

/** Mode and ring, as far as they are known, and what becomes of the instruction there under each technique. */
function placeText(analysis: Analysis, mention: InstructionMention): string {
  const { assembly, technique } = analysis;
  const { decoded, row } = mention;
  const measured = measuredText(analysis, mention);
  if (!decoded || !row || !isInMatrix(row)) return measured;
  const link = linker(analysis);
  const known = flowOf(assembly).at(mention);
  const facts = [
    ...(known?.mode ? [link(ways[known.mode].term, ways[known.mode].title)] : []),
    ...(known?.cpl === undefined ? [] : [`CPL ${known.cpl}`]),
    ...(known?.interrupts === undefined ? [] : [`interrupts ${known.interrupts ? "on" : "off"}`]),
  ];
  const here = facts.length > 0 ? `**Here:** ${facts.join(", ")}.` : "**Here:** nothing is known of mode and ring.";
  const prediction = predictedAt(assembly, mention, technique);
  const { title } = techniqueOr(technique);
  const cycles = prediction && modelledCost(prediction, costs);
  const exit = prediction
    ? ` Under ${title} ${prediction.reason}, ${cycles} cycles out and back: ${prediction.why}`
    : "";
  return `\n\n${here}${exit}${measured}\n\n${matrixTable(decoded, known, link)}`;
}

function symbol(analysis: Analysis, name: string): string | undefined {
  const found = analysis.assembly.symbols.get(name);
  if (!found) return undefined;
  const value = found.value === undefined ? "" : ` = \`${found.value.toString(16).toUpperCase()}h\` (${found.value})`;
  return `**${name}**${value}  \n${found.kind === "label" ? "label" : found.kind === "equ" ? "constant (equ)" : "single-line macro (%define)"}, line ${found.range.line + 1}`;
}

/** What is under the cursor: an instruction with everything known of it, or a symbol with its value. */
export function hover(analysis: Analysis, uri: string, position: Position): Hover | null {
  const { mentions } = analysis.assembly.onLine(uri, position.line);
  const mention = mentions.find((m) => contains(m.mnemonicRange, uri, position));
  if (mention) {
    const value = instruction(analysis, mention);
    return value ? { contents: { kind: "markdown", value }, range: toLsp(mention.mnemonicRange) } : null;
  }
  const name = symbolAt(analysis.assembly, uri, position);
  const value = name === undefined ? undefined : symbol(analysis, name);
  return value ? { contents: { kind: "markdown", value } } : null;
}
