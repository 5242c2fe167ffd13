/** Writes docs/matrix.md: what becomes of each sensitive instruction under each technique, as the table has it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { outcomeOf } from "../isa/outcome.ts";
import { techniques } from "../isa/technique.ts";
import { cases, decodedOf } from "../test/emulator/matrix/cases.ts";

/** Paravirtual guests are other guests: what Xen does with their instructions is in docs/hypercalls.md. */
const shown = techniques.filter((technique) => technique.kernel !== "hypercalls");

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;

const rows = cases.map((given) => {
  const outcomes = shown.map((technique) => outcomeOf(decodedOf(given), technique));
  return row([
    `\`${given.instruction}\``,
    ...outcomes.map((outcome) => (outcome === "silently wrong" ? `**${outcome}**` : outcome)),
  ]);
});

export const matrixText = `# What becomes of each sensitive instruction

What a guest's kernel, which believes to be in ring 0 of 32-bit protected mode, gets when it executes a sensitive
instruction:

- **runs**: the processor executes it, and the guest gets what it would get on its own machine
- **traps**: it leaves the guest, and the hypervisor carries it out
- **is rewritten**: other instructions are executed in its place
- **silently wrong**: the processor executes it without a trap, and the guest gets something else

Written by \`node scripts/matrix.ts\` from the instruction table (\`isa/outcome.ts\`). \`test/emulator/matrix\` executes each
instruction under each technique beside the bare machine, and fails where something else happens than is written here.
What can be either is shown where it shows: LSL, VERR and VERW of a selector with RPL 1, SLDT with a descriptor table loaded.

${row(["Instruction", ...shown.map(({ title }) => title)])}${row(["---", ...shown.map(() => "---")])}${rows.join("")}`;

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, "..", "docs", "matrix.md"), matrixText);
  console.log("wrote docs/matrix.md");
}
