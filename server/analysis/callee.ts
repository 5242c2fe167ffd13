import { type Code, isAboutInterrupts, switchesMode } from "./code.ts";

/** What a routine may do to the state of its caller, beside the registers. */
export interface Callee {
  readonly switchesMode: boolean;
  readonly setsInterrupts: boolean;
  readonly identifies: boolean;
}

const anything: Callee = { switchesMode: true, setsInterrupts: true, identifies: true };
/** Instructions of a routine, with those of the routines it calls, that are looked at. */
const most = 400;

function visit(code: Code, n: number, visited: Set<number>, waiting: number[]): Callee | undefined {
  const { row } = code.mentions[n]!;
  const go = (to: number | undefined) => {
    if (to === undefined || visited.has(to)) return;
    visited.add(to);
    waiting.push(to);
  };
  const mnemonic = row?.mnemonic ?? "";
  const branches = row?.operands[0]?.kind === "relative";
  if (branches) go(code.target(n));
  const ends = mnemonic === "ret" || mnemonic === "jmp" || mnemonic === "retf" || mnemonic.startsWith("iret");
  if (!ends) go(code.after(n));
  if (!row) return undefined;
  return {
    // A RETF or IRET of the routine returns to its caller.
    switchesMode: switchesMode(row) && !/^(retf|iret)/.test(mnemonic),
    setsInterrupts: isAboutInterrupts(row),
    identifies: mnemonic === "cpuid",
  };
}

/** What the routine at `entry` may do, as far as its jumps and calls show. */
export function calleeAt(code: Code, entry: number | undefined): Callee {
  if (entry === undefined) return anything;
  const visited = new Set([entry]);
  const waiting = [entry];
  const found = { switchesMode: false, setsInterrupts: false, identifies: false };
  for (let n = waiting.pop(); n !== undefined; n = waiting.pop()) {
    if (visited.size > most) return anything;
    const facts = visit(code, n, visited, waiting);
    found.switchesMode ||= facts?.switchesMode === true;
    found.setsInterrupts ||= facts?.setsInterrupts === true;
    found.identifies ||= facts?.identifies === true;
  }
  return found;
}
