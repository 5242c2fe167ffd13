import type { Problem } from "../assembler/index.ts";
import { assembleFile } from "../debug-adapter/launch.ts";
import type { TechniqueId } from "../isa/technique.ts";
import { diagnose } from "../server/diagnostics/index.ts";
import type { LineOf } from "../server/diagnostics/suppression.ts";
import type { Command } from "./command.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { type Io, readText, requireBytes } from "./io.ts";
import { countText, jsonText, problemJson, problemText } from "./problem-text.ts";
import { sarifOf } from "./sarif.ts";
import { includeOption, jsonOption, launchArguments, techniqueOption } from "./source-options.ts";

interface Checked {
  readonly file: string;
  readonly technique: TechniqueId | undefined;
  readonly problems: readonly Problem[];
}

/** What the problems of a file are printed as. */
const formats = {
  text: ({ file, problems }: Checked) => `${problems.map(problemText).join("")}${file}: ${countText(problems)}\n`,
  json: ({ file, technique, problems }: Checked) =>
    jsonText({ file, technique: technique ?? null, problems: problems.map(problemJson) }),
  sarif: ({ problems }: Checked) => jsonText(sarifOf(problems)),
} as const;

const isFormat = (name: string): name is keyof typeof formats => name in formats;

/** Lines of files, each read once. */
function linesOf(io: Io): LineOf {
  const files = new Map<string, readonly string[]>();
  return (file, line) => {
    let lines = files.get(file);
    if (!lines) {
      const text = readText(io, file);
      lines = typeof text === "string" ? text.split(/\r\n|\n|\r/) : [];
      files.set(file, lines);
    }
    return lines[line];
  };
}

export const check: Command = {
  name: "check",
  summary: "Prints what is wrong with a program, and which of its instructions break virtualization.",
  details: `Errors and warnings of the assembler, then what the editor says of modes, rings and virtualization, graded for the
technique given, or named by the program, or else for any (docs/diagnostics.md). A comment "; ringside: ignore CODE"
leaves a problem out. Exits with 0, or with 1 if there is an error.`,
  options: {
    technique: techniqueOption,
    include: includeOption,
    format: { value: "F", doc: "text (the default), json, or sarif: SARIF 2.1.0, for code scanning" },
    json: jsonOption,
    help: { doc: "print this" },
  },
  async run(args, io) {
    const format = args.text("format") ?? (args.flag("json") ? "json" : "text");
    if (!isFormat(format))
      throw new UsageError(`--format needs one of ${Object.keys(formats).join(", ")}, not “${format}”.`);
    const launch = launchArguments(args);
    requireBytes(io, args.file);
    const assembly = await assembleFile(launch, async (file) => io.readBytes(file));
    const technique = launch.technique ?? (assembly.settings.technique as TechniqueId | undefined);
    const problems = diagnose(assembly, technique, linesOf(io));
    io.out(formats[format]({ file: args.file, technique, problems }));
    return problems.some(({ severity }) => severity === "error") ? exitCode.problems : exitCode.ok;
  },
};
