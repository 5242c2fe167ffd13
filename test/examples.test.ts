import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { defaultSteps } from "../cli/source-options.ts";
import { configurationProblem, Machine } from "../emulator/index.ts";
import { defaultTechnique, type TechniqueId } from "../isa/technique.ts";
import { assembledFile, configurationOf, outputOf } from "./emulator/machine/program.ts";

const folder = join(import.meta.dirname, "../examples");
const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
  // Those of machine files, which say how they end, are tested with them.
  .filter((name) => name.endsWith(".asm") && !/^(labs|schedule)/.test(name))
  .sort();
const techniques = [
  "bare-metal",
  "trap-and-emulate",
  "binary-translation",
  "paravirtualization",
  "vtx-shadow",
  "vtx-ept",
  "svm-npt",
  "svm-shadow",
] as const satisfies readonly TechniqueId[];

/** What an example prints under a technique where that is not what its pragma says: the point of the example. */
const elsewhere: Readonly<Record<string, (technique: TechniqueId, output: string) => string>> = {
  "silent-lies.asm": (technique, output) =>
    technique === "trap-and-emulate" ? output : output.replaceAll("lies", "tells the truth"),
  "ring-compression.asm": (technique, output) =>
    technique === "trap-and-emulate" ? output : output.replaceAll("kernel: CPL 3", "kernel: CPL 0"),
  "hypervisor.asm": (technique, output) => (technique === "bare-metal" ? output : "no VMX\n"),
  "hypervisor-views.asm": (technique, output) => (technique === "bare-metal" ? output : "no VMX\n"),
  "hypervisor-steps.asm": (technique, output) => (technique === "bare-metal" ? output : "no VMX\n"),
  "hypervisor-ept.asm": (technique, output) => (technique === "bare-metal" ? output : "no VMX\n"),
  "kvm-clock.asm": (technique, output) => (/^(vtx|svm)-/.test(technique) ? output : "no such clock\n"),
  "hypercall.asm": (technique, output) => (/^(vtx|svm)-/.test(technique) ? output : "no hypervisor\n"),
};

const assemblyOf = (name: string) => assembledFile(join(folder, name));

describe.each(names)("%s", (name) => {
  const assembly = assemblyOf(name);
  const { settings } = assembly;

  test("says how it ends, and can run under its technique", () => {
    expect(settings.ends).toBeDefined();
    const technique = (settings.technique ?? defaultTechnique) as TechniqueId;
    expect(configurationProblem(configurationOf(assembly, { technique }))).toBe(undefined);
  });

  const counts = new Map<TechniqueId, number>();

  test.each(techniques)("runs to its stated end: %s", (technique) => {
    const configuration = configurationOf(assembly, { technique });
    // A technique may refuse a start mode; its own technique may not (above).
    if (configurationProblem(configuration) !== undefined) return;
    const machine = new Machine(configuration);
    const stop = machine.run({ steps: settings.ends === "limit" ? 100_000 : defaultSteps });
    const expected = elsewhere[name]?.(technique, settings.output ?? "") ?? settings.output ?? "";
    expect({ end: stop.kind === "stopped" ? stop.reason : stop.kind, output: outputOf(machine) }).toEqual({
      end: settings.ends,
      output: expected,
    });
    // How long one processor spins for another is a matter of time.
    const alone = (settings.processors ?? 1) === 1;
    if (!elsewhere[name] && settings.ends !== "limit" && alone) counts.set(technique, machine.instructions);
  });

  test("retires the same instructions under each, whoever completes them", () => {
    expect(new Set(counts.values()).size).toBeLessThanOrEqual(1);
  });
});

const nasm = (() => {
  try {
    return execFileSync("nasm", ["-v"], { encoding: "utf8" });
  } catch {
    console.warn("nasm is not installed: examples are not compared with it.");
    return undefined;
  }
})();

describe.skipIf(nasm === undefined)("nasm", () => {
  const directory = mkdtempSync(join(tmpdir(), "ringside-examples-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each(names)("gives the same bytes: %s", (name) => {
    const binary = join(directory, "out.bin");
    execFileSync("nasm", ["-f", "bin", "-I", `${dirname(join(folder, name))}/`, "-o", binary, join(folder, name)]);
    expect(Buffer.from(assemblyOf(name).bytes).toString("hex")).toBe(readFileSync(binary).toString("hex"));
  });
});
