import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { layout, ramBase } from "../../../emulator/cpu/layout.ts";
import { codeAt, createProcessor } from "../../support/processor.ts";

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const resultsAt = 0x6_0000;
const resultBytes = 4096;

/** The program is for 64-bit code, and runs natively too: its results are what a real processor makes of it. */
const hasCompiler = process.arch === "x64" && spawnSync("gcc", ["--version"]).status === 0;
if (!hasCompiler) console.info("gcc for x86-64 is not installed: compiled numerical code is not compared");

const code = "-O2 -fno-math-errno -ffp-contract=off -fno-pic -ffreestanding -fno-stack-protector -mno-red-zone".split(
  " ",
);
const plain = "-fno-asynchronous-unwind-tables -fcf-protection=none -c".split(" ");
const flat = `-nostdlib -static -no-pie -Wl,--oformat=binary,--build-id=none,-Ttext=0x${codeAt.toString(16)}`.split(
  " ",
);

const directory = hasCompiler ? mkdtempSync(join(tmpdir(), "ringside-")) : "";
afterAll(() => {
  if (directory) rmSync(directory, { recursive: true });
});

function gcc(name: string, options: readonly string[]): string {
  const output = join(directory, name);
  const { status, stderr } = spawnSync("gcc", [...options, "-o", output], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return output;
}

/** The program as natively executed and as a flat image, of the same object code. */
function build(options: readonly string[]): { native: string; image: Uint8Array } {
  const object = gcc("numbers.o", [...code, ...plain, ...options, file("numbers.c")]);
  const start = gcc("start.o", [...code, ...plain, file("standalone.c")]);
  const native = gcc("native", ["-no-pie", file("native.c"), object]);
  return { native, image: readFileSync(gcc("image", [...flat, start, object])) };
}

function run(image: Uint8Array, threshold: number | undefined): string {
  const options = threshold === undefined ? {} : { threshold };
  const { cpu, engine } = createProcessor({ bits: 64, code: image, ...options });
  cpu.r64[layout.cr4 >> 3]! |= 0x600n;
  cpu.r64[4] = 0x7_fff0n;
  const stop = engine.run({ steps: 2_000_000 });
  expect(stop.kind).toBe("idle");
  return Buffer.from(cpu.bytes.subarray(ramBase + resultsAt, ramBase + resultsAt + resultBytes)).toString("hex");
}

describe.skipIf(!hasCompiler)("compiled numerical code gives what it gives natively", () => {
  it.each([
    ["SSE2", ["-mfpmath=sse"]],
    ["x87", ["-mfpmath=387"]],
    ["SSE2, vectorized", ["-O3", "-mfpmath=sse"]],
  ] as const)("%s", (_, options) => {
    const { native, image } = build(options);
    const expected = spawnSync(native, { encoding: "utf8" }).stdout;
    expect(expected).toMatch(/^[0-9a-f]{8192}$/);
    expect(run(image, undefined)).toBe(expected);
    expect(run(image, 20)).toBe(expected);
  });
});
