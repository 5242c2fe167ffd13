import { assembleFile } from "../debug-adapter/launch.ts";
import type { TechniqueId } from "../isa/technique.ts";
import { diagnose } from "../server/diagnostics/index.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit-code.ts";
import { requireBytes } from "./io.ts";
import { countText, jsonText, problemJson, problemText } from "./problem-text.ts";
import { includeOption, jsonOption, launchArguments, techniqueOption } from "./source-options.ts";

export const check: Command = {
  name: "check",
  summary: "Prints what is wrong with a program, and which of its instructions break virtualization.",
  details: `Errors and warnings of the assembler, then sensitive unprivileged instructions, graded for the technique given, or
named by the program, or else for any. Exits with 0, or with 1 if there is an error.`,
  options: {
    technique: techniqueOption,
    include: includeOption,
    json: jsonOption,
    help: { doc: "print this" },
  },
  async run(args, io) {
    const launch = launchArguments(args);
    requireBytes(io, args.file);
    const assembly = await assembleFile(launch, async (file) => io.readBytes(file));
    const technique = launch.technique ?? (assembly.settings.technique as TechniqueId | undefined);
    const problems = diagnose(assembly, technique);
    if (args.flag("json"))
      io.out(jsonText({ file: args.file, technique: technique ?? null, problems: problems.map(problemJson) }));
    else {
      for (const problem of problems) io.out(problemText(problem));
      io.out(`${args.file}: ${countText(problems)}\n`);
    }
    return problems.some(({ severity }) => severity === "error") ? exitCode.problems : exitCode.ok;
  },
};
