import { formats } from "../../grader/formats/index.ts";
import { forStudent, type Grades } from "../../grader/grades.ts";
import type { Arguments, Option } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import type { Io } from "../io.ts";

const names = formats.map(({ name }) => name).join(", ");

/** Options of commands that have grades to tell. */
export const outputOptions = {
  format: { value: "F", doc: `what is printed: ${names} (default table)` },
  write: { value: "F=FILE", multiple: true, doc: "write grades in format F into FILE as well" },
  "for-students": { doc: "of hidden checks tell only whether they were passed" },
} as const satisfies Readonly<Record<string, Option>>;

interface Output {
  readonly format: (typeof formats)[number];
  /** Undefined: standard output. */
  readonly file: string | undefined;
}

function formatNamed(name: string): Output["format"] {
  const found = formats.find((format) => format.name === name);
  if (!found) throw new UsageError(`There is no format “${name}”; there are ${names}.`);
  return found;
}

/** What is to be written where. @throws UsageError */
export function outputsOf(args: Arguments): readonly Output[] {
  const files = args.texts("write").map((text) => {
    const [, name, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (name === undefined) throw new UsageError(`--write needs FORMAT=FILE, not “${text}”.`);
    return { format: formatNamed(name), file };
  });
  return [{ format: formatNamed(args.text("format") ?? "table"), file: undefined }, ...files];
}

/** Says if there are too many submissions for a format. @throws UsageError */
export function checkOutputs(outputs: readonly Output[], submissions: number): void {
  const single = outputs.find(({ format }) => format.isSingle);
  if (single && submissions !== 1)
    throw new UsageError(`The format ${single.format.name} is of one submission; these are ${submissions}.`);
}

/** Prints and writes grades. */
export function putOut(args: Arguments, io: Io, outputs: readonly Output[], grades: Grades): void {
  const told = args.flag("for-students") ? { ...grades, results: grades.results.map(forStudent) } : grades;
  for (const { format, file } of outputs) {
    const text = format.write(told);
    if (file === undefined) io.out(text);
    else io.writeBytes(file, new TextEncoder().encode(text));
  }
}
