import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { codeAt } from "../../support/processor.ts";
import { type Case, type Outcome, windowAt } from "./state.ts";

/** Debian's Python, which has Debian's Unicorn; another one in the path may not. */
const python = "/usr/bin/python3";

export const hasUnicorn = (): boolean => spawnSync(python, ["-c", "import unicorn"]).status === 0;

interface Answer {
  readonly registers: readonly string[];
  readonly ip: string;
  readonly flags: number;
  readonly changes: readonly (readonly [number, number])[];
  readonly fault: number | string | null;
}

const hex = (bytes: Uint8Array | readonly number[]): string => Buffer.from(bytes).toString("hex");

const question = ({ mode, code, registers, flags, patches, straight }: Case): string =>
  JSON.stringify({
    mode,
    code: hex(code),
    at: codeAt,
    registers: registers.map((value) => value.toString(16)),
    flags,
    patches: patches.map(([at, bytes]) => [at, hex(bytes)]),
    until: straight ? codeAt + code.length : 0,
  });

function outcome(line: string): Outcome {
  const { registers, ip, flags, changes, fault } = JSON.parse(line) as Answer;
  return {
    registers: registers.map((value) => BigInt(`0x${value}`)),
    ip: BigInt(`0x${ip}`),
    flags,
    changes: new Map(changes),
    fault: fault ?? undefined,
  };
}

const driver = fileURLToPath(new URL("unicorn-driver.py", import.meta.url));

/** As many cases as one process answers, and what it said if that is not all. */
function answers(shared: string, cases: readonly Case[]): { lines: string[]; complaint: string } {
  const { stdout, stderr } = spawnSync(python, [driver], {
    input: [shared, ...cases.map(question), ""].join("\n"),
    maxBuffer: 2 ** 30,
    encoding: "utf8",
    timeout: 50_000,
  });
  return { lines: stdout.split("\n").slice(0, -1), complaint: stderr };
}

/**
 * Runs all cases on Unicorn, which now and then aborts in its own code generator ("tcg fatal error"): the case it aborts on
 * has no outcome if it does so in a new process too.
 */
export function runOnUnicorn(cases: readonly Case[], base: Uint8Array): (Outcome | undefined)[] {
  const shared = JSON.stringify({ memory: hex(base), at: windowAt });
  const outcomes: (Outcome | undefined)[] = [];
  while (outcomes.length < cases.length) {
    const { lines, complaint } = answers(shared, cases.slice(outcomes.length));
    if (lines.length > 0) outcomes.push(...lines.map(outcome));
    else if (complaint.includes("tcg fatal error")) outcomes.push(undefined);
    else throw new Error(`the Unicorn driver failed: ${complaint}`);
  }
  return outcomes;
}
