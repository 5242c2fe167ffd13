import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeEvent } from "../debug-adapter/event-text.ts";
import { Machine, type MachineEvent } from "../emulator/index.ts";
import { defaultTechnique, type TechniqueId } from "../isa/technique.ts";
import { assembledFile, configurationOf } from "./emulator/machine/program.ts";

const folder = join(import.meta.dirname, "../examples");
const names = ["", "smp/"].flatMap((part) =>
  readdirSync(join(folder, part))
    .filter((name) => name.endsWith(".asm"))
    .map((name) => `${part}${name}`),
);

/** Lines of an example's record: the idea shows in the first ones. */
const mostLines = 200;
const steps = 100_000;

/** What happened, without what it cost. */
const lineOf = (event: MachineEvent): string =>
  `${event.rip}h  ${event.kind}  ${describeEvent(event)
    .replace(/ \(\d+ cycles\)/, "")
    .replace(/ #\d+/, "")}`;

/** Runs of lines that are the same but for the address are one line. */
function folded(lines: readonly string[]): string {
  const groups: { line: string; count: number }[] = [];
  for (const line of lines) {
    const last = groups.at(-1);
    if (last?.line === line) last.count++;
    else groups.push({ line, count: 1 });
  }
  return groups
    .slice(0, mostLines)
    .map(({ line, count }) => (count === 1 ? `${line}\n` : `${line}  × ${count}\n`))
    .join("");
}

test.each(names)("%s: the events that it is there to show", async (name) => {
  const assembly = assembledFile(join(folder, name));
  const technique = (assembly.settings.technique ?? defaultTechnique) as TechniqueId;
  const machine = new Machine(configurationOf(assembly, { technique }));
  machine.run({ steps });
  const events = machine.events(0, Number.MAX_SAFE_INTEGER).filter(({ kind }) => kind !== "walk" && kind !== "screen");
  expect(events.length).toBeGreaterThan(0);
  await expect(folded(events.map(lineOf))).toMatchFileSnapshot(`golden/examples/${name.replace(".asm", ".txt")}`);
});
