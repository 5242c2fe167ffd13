import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TranslationsNow } from "../../debug-adapter/protocol.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";
import { endless } from "./guest.ts";

const source = readFileSync(join(import.meta.dirname, "../../examples/is-prime.asm"), "utf8");
const ask = (client: DapClient) => client.request<TranslationsNow>("ringside/translations");

describe("ringside/translations", () => {
  it("has the units with the lines of their guest code, and not those of the future after going back", async () => {
    const client = new DapClient(source);
    await client.launch({ technique: "binary-translation" });
    const line = lineOf(source, "nexti:");
    await client.breakAt({ line });
    await client.start();
    await client.go("continue");
    const early = await ask(client);
    await client.go("continue");
    const { units, at } = await ask(client);
    const loop = units.find(({ guest }) => guest[0]?.address === at);
    expect(loop?.guest[0]).toMatchObject({ text: "mov eax, ecx", kind: "identical", source: { line: line - 1 } });
    expect(loop?.guest.at(-1)?.kind).toBe("in-cache");
    expect(units.length).toBeGreaterThan(early.units.length);
    await client.go("reverseContinue");
    expect(await ask(client)).toEqual(early);
  });

  it("has none under other techniques, and is answered while the guest runs", async () => {
    const client = new DapClient(endless);
    await client.launch({ technique: "vtx-ept", stopOnEntry: false });
    await client.request("configurationDone");
    expect(await ask(client)).toMatchObject({ technique: "vtx-ept", units: [] });
    await client.request("pause", { threadId: 1 });
    await client.stopped();
  });
});
