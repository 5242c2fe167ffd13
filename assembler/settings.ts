import { techniques } from "../isa/technique.ts";
import type { Settings } from "./interface.ts";
import { didYouMean } from "./suggest.ts";

/** What can be said in `%pragma ringside KEY VALUE`: how a value is read, or why it is wrong. */
interface Setting {
  /** Values to choose from, if there are few. */
  readonly choices?: readonly string[];
  readonly read?: (text: string) => Settings | string;
}

export const endings = [
  "halted",
  "triple-fault",
  "shutdown",
  "reset",
  "vm-entry-failure",
  "vmx-abort",
  "unsupported",
  "ran-off-code",
  "debug-exit",
  "limit",
] as const;

const settings: Readonly<Record<keyof Settings, Setting>> = {
  mode: { choices: ["real", "protected", "long", "xen"] },
  cpl: { read: readPrivilege },
  technique: { choices: techniques.map((technique) => technique.id) },
  memory: { read: readMemory },
  processors: { read: readProcessors },
  ends: { choices: endings },
  output: { read: (text) => ({ output: unescaped(text) }) },
};

function readMemory(text: string): Settings | string {
  const memory = Number(text);
  const fits = Number.isInteger(memory) && memory >= 1 && memory <= 1024;
  return fits ? { memory } : "The memory of a guest is a whole number of MiB from 1 to 1024.";
}

function readProcessors(text: string): Settings | string {
  const processors = Number(text);
  const fits = Number.isInteger(processors) && processors >= 1 && processors <= 64;
  return fits ? { processors } : "A guest has from 1 to 64 processors.";
}

function readPrivilege(text: string): Settings | string {
  const cpl = ([0, 1, 2, 3] as const).find((level) => text === String(level));
  return cpl === undefined ? "A privilege level is 0, 1, 2 or 3." : { cpl };
}

/** Quotes around the text are optional; `\n`, `\t` and `\\` are understood. */
function unescaped(text: string): string {
  const inner = /^(["'`])(.*)\1$/.exec(text)?.[2] ?? text;
  const named: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
  return inner.replace(/\\(.)/g, (_, letter: string) => named[letter] ?? letter);
}

/** Reads `KEY VALUE`; a string says what is wrong. */
export function readSetting(text: string): Settings | string {
  const [, key = "", value = ""] = /^(\S*)\s*(.*?)\s*$/.exec(text.trim()) ?? [];
  const names = Object.keys(settings);
  if (!names.includes(key))
    return `There is no setting “${key}”.${didYouMean(key, names)} The settings are ${names.join(", ")}.`;
  const { choices, read } = settings[key as keyof Settings];
  if (read) return read(value);
  if (choices?.includes(value)) return { [key]: value };
  return `“${value}” is not a value of ${key}.${didYouMean(value, choices ?? [])} Choose from ${choices?.join(", ")}.`;
}
