/** Values that differ from student to student, and texts in which `${name}` stands for one. */
import { sha256 } from "../debug-adapter/sha256.ts";
import type { FieldProblem } from "../emulator/machine-file/check.ts";
import { utf8 } from "../emulator/utf8.ts";
import type { Parameter } from "./assignment.ts";

export type Values = Readonly<Record<string, string>>;

const placeholder = /\$\{([A-Za-z]\w*)\}/g;

/** The parameters that a text names. */
export const namesOfParameters = (text: string): readonly string[] =>
  [...text.matchAll(placeholder)].map(([, name]) => name!);

const number = (value: number, as: Parameter["as"]): string => {
  if (as !== "hexadecimal") return String(value);
  const digits = value.toString(16).toUpperCase();
  return `${/^\d/.test(digits) ? "" : "0"}${digits}h`;
};

/** A number from 0 to `below` - 1 that depends on nothing but the text. */
const drawn = (text: string, below: number): number =>
  Number(BigInt(`0x${sha256(Uint8Array.from(utf8(text)))}`) % BigInt(below));

/** The parameters of a student: the same for the same name and edition, anywhere. */
export function parameterValues(
  { parameters = [], edition = "" }: { readonly parameters?: readonly Parameter[]; readonly edition?: string },
  student: string,
): Values {
  return Object.fromEntries(
    parameters.map(({ name, from = 0, to = from, as, oneOf }) => {
      const draw = (below: number): number => drawn(JSON.stringify([edition, student, name]), below);
      return [name, oneOf ? String(oneOf[draw(oneOf.length)]) : number(from + draw(to - from + 1), as)];
    }),
  );
}

/** What does not go together in parameters whose fields are well formed. */
export function parameterProblems(parameters: readonly Parameter[]): FieldProblem[] {
  return parameters.flatMap(({ name, from, to, as, oneOf }, n): FieldProblem[] => {
    const path = `parameters[${n}]`;
    if (parameters.findIndex((other) => other.name === name) !== n)
      return [{ path: `${path}.name`, message: `There are two parameters named ${name}.` }];
    if (oneOf) {
      const other = from !== undefined || to !== undefined || as !== undefined;
      return other ? [{ path, message: `${path}: give either oneOf, or from and to.` }] : [];
    }
    if (from === undefined || to === undefined)
      return [{ path, message: `${path} needs from and to, or oneOf with values to choose from.` }];
    if (to < from || (as === "hexadecimal" && from < 0))
      return [{ path: `${path}.to`, message: `There is no number from ${from} to ${to} to choose.` }];
    return [];
  });
}

/** Puts values in the place of `${name}`; other names stay as they are. */
export const filledIn = (text: string, values: Values): string =>
  text.replace(placeholder, (whole, name: string) => (Object.hasOwn(values, name) ? values[name]! : whole));

/** The same in every text of a JSON value. */
export function allFilledIn(value: unknown, values: Values): unknown {
  if (typeof value === "string") return filledIn(value, values);
  if (Array.isArray(value)) return value.map((item) => allFilledIn(item, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, allFilledIn(item, values)]));
}
