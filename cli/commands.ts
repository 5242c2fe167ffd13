import { LaunchError } from "../debug-adapter/launch.ts";
import { assembleCommand } from "./assemble.ts";
import { check } from "./check.ts";
import { type Command, commandHelp, parseArguments } from "./command.ts";
import { compareCommand } from "./compare.ts";
import { disassemble } from "./disassemble.ts";
import { type ExitCode, exitCode, UsageError } from "./exit-code.ts";
import { gradeCommand } from "./grade/index.ts";
import type { Io } from "./io.ts";
import { labCommand } from "./lab/index.ts";
import { run } from "./run.ts";
import { schedule } from "./schedule.ts";
import { trace } from "./trace.ts";

/** The commands there are, in the order of the help. */
export const commands: readonly Command[] = [
  run,
  trace,
  compareCommand,
  check,
  assembleCommand,
  disassemble,
  schedule,
  gradeCommand,
  labCommand,
];

export function help(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join("");
  return `Usage: ringside COMMAND FILE [options]\n\nRuns, traces, checks and assembles x86 guests in NASM syntax.\n\nCommands:\n${list}
Exit codes: 0 done, 1 the source has errors, 2 wrong usage, 3 the guest ended badly, 4 limit of steps reached.
Help for one command: ringside COMMAND --help\n`;
}

/** Carries out a command line and gives the exit code of the process. */
export async function ringside(args: readonly string[], io: Io): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined) {
    io.error(help());
    return exitCode.usage;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    const about = commands.find((command) => command.name === rest[0]);
    io.out(about ? commandHelp(about) : help());
    return exitCode.ok;
  }
  try {
    const command = commands.find((candidate) => candidate.name === name);
    if (!command) throw new UsageError(`There is no command “${name}”. See: ringside --help`);
    if (rest.includes("--help") || rest.includes("-h")) {
      io.out(commandHelp(command));
      return exitCode.ok;
    }
    return await command.run(parseArguments(command, rest), io);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof LaunchError)) throw error;
    io.error(`ringside: ${error.message}\n`);
    return exitCode.usage;
  }
}
