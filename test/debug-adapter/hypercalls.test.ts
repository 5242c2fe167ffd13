import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Requests } from "../../debug-adapter/protocol.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";

const source = readFileSync(join(import.meta.dirname, "../../examples/xen-pagetable.asm"), "utf8");
type News = Requests["ringside/events"]["result"];

it("gives the hypercalls with their lines, refusals with the reason, and goes to the moment of one", async () => {
  const client = new DapClient(source);
  await client.launch();
  await client.start();
  await client.go("continue");
  const ask = () => client.request<News>("ringside/events", { after: 0, limit: 1000, kinds: ["hypercall"] });
  const { events } = await ask();
  const refused = events.filter((event) => event.kind === "hypercall" && event.result.startsWith("-"));
  expect(refused).toHaveLength(2);
  const line = lineOf(source, "mov eax, UPDATE_VA_MAPPING") + 1;
  expect(refused[0]).toMatchObject({
    ...{ name: "update_va_mapping", result: expect.stringContaining("-16 (EBUSY): frame") },
    source: { line: line - 1 },
  });
  await client.go("ringside/goToEvent", { sequence: refused[1]!.sequence });
  expect(await client.line()).toBe(line);
  expect((await ask()).events.at(-1)!.sequence).toBeLessThan(refused[1]!.sequence);
});
