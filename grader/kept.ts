import { utf8Text } from "../emulator/utf8.ts";
import type { KeptPredicate } from "./assignment.ts";
import { listed, plain } from "./shown.ts";
import type { Files } from "./submission.ts";
import { baseless, undecided, type Verdict, verdict } from "./verdict.ts";

type Found = readonly (readonly [string, unknown])[];

/** The values at a path such as `vms.*.workload`, each with its own path. */
function valuesAt(value: unknown, path: readonly string[], at = ""): Found {
  const [name, ...rest] = path;
  if (name === undefined) return [[at, value]];
  if (typeof value !== "object" || value === null) return [];
  const names = name === "*" ? Object.keys(value) : Object.hasOwn(value, name) ? [name] : [];
  return names.flatMap((one) =>
    valuesAt((value as Readonly<Record<string, unknown>>)[one], rest, at === "" ? one : `${at}.${one}`),
  );
}

/** JSON in which the order of an object's fields makes no difference. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

function parsed(files: Files, file: string): { readonly value: unknown } | undefined {
  const bytes = files.get(file);
  if (!bytes) return undefined;
  try {
    return { value: JSON.parse(utf8Text(bytes)) };
  } catch {
    return undefined;
  }
}

/** The paths under which two files differ at a field. */
function differences(ours: unknown, theirs: unknown, field: string): readonly string[] {
  const path = field.split(".");
  const [before, after] = [ours, theirs].map(
    (value) => new Map(valuesAt(value, path).map(([at, one]) => [at, canonical(one)])),
  );
  return [...new Set([...before!.keys(), ...after!.keys()])].filter((at) => before!.get(at) !== after!.get(at));
}

/** For checks that fields of a JSON file are as they were handed out. Who has made the file unreadable has not kept them. */
export function keptVerdict({ file, fields }: KeptPredicate, handedIn: Files, starter: Files): Verdict {
  const expected = `${file} has ${fields.join(", ")} as it was handed out`;
  const before = parsed(starter, file);
  if (!before) return undecided(expected, `the starter has no ${file}, or it is not JSON`);
  const unknown = fields.find((field) => valuesAt(before.value, field.split(".")).length === 0);
  if (unknown !== undefined) return undecided(expected, `the starter's ${file} has no ${unknown}`);
  const after = parsed(handedIn, file);
  if (!after) return baseless(expected, `there is no ${file}, or it is not JSON`);
  const changed = fields.flatMap((field) => differences(before.value, after.value, field));
  return verdict(changed.length === 0, {
    expected,
    happened: changed.length === 0 ? "so it is" : `changed: ${listed(changed.map(plain), 6)}`,
  });
}
