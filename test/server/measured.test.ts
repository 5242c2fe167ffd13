import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { load } from "../../debug-adapter/launch.ts";
import { ExitTally } from "../../debug-adapter/measured.ts";
import { programsIn } from "../../debug-adapter/programs.ts";
import type { MeasuredRun } from "../../isa/measurement.ts";
import type { TechniqueId } from "../../isa/technique.ts";
import { comparedAt } from "../../server/analysis/measured.ts";
import { exitHints } from "../../server/features/exit-hints.ts";
import { exitLenses } from "../../server/features/exit-lens.ts";
import { hover } from "../../server/features/hover.ts";
import { Measurement } from "../../server/measurement.ts";
import { analyse, uri } from "../support/marked-source.ts";

const guest = `bits 32
start:  mov ecx, 3
.again: mov al, 'x'
        out 0E9h, al
        loop .again
        mov eax, cr0
        xor eax, 20h
        mov cr0, eax
        cpuid
        hlt`;

const run = (text: string, lines: readonly [number, string, number, number][]): MeasuredRun => ({
  ...{ program: uri, technique: "vtx-ept", costs: "Haswell-2013", cycles: 100_000, dropped: 0 },
  lines: lines.map(([line, reason, count, cycles]) => ({
    ...{ uri, line, text: text.split("\n")[line]! },
    reasons: [{ reason, count, cycles }],
  })),
});

const ran = run(guest, [
  [0, "EPT_VIOLATION", 1, 1500],
  [3, "IO_INSTRUCTION", 3, 3000],
  [7, "CR_ACCESS", 1, 1000],
  [9, "CPUID", 1, 900],
]);

async function ranThen(source: string, technique = "vtx-ept") {
  const marked = await analyse(source, { technique });
  marked.documents.ran(ran);
  return { ...marked, analysis: await marked.documents.analysis(marked.document) };
}

const hints = async (source: string, technique?: string) => {
  const { analysis } = await ranThen(source, technique);
  return exitHints(analysis, uri, 0, 99).map(({ position, label }) => `${position.line + 1} ${label}`);
};

describe("what a run has measured stands beside what was predicted", () => {
  it("in hints: counts, means, what was not reached and where both disagree", async () => {
    expect(await hints(guest)).toEqual([
      "4 IO_INSTRUCTION 789 · 3 ×, 1,000 each",
      "8 ≠ 1 × CR_ACCESS, 1,000 each",
      "9 CPUID 789 · not in the last run",
      "10 HLT 789 · ≠ 1 × CPUID, 900 each",
    ]);
  });

  it("under the technique of the run only", async () =>
    expect(await hints(guest, "svm-npt")).toEqual(["4 VMEXIT_IOIO 789", "9 VMEXIT_CPUID 789", "10 VMEXIT_HLT 789"]));

  it("moves with its lines, and goes with those that are changed", async () => {
    const edited = guest.replace("start:", "; one\n; two\nstart:").replace("mov cr0, eax", "mov cr4, eax");
    expect((await hints(edited)).filter((one) => /×/.test(one))).toEqual([
      "6 IO_INSTRUCTION 789 · 3 ×, 1,000 each",
      "12 HLT 789 · ≠ 1 × CPUID, 900 each",
    ]);
  });

  it("in the lens of a loop", async () => {
    const { analysis } = await ranThen(guest);
    expect(exitLenses(analysis, uri)[0]!.command!.title).toMatch(/; last run: 3 exits, 3,000 cycles, 3 % of all$/);
  });

  it("in the hover, with the sentence about what they disagree on", async () => {
    const { analysis, cursor } = await ranThen(guest.replace("mov cr0", "mo$0v cr0"));
    const { contents } = hover(analysis, uri, cursor!)!;
    const text = typeof contents === "object" && "value" in contents ? contents.value : "";
    expect(text).toContain(
      "**Last run**, VT-x with EPT, Haswell-2013: 1 × CR_ACCESS, 1,000 cycles each (1.0 % of its time).",
    );
    expect(text).toContain("**No exit is predicted here, but 1 CR_ACCESS were measured.");
  });
});

const examples = join(import.meta.dirname, "..", "..", "examples");
const mostSteps = 100_000;

/** Where prediction and measurement of an example disagree: “mov cr0, eax: CR_ACCESS”. */
async function disagreements(name: string, technique: TechniqueId): Promise<string[]> {
  const file = join(examples, name);
  const bytes = readFileSync(file);
  const { machine, programs } = await load({ program: file, technique }, async () => bytes);
  machine.run({ steps: mostSteps });
  const { document, analysis } = await analyse(bytes.toString(), { technique });
  const measuredHere = new ExitTally(machine, programsIn(machine, programs)).measured();
  const lines = measuredHere.lines.map((line) => ({ ...line, uri: document.uri }));
  const measurement = new Measurement({ ...measuredHere, lines }, analysis.lineOf);
  const { assembly, technique: under } = analysis;
  return assembly.mentions.flatMap((mention) => {
    const compared = comparedAt(assembly, mention, under, measurement);
    return compared?.disagreement ? [`${mention.mnemonic}: ${compared.disagreement.split(".")[0]}`] : [];
  });
}

/** What an exit depends on that the text does not show: whether a write changes a bit of CR0 that the hypervisor owns. */
const written = "mov: No exit is predicted here, but 1 CR_ACCESS were measured";

describe("the prediction agrees with what runs measure", () => {
  it.each([
    ["exits.asm", "vtx-ept", [written]],
    ["exits.asm", "vtx-shadow", [written]],
    ["exits.asm", "svm-npt", []],
    ["exits.asm", "svm-shadow", []],
    ["exits.asm", "trap-and-emulate", []],
    ["exits.asm", "binary-translation", []],
    ["ring-compression.asm", "trap-and-emulate", []],
    ["xen-user-mode.asm", "paravirtualization", []],
    ["xen-events.asm", "paravirtualization", []],
    ["user-mode.asm", "vtx-ept", []],
    ["user-mode.asm", "trap-and-emulate", []],
  ] as const)("%s under %s", async (name, technique, wanted) =>
    expect(await disagreements(name, technique)).toEqual(wanted),
  );
});
