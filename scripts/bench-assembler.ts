/**
 * Times the assembler against nasm on a generated program, and one-line edits of it against its full assembly:
 * `npm run bench:assembler [lines …]`, by default 100,000 lines. All times are CPU time, medians of several. The bytes of
 * full assemblies are compared with nasm's, those after edits with full assemblies.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Assembler, assemble } from "../assembler/index.ts";

/** Lines in the proportions of real boot and kernel code. `salt` makes each text new to the assembler's line cache. */
function generate(lines: number, salt: number): string {
  const out = ["bits 32", "org 0x100000"];
  let seed = salt;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % n;
  };
  const registers = ["eax", "ecx", "edx", "ebx", "esi", "edi", "ebp"];
  const register = () => registers[random(registers.length)];
  const blocks = Math.ceil(lines / 12);
  let block = 0;
  const label = () => `l${salt}_${Math.min(blocks - 1, Math.max(0, block - 8 + random(16)))}`;
  const shapes: readonly (() => string)[] = [
    () => `    mov ${register()}, ${register()}`,
    () => `    mov ${register()}, ${random(100_000)} ; a constant`,
    () => `    mov ${register()}, [${register()}+${register()}*4+${random(300)}]`,
    () => `    mov [${label()}+${random(8)}], ${register()}`,
    () => `    add ${register()}, ${random(300)}`,
    () => `    cmp byte [${register()}+${random(200)}], '${String.fromCharCode(97 + random(26))}'`,
    () => `    jnz ${label()}`,
    () => `    jmp ${label()}`,
    () => `    call ${label()}`,
    () => `    push ${register()}`,
    () => `    pop ${register()}`,
    () => `    lea ${register()}, [${label()}]`,
    () => `    dd ${random(1000)}, ${label()}, ${random(1000)}+${random(9)}*4`,
    () => `    db "text ${random(5000)}", 13, 10, 0`,
    () => "    ret",
    () => "; only a comment",
  ];
  for (let n = 0; n < lines; n++) {
    block = Math.floor(n / 12);
    out.push(n % 12 === 0 ? `l${salt}_${block}:` : shapes[random(shapes.length)]!());
  }
  return `${out.join("\n")}\n`;
}

/** Milliseconds of CPU time, which others on the machine do not lengthen. */
function time<T>(work: () => T): { readonly result: T; readonly ms: number } {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  return { result, ms: (user + system) / 1000 };
}

/** CPU time of nasm, as its shell reports it. */
function runNasm(directory: string, text: string): { readonly ms: number; readonly bytes: Uint8Array | undefined } {
  const [source, output] = [join(directory, "bench.asm"), join(directory, "bench.bin")];
  writeFileSync(source, text);
  const { status, stderr } = spawnSync(
    "bash",
    ["-c", `TIMEFORMAT='%U %S'; time nasm -f bin -o "${output}" "${source}"`],
    {
      encoding: "utf8",
    },
  );
  const times = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(stderr);
  if (/not found/.test(stderr) || !times) return { ms: Number.NaN, bytes: undefined };
  if (status !== 0) throw new Error(`nasm refuses the program: ${stderr.slice(0, 500)}`);
  return { ms: 1000 * (Number(times[1]) + Number(times[2])), bytes: readFileSync(output) };
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
const shown = (ms: number): string => `${ms.toFixed(ms < 100 ? 1 : 0)} ms`.padStart(10);

/** One-line edits; `k` makes each new. */
const edits: Readonly<Record<string, (lines: string[], n: number, k: number) => void>> = {
  "a comment": (lines, n, k) => {
    lines[n] = `${lines[n]} ; ${k}`;
  },
  "a number, same size": (lines, n, k) => {
    lines[n] = `    mov eax, ${1_000_000 + k}`;
  },
  "an instruction, other size": (lines, n, k) => {
    lines[n] = k % 2 ? "    nop" : `    mov eax, ${k}`;
  },
  "data, other size": (lines, n, k) => {
    lines[n] = `    db "${"x".repeat(k)}"`;
  },
  "a line inserted": (lines, n) => {
    lines.splice(n, 0, "    push eax");
  },
  "a line deleted": (lines, n) => {
    lines.splice(n, 1);
  },
  "a label's name": (lines, n, k) => {
    lines[n] = `name${k}:`;
  },
};

/** The line at or after `at` that is, or is not, a label. */
function lineFrom(lines: readonly string[], at: number, isLabel: boolean): number {
  return lines.findIndex((line, n) => n >= at && line.endsWith(":") === isLabel && line !== "");
}

interface EditTimes {
  /** To problems, and to the bytes as well. */
  readonly problems: number[];
  readonly bytes: number[];
  followed: number;
}

function measureEdit(text: string, assembler: Assembler, kind: string, at: number): EditTimes {
  const times: EditTimes = { problems: [], bytes: [], followed: 0 };
  assembler.assemble(text);
  const lines = text.split("\n");
  const n = lineFrom(lines, at, kind === "a label's name");
  for (let k = 0; k < 9; k++) {
    edits[kind]!(lines, n, k);
    const next = lines.join("\n");
    const { result, ms } = time(() => {
      const assembly = assembler.assemble(next);
      return { assembly, problems: assembly.problems };
    });
    times.problems.push(ms);
    times.bytes.push(ms + time(() => result.assembly.bytes).ms);
    if (assembler.followed) times.followed++;
    if (k > 0) continue;
    const whole = assemble({ file: "bench.asm", text: next });
    if (Buffer.compare(whole.bytes, result.assembly.bytes) !== 0) throw new Error(`${kind}: the bytes differ`);
    if (whole.problems.length !== result.problems.length) throw new Error(`${kind}: the problems differ`);
  }
  return times;
}

function measure(directory: string, lines: number): void {
  const full: number[] = [];
  const nasm: number[] = [];
  let text = "";
  for (let round = 0; round < (lines > 50_000 ? 3 : 7); round++) {
    text = generate(lines, lines + round);
    const cold = time(() => {
      const assembly = assemble({ file: "bench.asm", text });
      return { problems: assembly.problems, bytes: assembly.bytes };
    });
    const [problem] = cold.result.problems;
    if (problem) throw new Error(`line ${problem.range.line + 1}: ${problem.message}`);
    full.push(cold.ms);
    const theirs = runNasm(directory, text);
    nasm.push(theirs.ms);
    if (theirs.bytes && Buffer.compare(cold.result.bytes, theirs.bytes) !== 0) throw new Error("the bytes differ");
  }
  const [ours, theirs] = [median(full), median(nasm)];
  console.log(
    `${lines} lines: full ${shown(ours)}, nasm ${shown(theirs)}; full / nasm = ${(ours / theirs).toFixed(2)} (aim: at most 3)`,
  );
  const before = process.memoryUsage();
  const assembler = new Assembler({ file: "bench.asm" });
  assembler.assemble(text);
  const after = process.memoryUsage();
  console.log(
    `  an assembler that follows edits keeps ${((after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 1e6).toFixed(0)} MB`,
  );
  console.log("  one line edited            where    to problems    to bytes   full / edit   followed");
  for (const kind of Object.keys(edits))
    for (const [where, at] of [
      ["begin", 20],
      ["middle", lines >> 1],
      ["end", lines - 30],
    ] as const) {
      const { problems, bytes, followed } = measureEdit(text, assembler, kind, at);
      const ratio = (ours / median(problems)).toFixed(0).padStart(8);
      console.log(
        `  ${kind.padEnd(26)} ${where.padEnd(7)} ${shown(median(problems))} ${shown(median(bytes))} ${ratio}      ${followed} of 9`,
      );
    }
}

const directory = mkdtempSync(join(tmpdir(), "ringside-bench-"));
try {
  for (const text of [generate(3000, 1), generate(3000, 2), generate(3000, 3)]) assemble({ file: "warm-up.asm", text });
  const sizes = process.argv.slice(2).map(Number);
  for (const lines of sizes.length > 0 ? sizes : [100_000]) measure(directory, lines);
} finally {
  rmSync(directory, { recursive: true });
}
