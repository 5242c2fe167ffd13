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

it("returns from the past to the present, also to the guest's end", async () => {
  const client = new DapClient(guest);
  await client.launch({ technique: "vtx-ept" });
  await client.start();
  await expect(client.request("ringside/toPresent", {})).rejects.toThrow("The guest is in the present");
  const end = await client.go("continue");
  const when = await client.evaluate("when", "repl");
  await client.go("stepBack", { granularity: "instruction" });
  await client.go("stepBack", { granularity: "instruction" });
  const past = () => client.events.filter(({ event }) => event === "ringside/advanced").at(-1)?.body.past;
  expect(past()).toBeGreaterThan(0);
  expect((await client.go("ringside/toPresent", {})).description).toBe(end.description);
  expect(await client.evaluate("when", "repl")).toBe(when);
  expect(past()).toBeUndefined();
});

it("asks a client that answers before a change in the past, and changes nothing against its will", async () => {
  const client = new DapClient(guest);
  await client.launch({ technique: "bare-metal", asksBeforeBranching: true });
  await client.breakAt({ line: lineOf(guest, "cpuid") });
  await client.start();
  await client.go("continue");
  await client.evaluate("ebx = 1", "repl");
  const asked = () => client.events.filter(({ event }) => event === "ringside/branching").map(({ body }) => body);
  expect(asked()).toEqual([]);
  await client.go("stepBack", { granularity: "instruction" });
  const before = await client.evaluate("eax");
  const refused = expect(client.evaluate("eax = 5", "repl")).rejects.toThrow("Nothing was changed.");
  await client.request("ringside/branch", { begin: false });
  await refused;
  expect(await client.evaluate("eax")).toBe(before);
  // Two at once are one question.
  const changes = Promise.all([client.evaluate("eax = 5", "repl"), client.evaluate("ebx = 6", "repl")]);
  await client.request("ringside/branch", { begin: true });
  await changes;
  expect(await client.evaluate("eax + ebx")).toContain("(11)");
  expect(asked()).toEqual([{ steps: 1 }, { steps: 1 }]);
});

it.each(["restart", "terminate"])(
  "answers who waits for leave to change the past when a %s ends that past",
  async (end) => {
    const client = new DapClient(guest);
    await client.launch({ technique: "bare-metal", asksBeforeBranching: true });
    await client.start();
    await client.go("next");
    await client.go("stepBack");
    const change = client.answer("evaluate", { expression: "eax = 5", context: "repl" });
    await client.event("ringside/branching");
    await client.request(end);
    const { success, body } = await change;
    expect(success).toBe(false);
    // He has decided that himself, and need not be told.
    expect(body.error).toMatchObject({ showUser: false, variables: { _message: "Nothing was changed." } });
  },
);
