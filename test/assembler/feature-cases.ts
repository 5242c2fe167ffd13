import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { OutputFormat } from "../../assembler/index.ts";
import { casesOf } from "./marked-source.ts";

export interface FeatureCase {
  readonly title: string;
  readonly text: string;
  readonly format: OutputFormat;
}

const folder = join(import.meta.dirname, "features");

/** Files of small programs, one for each feature of the language and each way to get it wrong. */
export const featureFiles: readonly string[] = readdirSync(folder).sort();

/** The cases of a file; a title may end in the output format, in parentheses. */
export const featureCases = (file: string): readonly FeatureCase[] =>
  casesOf(readFileSync(join(folder, file), "utf8")).map(({ title, text }) => ({
    title,
    text: `${text}\n`,
    format: (/\((elf32|elf64)\)$/.exec(title)?.[1] ?? "bin") as OutputFormat,
  }));
