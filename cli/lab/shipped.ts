import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Where the labs are that come with Ringside. */
const folder = join(import.meta.dirname, "../../examples/labs");

/** Their folders' names, each beginning with its number. */
export const labNames = (): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

export const shippedLab = (name: string): string => join(folder, name);

/** The folder of a lab that is named by its number, its name, or itself a folder. */
export function labFolder(lab: string): string {
  const number = /^\d+$/.test(lab) ? lab.padStart(2, "0") : undefined;
  const name = labNames().find((one) => one === lab || (number !== undefined && one.startsWith(`${number}-`)));
  return name === undefined ? lab : shippedLab(name);
}
