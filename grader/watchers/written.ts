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

const placeOf = ({ range: { file, line } }: Pick<Emitted, "range">): Place => ({ file, line: line + 1 });
const placeText = ({ file, line }: Place): string => `${plain(file)}:${line}`;

/** The instructions of some files, between two labels. */
function instructionsOf(assembly: Assembly, subject: Subject, files: readonly string[], extent: Extent | undefined) {
  const keys = new Set(files.map(fileKey));
  return assembly.emitted.filter(
    ({ decoded, range, address }) =>
      decoded && keys.has(fileKey(range.file)) && (!extent || isWithin(toLinear(subject.program, address), extent)),
  );
}

/** Instructions by a mnemonic or alias. */
function named(instructions: readonly Emitted[], mnemonic: string): readonly Emitted[] {
  const rows: ReadonlySet<Row> = new Set(rowsOf(mnemonic));
  return instructions.filter(({ decoded }) => rows.has(decoded!.row));
}

/** Forbidden and required instructions. */
export async function instructionsVerdict(subject: Subject, predicate: InstructionsPredicate): Promise<Verdict> {
  const { forbidden = [], required = [], within, files = subject.files } = predicate;
  const expected = [
    ...(forbidden.length > 0 ? [`no ${forbidden.join(", ")}`] : []),
    ...(required.length > 0 ? [`${required.join(", ")}`] : []),
  ].join("; ");
  const { assembly } = subject;
  if (!assembly) return undecided(expected, noSource);
  const extent = await extentOf(subject, within, expected);
  if (extent && isVerdict(extent)) return extent;
  const instructions = instructionsOf(assembly, subject, files, extent);
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

/** Instructions that silently do something else under the technique. */
export async function sensitiveVerdict(subject: Subject, predicate: SensitivePredicate): Promise<Verdict> {
  const technique = predicate.technique ?? (subject.machine.configuration.technique as TechniqueId);
  const expected = `no sensitive instruction that silently goes wrong under ${technique}`;
  const { assembly } = subject;
  if (!assembly) return undecided(expected, noSource);
  const extent = await extentOf(subject, predicate.within, expected);
  if (extent && isVerdict(extent)) return extent;
  const keys = new Set(subject.files.map(fileKey));
  const inExtent = new Set(instructionsOf(assembly, subject, subject.files, extent).map((item) => rangeKey(item)));
  const wrong = sensitiveUnprivileged(assembly, technique).filter(
    ({ severity, range }) =>
      severity === "warning" && keys.has(fileKey(range.file)) && (!extent || inExtent.has(rangeKey({ range }))),
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

const rangeKey = ({ range: { file, line } }: Pick<Emitted, "range">): string => `${fileKey(file)}:${line}`;
