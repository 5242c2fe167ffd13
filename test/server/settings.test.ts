import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { defaultSettings } from "../../server/settings.ts";

const root = join(import.meta.dirname, "..", "..");
const { contributes } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const documentation = readFileSync(join(root, "docs", "editor.md"), "utf8");

/** `format: {case}` as `ringside.format.case`. */
const flat = (settings: object, prefix: string): [string, unknown][] =>
  Object.entries(settings).flatMap(([key, value]): [string, unknown][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? flat(value, `${prefix}.${key}`)
      : [[`${prefix}.${key}`, value]],
  );

it("the settings of the server are those of package.json, with the same defaults, and documented", () => {
  const declared = Object.entries(contributes.configuration.properties as Record<string, { default: unknown }>);
  const own = flat(defaultSettings, "ringside");
  const names = new Set(own.map(([name]) => name));
  expect(
    Object.fromEntries(declared.filter(([name]) => names.has(name)).map(([name, of]) => [name, of.default])),
  ).toEqual(Object.fromEntries(own));
  for (const [name] of own) expect(documentation).toContain(`| \`${name}\` |`);
});
