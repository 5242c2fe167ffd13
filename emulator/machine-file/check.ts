import type { Schema } from "./schema.ts";

/** A wrong field: its path as one would write it in JavaScript, and what is wrong, with the remedy. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

const nouns: Record<NonNullable<Schema["type"]>, string> = {
  object: "an object",
  array: "a list",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  string: "a text",
};

const typeOf = (value: unknown): string => (Array.isArray(value) ? "array" : value === null ? "null" : typeof value);
const isOf = (value: unknown, type: NonNullable<Schema["type"]>): boolean =>
  type === "integer" ? Number.isSafeInteger(value) : typeOf(value) === type;

const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
};

export const join = (path: string, key: string | number): string =>
  typeof key === "number" ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;

const field = (path: string): string => (path === "" ? "The file" : path);

/** What of a value is not as the schema has it. References in the schema are to the definitions of `root`. */
export function check(value: unknown, given: Schema, path = "", root = given): FieldProblem[] {
  const schema = given.$ref === undefined ? given : definition(given.$ref, root);
  if (schema.oneOf) return checkOne(value, schema.oneOf, path, root);
  const { type } = schema;
  if (type && !isOf(value, type))
    return [{ path, message: `${field(path)} must be ${nouns[type]}, not ${shown(value)}.` }];
  const message = bounds(value, schema);
  if (message) return [{ path, message: `${field(path)} must be ${message}; it is ${shown(value)}.` }];
  if (Array.isArray(value) && schema.items)
    return value.flatMap((item, n) => check(item, schema.items!, join(path, n), root));
  if (type === "object" && schema.properties) return checkObject(value as Record<string, unknown>, schema, path, root);
  return [];
}

const definitions = "#/definitions/";
export const reference = (name: string): Schema => ({ $ref: `${definitions}${name}` });
const definition = (reference: string, root: Schema): Schema => root.definitions![reference.slice(definitions.length)]!;

function bounds(value: unknown, schema: Schema): string | undefined {
  const { minimum, maximum, minLength, pattern, minItems, maxItems } = schema;
  const choices = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (choices && !choices.includes(value as string)) return `one of ${choices.map((one) => `"${one}"`).join(", ")}`;
  if (minimum !== undefined && (value as number) < minimum) return `at least ${minimum}`;
  if (maximum !== undefined && (value as number) > maximum) return `at most ${maximum}`;
  if (minLength !== undefined && value === "") return "a text that is not empty";
  if (minItems !== undefined && (value as unknown[]).length < minItems) return `a list of at least ${minItems}`;
  if (maxItems !== undefined && (value as unknown[]).length > maxItems) return `a list of at most ${maxItems}`;
  if (pattern !== undefined && !new RegExp(pattern).test(value as string))
    return `${schema.description?.toLowerCase().replace(/\.$/, "")}`;
  return undefined;
}

function checkObject(value: Record<string, unknown>, schema: Schema, path: string, root: Schema): FieldProblem[] {
  const properties = schema.properties!;
  const missing = (schema.required ?? [])
    .filter((key) => !Object.hasOwn(value, key))
    .map((key) => ({ path, message: `${join(path, key)} is missing.` }));
  const fields = Object.entries(value).flatMap(([key, item]) => {
    const place = join(path, key);
    if (Object.hasOwn(properties, key)) return check(item, properties[key]!, place, root);
    return [{ path: place, message: `There is no field ${place}; there are ${Object.keys(properties).join(", ")}.` }];
  });
  return [...missing, ...fields];
}

/** By the kind it names, or by its type. */
function checkOne(value: unknown, schemas: readonly Schema[], path: string, root: Schema): FieldProblem[] {
  const byType = schemas.filter(({ type }) => type && isOf(value, type));
  if (byType.length === 0) {
    const types = [...new Set(schemas.map(({ type }) => nouns[type!]))].join(" or ");
    return [{ path, message: `${field(path)} must be ${types}, not ${shown(value)}.` }];
  }
  if (byType.length === 1) return check(value, byType[0]!, path, root);
  const { kind } = value as Record<string, unknown>;
  const kinds = byType.map(({ properties }) => properties?.["kind"]?.const);
  const chosen = byType[kinds.indexOf(kind as string)];
  if (chosen) return check(value, chosen, path, root);
  const place = join(path, "kind");
  return [
    {
      path: kind === undefined ? path : place,
      message: `${place} must be one of ${kinds.map((one) => `"${one}"`).join(", ")}.`,
    },
  ];
}
