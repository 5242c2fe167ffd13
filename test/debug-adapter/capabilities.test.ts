import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { DapClient } from "../support/dap-client.ts";
import { breakpoints } from "./capabilities/breakpoints.ts";
import type { Behaviours } from "./capabilities/client.ts";
import { dataBreakpoints } from "./capabilities/data-breakpoints.ts";
import { exceptions } from "./capabilities/exceptions.ts";
import { memory } from "./capabilities/memory.ts";
import { movements } from "./capabilities/movements.ts";
import { program } from "./capabilities/program.ts";
import { session } from "./capabilities/session.ts";
import { values } from "./capabilities/values.ts";
import { guest } from "./guest.ts";

/** One behaviour for each capability that is declared; the compiler sees to it that none is forgotten. */
const behaviours: Required<Behaviours> = {
  ...breakpoints,
  ...dataBreakpoints,
  ...exceptions,
  ...values,
  ...movements,
  ...session,
  ...program,
  ...memory,
};

/** The names of all capabilities, as the protocol's own types have them. */
function allCapabilities(): readonly string[] {
  const types = readFileSync(
    createRequire(import.meta.url).resolve("@vscode/debugprotocol/lib/debugProtocol.d.ts"),
    "utf8",
  );
  const body = /interface Capabilities \{(.*?)\n\t\}/s.exec(types)?.[1] ?? "";
  return [...body.matchAll(/^\t\t(\w+)\?:/gm)].map(([, name]) => name!);
}

describe("every declared capability is real", () => {
  it.each(Object.entries(behaviours))("%s", (_, behaviour) => behaviour());

  it("and each is declared", async () => {
    const client = new DapClient(guest);
    const declared = await client.request<object>("initialize", { adapterID: "ringside" });
    expect(Object.keys(declared).sort()).toEqual(Object.keys(behaviours).sort());
  });

  it("and of all others the documentation says why not", () => {
    const documentation = readFileSync(new URL("../../docs/debugger.md", import.meta.url), "utf8");
    const others = allCapabilities().filter((name) => !Object.hasOwn(behaviours, name));
    expect(allCapabilities()).toEqual(expect.arrayContaining(Object.keys(behaviours)));
    expect(others.filter((name) => !documentation.includes(`\`${name}\``))).toEqual([]);
    expect(others).not.toEqual([]);
  });
});
