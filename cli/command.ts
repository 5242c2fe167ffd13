import { parseArgs } from "node:util";
import { type ExitCode, UsageError } from "./exit-code.ts";
import type { Io } from "./io.ts";

/** An option of a command. */
export interface Option {
  readonly short?: string;
  /** What stands for its value in the help; without it the option is a switch. */
  readonly value?: string;
  /** May be given more than once. */
  readonly multiple?: true;
  readonly doc: string;
}

/** The arguments of a command, checked against its options. */
export interface Arguments {
  /** The first operand, and all of them. */
  readonly file: string;
  readonly files: readonly string[];
  flag(name: string): boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
}

export interface Command {
  readonly name: string;
  /** What it is given, where that is not one file. */
  readonly operands?: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What it does, prints and exits with. */
  readonly details: string;
  readonly options: Readonly<Record<string, Option>>;
  run(args: Arguments, io: Io): Promise<ExitCode> | ExitCode;
}

/** What `parseArgs` found wrong, as a short sentence. */
function optionProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const option = /'((?:-\w, )?-[^' ]*)/.exec(message)?.[1];
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION" && option) return `There is no option ${option}.`;
  if (code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE" && option)
    return message.includes("does not take") ? `${option} takes no value.` : `${option} needs a value.`;
  throw error;
}

/** Reads a command line. Throws `UsageError` with a plain sentence for anything that does not fit. */
export function parseArguments({ name, operands, options }: Command, args: readonly string[]): Arguments {
  const specification = Object.fromEntries(
    Object.entries(options).map(([option, { short, value, multiple }]) => [
      option,
      {
        type: value ? ("string" as const) : ("boolean" as const),
        ...(short && { short }),
        ...(multiple && { multiple: true }),
      },
    ]),
  );
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options: specification, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${optionProblem(error)} See: ringside ${name} --help`);
  }
  const { values, positionals } = parsed;
  const [file, ...more] = positionals;
  if (file === undefined)
    throw new UsageError(`Name a file: ringside ${name} ${operands ?? "FILE"}. See: ringside ${name} --help`);
  if (more.length > 0 && operands === undefined) throw new UsageError(`One file at a time: what is “${more[0]}”?`);
  return {
    file,
    files: positionals,
    flag: (option) => values[option] === true,
    text: (option) => values[option] as string | undefined,
    texts: (option) => (values[option] as string[] | undefined) ?? [],
  };
}

/** The value of an option as a whole number of at least `least`. */
export function wholeNumber(args: Arguments, option: string, least: number): number | undefined {
  const text = args.text(option);
  if (text === undefined) return undefined;
  const value = /^(0x[\da-f]+|\d+)$/i.test(text.replaceAll("_", "")) ? Number(text.replaceAll("_", "")) : Number.NaN;
  if (!(value >= least && Number.isSafeInteger(value)))
    throw new UsageError(`--${option} needs a whole number of at least ${least}, not “${text}”.`);
  return value;
}

const optionText = (name: string, { short, value }: Option): string =>
  `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;

/** The help of one command. */
export function commandHelp({ name, operands = "FILE", summary, details, options }: Command): string {
  const rows = Object.entries(options).map(([option, of]) => [optionText(option, of), of.doc] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  const list = rows.map(([left, doc]) => `  ${left.padEnd(width)}  ${doc}\n`).join("");
  return `Usage: ringside ${name} ${operands} [options]\n\n${summary}\n\n${details}\n\nOptions:\n${list}`;
}
