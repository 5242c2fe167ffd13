import { expect, it } from "vitest";
import { DapClient, lineOf } from "../support/dap-client.ts";
import { guest } from "./guest.ts";

it("says how far in the past a stop is, and that a change there begins a new branch", async () => {
  const client = new DapClient(guest);
  await client.launch({ technique: "bare-metal" });
  await client.breakAt({ line: lineOf(guest, "call double") }, { line: lineOf(guest, "cpuid") });
  await client.start();
  expect((await client.go("continue")).description).toBeUndefined();
  await client.go("continue");
  const said = () => client.events.filter(({ body }) => body?.category === "console").map(({ body }) => body.output);
  // In the present nothing is forgotten.
  await client.evaluate("ebx = 1", "repl");
  expect(said()).toEqual([]);
  expect((await client.go("stepBack", { granularity: "instruction" })).description).toBe("In the past, 1 step back");
  expect((await client.go("reverseContinue")).description).toBe("In the past, 5 steps back");
  expect((await client.go("next", { granularity: "instruction" })).description).toBeUndefined();
  await client.go("reverseContinue");
  await client.evaluate("eax = 100", "repl");
  expect(said()).toEqual([
    "A new branch begins here: the 5 steps that had been taken after this moment are forgotten.\n",
  ]);
  // The breakpoint at CPUID is reached as if for the first time.
  expect((await client.go("continue")).description).toBeUndefined();
  expect(await client.evaluate("eax")).toContain("(200)");
});
