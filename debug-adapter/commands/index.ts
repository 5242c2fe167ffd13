import type { Subject } from "../evaluate.ts";
import { Refusal } from "../requests.ts";
import type { Command, Context } from "./command.ts";
import { descriptorCommands } from "./descriptor-tables.ts";
import { domainCommands } from "./domains.ts";
import { recordCommands } from "./record.ts";
import { schedulingCommands } from "./scheduling.ts";
import { stateCommands } from "./state.ts";
import { columnsText } from "./table-text.ts";

const usage = ({ name, parameters }: Command): string => `${name} ${parameters}`.trimEnd();

const help: Command = {
  name: "help",
  parameters: "[COMMAND]",
  what: "This list, or one of its commands.",
  words: () => commands.map(({ name }) => name),
  run: (_, argument) => {
    if (argument === "")
      return `${columnsText(commands.map((command) => [usage(command), command.what]))}\nAnything else is an expression, or an assignment: "eax = 5", "byte [label] = 'x'", "vmcs.guest_rflags = 2".`;
    const found = commands.find(({ name }) => name === argument.toLowerCase());
    if (!found) throw new Refusal(`There is no command "${argument}": "help" lists them all.`);
    return `${usage(found)}\n${found.what}`;
  },
};

/** The commands of the debug console, in alphabetical order. `docs/debugger.md` has the same list. */
export const commands: readonly Command[] = [
  ...stateCommands,
  ...recordCommands,
  ...descriptorCommands,
  ...schedulingCommands,
  ...domainCommands,
  help,
].sort((a, b) => (a.name < b.name ? -1 : 1));

/** The command that a line of the debug console begins with, and what follows; a name in parentheses is an expression. */
export function commandIn(line: string): { readonly command: Command; readonly argument: string } | undefined {
  const groups = /^\s*(?<name>[a-z]+)(?:\s+(?<argument>[^=\s].*)?)?$/is.exec(line)?.groups;
  const command = commands.find(({ name }) => name === groups?.["name"]?.toLowerCase());
  return command && { command, argument: (groups?.["argument"] ?? "").trim() };
}

/** Words that may stand at a column (0-based) of a line as a command or after one. */
export function commandWords(
  subject: Subject,
  text: string,
  column: number,
): readonly { label: string; start: number; length: number }[] {
  const before = text.slice(0, column);
  const [, name, gap, word = ""] = /^\s*([a-z]*)(\s+)?(.*)$/is.exec(before) ?? [];
  if (gap === undefined && word !== "") return [];
  if (gap === undefined)
    return matching(
      commands.map((command) => command.name),
      name ?? "",
      column,
    );
  const words = commands.find((command) => command.name === name?.toLowerCase())?.words?.(subject) ?? [];
  return matching(words, word, column);
}

const matching = (words: readonly string[], typed: string, column: number) =>
  words
    .filter((word) => word.toLowerCase().startsWith(typed.toLowerCase()))
    .map((label) => ({ label, start: column - typed.length, length: typed.length }));

export type { Context };
