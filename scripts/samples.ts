/** The examples as the extension offers them, in one file, for the editor in the browser cannot list folders of an extension. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "examples");

export function samplesFile(): string {
  const names = readdirSync(folder).filter((name) => name.endsWith(".asm"));
  const samples = names.map((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const [first = ""] = text.split("\n");
    return { name, title: first.replace(/^;\s*/, ""), text };
  });
  return `${JSON.stringify(samples)}\n`;
}

export const writeSamples = (into: string): void => writeFileSync(join(into, "samples.json"), samplesFile());
