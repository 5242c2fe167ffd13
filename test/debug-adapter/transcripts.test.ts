import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { requestNames } from "../../debug-adapter/arguments.ts";
import { playScript, requestsOf } from "../support/dap-script.ts";
import { guest } from "./guest.ts";

const folder = join(import.meta.dirname, "transcripts");
const scripts = readdirSync(folder).sort();
const textOf = (name: string) => readFileSync(join(folder, name), "utf8");

it.each(scripts)("%s", async (name) => {
  await expect(await playScript(textOf(name), guest)).toMatchFileSnapshot(join(folder, name));
});

it("every request has its place in a transcript", () => {
  // What every script begins with.
  const requested = new Set([
    "launch",
    ...scripts.flatMap((name) => requestsOf(textOf(name)).map(({ command }) => command)),
  ]);
  expect(requestNames.filter((name) => !requested.has(name))).toEqual([]);
});
