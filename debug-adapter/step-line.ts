/** Steps by source line, for code whose lines are several instructions (`Program.stepsBy`). */
import { itemAt, type Program, toLinear } from "./program.ts";
import type { Halt, Runner } from "./run.ts";

/** Instructions between two chances to pause. */
const between = 1000;

interface Line {
  readonly file: string;
  readonly line: number;
  /** Execution enters the line here. */
  readonly entry: boolean;
}

function lineAt(program: Program, linear: bigint): Line | undefined {
  const item = itemAt(program, linear);
  if (!item) return undefined;
  const { file, line } = item.range;
  const entry = program.lines.addresses(file, line).some((address) => toLinear(program, address) === linear);
  return { file, line, entry };
}

/** Calls `one` until the guest enters another line, or the same one again by its beginning. */
export async function untilNextLine(runner: Runner, one: () => Halt | Promise<Halt>): Promise<Halt> {
  const { machine, program } = runner;
  const start = lineAt(program, machine.linearRip);
  for (let n = 1; ; n++) {
    const halt = await one();
    if (halt.kind !== "step" || !start) return halt;
    if (lineAt(program, machine.linearRip)?.entry) return halt;
    if (n % between > 0) continue;
    await runner.surroundings.breathe();
    if (runner.pausing) return { kind: "pause" };
  }
}

/** True where no line is known: code that was built without line numbers. */
export const lineUnknown = ({ machine, program }: Runner): boolean => !lineAt(program, machine.linearRip);
