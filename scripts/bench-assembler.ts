/**
 * Times the assembler against nasm on a generated program: `node scripts/bench-assembler.ts [lines …]`, by default 10,000
 * and 100,000 lines. "cold" is an assembly of text never seen before, "again" the same text once more, "edited" the text
 * with one line changed. The output is compared byte for byte.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assemble } from "../assembler/index.ts";

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

function time<T>(work: () => T): { readonly result: T; readonly ms: number } {
  const start = performance.now();
  const result = work();
  return { result, ms: performance.now() - start };
}

function runNasm(directory: string, text: string): { readonly ms: number; readonly bytes: Uint8Array | undefined } {
  const [source, output] = [join(directory, "bench.asm"), join(directory, "bench.bin")];
  writeFileSync(source, text);
  const { result, ms } = time(() => spawnSync("nasm", ["-f", "bin", "-o", output, source], { encoding: "utf8" }));
  if (result.error) return { ms: Number.NaN, bytes: undefined };
  if (result.status !== 0) throw new Error(`nasm refuses the program: ${result.stderr.slice(0, 500)}`);
  return { ms, bytes: readFileSync(output) };
}

function measure(directory: string, lines: number): void {
  const rounds = lines > 50_000 ? 3 : 7;
  const times = { cold: [] as number[], again: [] as number[], edited: [] as number[], nasm: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const text = generate(lines, lines + round);
    const cold = time(() => assemble({ file: "bench.asm", text }));
    const [problem] = cold.result.problems;
    if (problem) throw new Error(`line ${problem.range.line + 1}: ${problem.message}`);
    times.cold.push(cold.ms);
    times.again.push(time(() => assemble({ file: "bench.asm", text })).ms);
    const edited = text.replace("    ret\n", `    mov eax, ${round + 7_000_000}\n`);
    times.edited.push(time(() => assemble({ file: "bench.asm", text: edited })).ms);
    const nasm = runNasm(directory, text);
    times.nasm.push(nasm.ms);
    if (nasm.bytes && Buffer.compare(cold.result.bytes, nasm.bytes) !== 0) throw new Error("the bytes differ");
  }
  const best = (list: readonly number[]) => `${Math.min(...list).toFixed(0)} ms`.padStart(9);
  console.log(`${lines} lines, best of ${rounds}, bytes equal to nasm's:`);
  for (const [name, list] of Object.entries(times)) console.log(`  ${name.padEnd(7)} ${best(list)}`);
}

const sizes = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), "ringside-bench-"));
try {
  for (const text of [generate(3000, 1), generate(3000, 2), generate(3000, 3)]) assemble({ file: "warm-up.asm", text });
  for (const lines of sizes.length > 0 ? sizes : [10_000, 100_000]) measure(directory, lines);
} finally {
  rmSync(directory, { recursive: true });
}
