import { compareUnder, type TechniqueRun } from "../emulator/index.ts";
import { utf8Text } from "../emulator/utf8.ts";
import type { TechniqueId } from "../isa/technique.ts";
import type { Loaded, ReadFile } from "./launch.ts";
import { itemAt } from "./program.ts";
import { viewUri } from "./trace-sources.ts";

/** Steps of each run, and instructions compared, where nobody says. */
export const defaultLimit = 20_000_000;

/** The source line of the instruction at which a technique first differs. */
export interface Place {
  readonly file: string;
  readonly uri: string;
  /** From 0. */
  readonly line: number;
  readonly text: string;
}

/** A guest's run under a technique, with the place of its first difference in the source. */
export type ComparedRun = TechniqueRun & { readonly place?: Place };

/** A line of source without what is said about it. */
const statementOf = (line: string): string => (/^(?:[^;"'`]|"[^"]*"|'[^']*'|`[^`]*`)*/.exec(line)?.[0] ?? line).trim();

/** Runs the guest of a launched program again, under a technique and beside the bare machine. */
export async function compareLoaded(
  { machine, program, typeInto }: Pick<Loaded, "machine" | "program" | "typeInto">,
  technique: TechniqueId,
  readFile: ReadFile,
  limit = defaultLimit,
): Promise<ComparedRun> {
  const run = compareUnder(machine.configuration, technique, { limit, prepare: typeInto });
  if (run.refused !== undefined || !run.divergence) return run;
  const item = itemAt(program, BigInt(`0x${run.divergence.address}`));
  if (!item) return run;
  const { file, line } = item.range;
  const bytes = program.source?.(file) ?? (await readFile(file));
  const text = bytes instanceof Uint8Array ? statementOf(utf8Text(bytes).split("\n")[line] ?? "") : "";
  return { ...run, place: { file, uri: viewUri(file), line, text } };
}
