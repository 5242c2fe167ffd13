/** JSON as people write it: names without quotes, what is short on one line. */

/** Longest line of a value. */
const width = 150;

/** Reads JSON whose names need no quotes. */
export function parseFlow(text: string): unknown {
  const quoted = text.replaceAll(
    /("(?:[^"\\]|\\.)*")|([{,]\s*)([A-Za-z]\w*)(?=\s*:)/g,
    (whole, literal: string | undefined, before: string, name: string) =>
      literal === undefined ? `${before}"${name}"` : whole,
  );
  return JSON.parse(quoted) as unknown;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A source that is only a name and a path is its path. */
const shortened = (value: unknown): unknown =>
  isObject(value) &&
  typeof value["path"] === "string" &&
  Object.keys(value).every((key) => key === "name" || key === "path")
    ? value["path"]
    : value;

function flat(given: unknown): string {
  const value = shortened(given);
  if (Array.isArray(value)) return `[${value.map(flat).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${fields.map(([key, item]) => `${/^\w+$/.test(key) ? key : JSON.stringify(key)}: ${flat(item)}`).join(", ")}}`;
}

function lines(value: unknown, margin: string, lead: string): string[] {
  const text = flat(value);
  if (margin.length + lead.length + text.length <= width || !(Array.isArray(value) || isObject(value)))
    return [`${margin}${lead}${text}`];
  const inner = `${margin}  `;
  if (Array.isArray(value)) return [`${margin}${lead}`.trimEnd(), ...value.flatMap((item) => lines(item, inner, "- "))];
  const [first, ...rest] = Object.entries(value).filter(([, item]) => item !== undefined);
  const begin =
    lead === "- " ? lines(first![1], margin, `- ${first![0]}: `) : lines(first![1], inner, `${first![0]}: `);
  return [
    ...(lead === "- " ? [] : lead === "" ? [] : [`${margin}${lead}`.trimEnd()]),
    ...begin,
    ...rest.flatMap(([key, item]) => lines(item, inner, `${key}: `)),
  ];
}

/** A value as lines with a margin, after a name. */
export function flowText(value: unknown, name: string): string[] {
  if (isObject(value) && Object.keys(value).length === 0) return name === "" ? [] : [`  ${name}`];
  return lines(value, "  ", name === "" ? "" : `${name} `);
}
