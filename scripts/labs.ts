/** The labs as the extension offers them: what students get of each, in one file, for the editor in the browser cannot list folders of an extension. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCourse } from "../cli/grade/material.ts";
import { nodeIo } from "../cli/io.ts";
import { labNames, shippedLab } from "../cli/lab/shipped.ts";
import { studentBundle } from "../grader/bundle.ts";

/** Files of labs are texts. */
const text = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);

export function labsFile(): string {
  const labs = labNames().map((name) => {
    const course = readCourse(nodeIo, shippedLab(name));
    if (!course) throw new Error(`${name} has errors.`);
    const { assignment, material } = course;
    const readme =
      assignment.text === undefined
        ? []
        : [[assignment.text, readFileSync(join(shippedLab(name), assignment.text))] as const];
    const { files } = studentBundle(assignment, material, new Map(readme));
    return {
      name,
      title: assignment.title,
      points: assignment.checks.reduce((sum, { points, hidden }) => sum + (hidden ? 0 : points), 0),
      files: Object.fromEntries([...files].map(([file, bytes]) => [file, text(bytes)])),
    };
  });
  return `${JSON.stringify(labs)}\n`;
}

export const writeLabs = (folder: string): void => writeFileSync(join(folder, "labs.json"), labsFile());
