/** Checks of what is written in a program, whether or not it runs. */
import type { Assembly, Emitted } from "../../assembler/index.ts";
import { fileKey } from "../../assembler/location.ts";
import { toLinear } from "../../debug-adapter/program.ts";
import type { Row } from "../../isa/instruction.ts";
import { rowsOf } from "../../isa/table.ts";
import type { TechniqueId } from "../../isa/technique.ts";
import { sensitiveUnprivileged } from "../../server/diagnostics/sensitive-unprivileged.ts";
import type { InstructionsPredicate, SensitivePredicate } from "../assignment.ts";
import { listed, plain } from "../shown.ts";
import { type Place, undecided, type Verdict, verdict } from "../verdict.ts";
import { type Extent, extentOf, isVerdict, isWithin, type Subject } from "../watcher.ts";

const noSource = "the program is no source: nothing is known of its instructions";

const placeOf = ({ range: { file, line } }: InFile): Place => ({ file, line: line + 1 });
const placeText = ({ file, line }: Place): string => `${plain(file)}:${line}`;

type InFile = Pick<Emitted, "range">;

/** Tells what stands in some files; by default in those that are not given: a student's own includes count, too. */
function standsIn({ given }: Subject, files: readonly string[] | undefined): (item: InFile) => boolean {
  const keys = new Set((files ?? given).map(fileKey));
  return ({ range: { file } }) => keys.has(fileKey(file)) === (files !== undefined);
}

/** The instructions of some files, between two labels. */
function instructionsOf({ emitted }: Assembly, subject: Subject, isMeant: (item: InFile) => boolean, extent?: Extent) {
  return emitted.filter(
    (item) => item.decoded && isMeant(item) && (!extent || isWithin(toLinear(subject.program, item.address), extent)),
  );
}

/** Instructions by a mnemonic or alias. */
function named(instructions: readonly Emitted[], mnemonic: string): readonly Emitted[] {
  const rows: ReadonlySet<Row> = new Set(rowsOf(mnemonic));
  return instructions.filter(({ decoded }) => rows.has(decoded!.row));
}

/** Forbidden and required instructions. */
export async function instructionsVerdict(subject: Subject, predicate: InstructionsPredicate): Promise<Verdict> {
  const { forbidden = [], required = [], within, files } = predicate;
  const expected = [
    ...(forbidden.length > 0 ? [`no ${forbidden.join(", ")}`] : []),
    ...(required.length > 0 ? [`${required.join(", ")}`] : []),
  ].join("; ");
  const { assembly } = subject;
  if (!assembly) return undecided(expected, noSource);
  const extent = await extentOf(subject, within, expected);
  if (extent && isVerdict(extent)) return extent;
  const instructions = instructionsOf(assembly, subject, standsIn(subject, files), extent);
  const wrong = forbidden.flatMap((mnemonic) => named(instructions, mnemonic));
  const absent = required.filter((mnemonic) => named(instructions, mnemonic).length === 0);
  const found = wrong.map((item) => `${item.decoded!.row.mnemonic} at ${placeText(placeOf(item))}`);
  const happened = [
    ...(found.length > 0 ? [listed(found, 5)] : []),
    ...(absent.length > 0 ? [`there is no ${absent.join(", ")}`] : []),
  ].join("; ");
  const [first] = wrong;
  const met = happened === "";
  return verdict(met, { expected, happened: met ? "so it is" : happened }, first ? { place: placeOf(first) } : {});
}

const boast = "the program says itself in which mode or ring it is, where the starter does not";

/** What a program says of its own mode or ring, and the starter does not: by that, every instruction could be made harmless. */
function excessStatement(assembly: Assembly, starter: Assembly | undefined, isMeant: (item: InFile) => boolean) {
  const known = (starter?.statements ?? []).map(({ said }) => JSON.stringify(said));
  return assembly.statements.filter(isMeant).find(({ said }) => {
    const at = known.indexOf(JSON.stringify(said));
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

/** Instructions that silently do something else under the technique. */
export async function sensitiveVerdict(subject: Subject, predicate: SensitivePredicate): Promise<Verdict> {
  const technique = predicate.technique ?? (subject.machine.configuration.technique as TechniqueId);
  const expected = `no sensitive instruction that silently goes wrong under ${technique}`;
  const { assembly } = subject;
  if (!assembly) return undecided(expected, noSource);
  const extent = await extentOf(subject, predicate.within, expected);
  if (extent && isVerdict(extent)) return extent;
  const isMeant = standsIn(subject, undefined);
  const said = excessStatement(assembly, await subject.starter(), isMeant);
  if (said)
    return verdict(false, { expected, happened: `${placeText(placeOf(said))}: ${boast}` }, { place: placeOf(said) });
  const inExtent = new Set(instructionsOf(assembly, subject, isMeant, extent).map(rangeKey));
  const wrong = sensitiveUnprivileged(assembly, technique).filter(
    (problem) => problem.severity === "warning" && isMeant(problem) && (!extent || inExtent.has(rangeKey(problem))),
  );
  const found = wrong.map((problem) => `${placeText(placeOf(problem))}: ${plain(problem.message)}`);
  const [first] = wrong;
  const met = first === undefined;
  return verdict(
    met,
    { expected, happened: met ? "there is none" : listed(found, 3) },
    first ? { place: placeOf(first) } : {},
  );
}

const rangeKey = ({ range: { file, line } }: InFile): string => `${fileKey(file)}:${line}`;
