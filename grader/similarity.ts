/**
 * How much of one submission's code is in another's: fingerprints of its instructions by winnowing (Schleimer, Wilkerson and
 * Aiken, SIGMOD 2003). Names, comments, layout, registers and numbers do not count; what the starter has does not either.
 */
import type { Assembly } from "../assembler/index.ts";
import { fileKey } from "../assembler/location.ts";
import { assembleFile, LaunchError, type ReadFile } from "../debug-adapter/launch.ts";
import type { Operand } from "../isa/operands.ts";
import type { Assignment } from "./assignment.ts";
import { byName } from "./grades.ts";
import { type Files, filesFor, type Material, readerOf, type Submission } from "./submission.ts";

/** Instructions of one fingerprint, and of a window of which the least fingerprint is kept. */
const gram = 6;
const window = 4;

/** Fingerprints of a submission; none if it does not assemble. */
export interface Fingerprints {
  readonly student: string;
  readonly hashes: readonly number[];
}

export interface Likeness {
  readonly a: string;
  readonly b: string;
  /** Fingerprints that both have, as a part of those of the one that has fewer. */
  readonly part: number;
  readonly common: number;
}

/** An operand without what is easily changed: which register, which number. */
function shape(operand: Operand): string {
  return operand.kind === "register" ? `register ${operand.class}` : operand.kind;
}

/** The instructions of all files but the given ones, in the order of the source. */
function words({ emitted }: Assembly, given: readonly string[]): readonly string[] {
  const keys = new Set(given.map(fileKey));
  return emitted.flatMap(({ decoded, range }) =>
    decoded && !keys.has(fileKey(range.file)) ? [[decoded.row.mnemonic, ...decoded.operands.map(shape)].join(" ")] : [],
  );
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) value = Math.imul(value ^ text.charCodeAt(n), 0x01000193);
  return value >>> 0;
}

/** The fingerprints of a list of words: of each window the least, the last of equals. */
export function winnowed(list: readonly string[]): ReadonlySet<number> {
  const hashes = Array.from({ length: Math.max(0, list.length - gram + 1) }, (_, n) =>
    hash(list.slice(n, n + gram).join("\n")),
  );
  const kept = new Set<number>();
  for (let n = 0; n + window <= Math.max(hashes.length, window); n++) {
    const some = hashes.slice(n, n + window);
    if (some.length > 0) kept.add(Math.min(...some));
  }
  return kept;
}

async function fingerprintsOf(program: string, given: readonly string[], read: ReadFile): Promise<ReadonlySet<number>> {
  try {
    return winnowed(words(await assembleFile({ program }, read), given));
  } catch (error) {
    if (error instanceof LaunchError) return new Set();
    throw error;
  }
}

/** The program in which the code of a submission is assembled. */
const programOf = ({ program, scenarios = [], files }: Assignment): string =>
  program ?? scenarios.find((scenario) => scenario.program !== undefined)?.program ?? files[0]!;

/** The fingerprints of a submission that the starter does not have. */
export async function fingerprints(
  assignment: Assignment,
  { student, files }: Submission,
  material: Material,
): Promise<Fingerprints> {
  const given = filesFor(assignment, material.given, student);
  const of = (handedIn: Files) =>
    fingerprintsOf(programOf(assignment), assignment.given ?? [], readerOf(given, handedIn));
  const starter = await of(filesFor(assignment, material.starter, student));
  const hashes = [...(await of(files))].filter((one) => !starter.has(one));
  return { student, hashes: hashes.sort((a, b) => a - b) };
}

/** Fewer fingerprints than this are too short to say anything. */
const leastFingerprints = 4;

/** Pairs that have code in common, the most alike first; of each at least `least` of the smaller one. */
export function likenesses(all: readonly Fingerprints[], least: number): readonly Likeness[] {
  const enough = all
    .filter(({ hashes }) => hashes.length >= leastFingerprints)
    .toSorted((a, b) => byName(a.student, b.student));
  const sets = enough.map(({ hashes }) => new Set(hashes));
  const found: Likeness[] = [];
  for (const [n, { student: a }] of enough.entries())
    for (let m = n + 1; m < enough.length; m++) {
      const [small, large] = sets[n]!.size <= sets[m]!.size ? [sets[n]!, sets[m]!] : [sets[m]!, sets[n]!];
      let common = 0;
      for (const one of small) if (large.has(one)) common++;
      const part = common / small.size;
      if (part >= least) found.push({ a, b: enough[m]!.student, part, common });
    }
  return found.sort((x, y) => y.part - x.part || y.common - x.common || byName(x.a, y.a) || byName(x.b, y.b));
}
