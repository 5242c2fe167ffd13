import type { ComparedRun } from "../debug-adapter/compare.ts";
import type { Tally, Totals } from "../emulator/index.ts";

/** What `compare` found; also the shape of the JSON. The bare machine comes first. */
export interface Comparison {
  readonly file: string;
  readonly costs: string;
  readonly runs: readonly ComparedRun[];
}

type Run = Extract<ComparedRun, { refused?: undefined }>;

const number = (value: number): string => value.toLocaleString("en");
const percent = (part: number, whole: number): string => (whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`);
const sum = (tallies: readonly Tally[]): number => tallies.reduce((total, { count }) => total + count, 0);

/** The columns of the table: a heading, and the cell of a run. */
const columns: readonly (readonly [string, (totals: Totals) => string])[] = [
  ["exits", ({ exits }) => number(sum(exits))],
  ["hypercalls", ({ hypercalls }) => number(sum(hypercalls))],
  ["emulated", ({ instructions, direct }) => number(instructions - direct)],
  ["translated", ({ translated }) => number(translated)],
  ["direct", ({ instructions, direct }) => percent(direct, instructions)],
  ["walk refs", ({ walkReferences }) => number(walkReferences)],
  ["cycles", ({ cycles }) => number(cycles)],
];

const verdict = ({ technique, divergence, compared }: Run): string =>
  technique === "bare-metal"
    ? number(compared)
    : divergence
      ? `differs after ${number(divergence.instructions)}`
      : `same for ${number(compared)}`;

/** Rows of cells under headings; the first two columns to the left, numbers to the right. */
function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, n) => (n < 2 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}

function divergenceText({ technique, divergence, place }: Run): string {
  if (!divergence) return "";
  const where = place ? `${place.file}:${place.line + 1}: ${place.text}` : `${divergence.address}h`;
  const { registers, memory, ends } = divergence;
  const lines = [
    ...registers.map(({ name, bare, hosted }) => `${name} is ${bare}h on bare metal, ${hosted}h here`),
    ...memory.map(({ address, bare, hosted }) => `memory at ${address}h is ${bare} on bare metal, ${hosted} here`),
    ...(ends ? [`bare metal: ${ends.bare ?? "goes on"}; here: ${ends.hosted ?? "goes on"}`] : []),
  ];
  return `\n${technique} first differs at ${where}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** Popek and Goldberg's three conditions, as far as this run tells. */
function scorecard({ technique, divergence, totals }: Run): readonly string[] {
  const { instructions, direct, writableOutside } = totals;
  return [
    technique,
    divergence ? "no" : "yes",
    writableOutside === 0 ? "yes" : `no: ${writableOutside} pages`,
    percent(direct, instructions),
  ];
}

const tallyText = (title: string, tallies: readonly Tally[]): string =>
  tallies.length === 0
    ? ""
    : `  ${title}: ${tallies.map(({ name, count }) => `${number(count)} ${name}`).join(", ")}\n`;

function detailsText(title: string, { exits, hypercalls, exceptions, injected, shadow }: Totals): string {
  const text =
    tallyText("exits", exits) +
    tallyText("hypercalls", hypercalls) +
    tallyText("exceptions in the guest", exceptions) +
    tallyText("injected", injected) +
    tallyText("shadow page tables", shadow);
  return text === "" ? "" : `\n${title}\n${text}`;
}

const isRun = (run: ComparedRun): run is Run => run.refused === undefined;

/** A comparison as text: a table, then the differences, then what happened by name. */
export function comparisonText({ file, costs, runs }: Comparison): string {
  const ran = runs.filter(isRun);
  const bare = ran.find(({ technique }) => technique === "bare-metal");
  const rows = [
    ["technique", "instructions", ...columns.map(([heading]) => heading)],
    ...ran.map((run) => [run.technique, verdict(run), ...columns.map(([, cell]) => cell(run.totals))]),
  ];
  const refused = runs.flatMap((run) => (run.refused === undefined ? [] : [`${run.technique}: ${run.refused}\n`]));
  return [
    `${file}, cycles as on ${costs}${bare ? `; bare metal: ${bare.totals.ended.text}` : ""}\n\n`,
    tableText(rows),
    "\nPopek and Goldberg\n",
    tableText([
      ["technique", "equivalence", "resource control", "efficiency"],
      ...ran.filter(({ technique }) => technique !== "bare-metal").map(scorecard),
    ]),
    ...ran.map(divergenceText),
    ...ran.map(({ technique, totals }) => detailsText(technique, totals)),
    refused.length === 0 ? "" : `\nNot run:\n${refused.map((line) => `  ${line}`).join("")}`,
  ].join("");
}
