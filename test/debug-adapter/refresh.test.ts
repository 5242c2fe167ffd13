import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect, it } from "vitest";
import { DapClient } from "../support/dap-client.ts";
import { guest } from "./guest.ts";

const memoryEvents = (client: DapClient) =>
  client.events.filter(({ event }) => event === "memory").map(({ body }) => body);

async function started(abilities: object): Promise<DapClient> {
  const client = new DapClient(guest);
  await client.launch({}, abilities);
  await client.start();
  return client;
}

it("memory that a client shows is refreshed after every change and every stop, and only then", async () => {
  const client = await started({ supportsMemoryEvent: true });
  const read = (memoryReference: string, offset: number) =>
    client.request("readMemory", { memoryReference, offset, count: 16 });
  await read("0x100000", 0);
  await read("0x100000", 16);
  await read("gpa:0x7000", -16);
  expect(memoryEvents(client)).toEqual([]);
  await client.request("setExpression", { expression: "byte [buffer]", value: "1" });
  const first = [
    { memoryReference: "0x100000", offset: 0, count: 32 },
    { memoryReference: "gpa:0x7000", offset: -16, count: 16 },
  ];
  expect(memoryEvents(client)).toEqual(first);
  await read("0x100000", 0);
  await client.go("next");
  expect(memoryEvents(client)).toEqual([...first, { memoryReference: "0x100000", offset: 0, count: 16 }]);
  await client.evaluate("byte [buffer] = 2", "repl");
  expect(memoryEvents(client)).toHaveLength(3);
});

it("a change of any kind makes everything shown invalid", async () => {
  const client = await started({});
  const invalidated = () => client.events.filter(({ event }) => event === "invalidated").length;
  const { scopes } = await client.request<P.ScopesResponse["body"]>("scopes", { frameId: 1 });
  const { variablesReference } = scopes[0]!;
  for (const [n, change] of [
    () => client.evaluate("eax = 5", "repl"),
    () => client.request("setExpression", { expression: "word [buffer]", value: "1" }),
    () => client.request("setVariable", { variablesReference, name: "EBX", value: "1" }),
    () => client.request("writeMemory", { memoryReference: "0x100000", data: "kA==" }),
  ].entries()) {
    await change();
    expect(invalidated()).toBe(n + 1);
  }
  await client.evaluate("eax == 5", "repl");
  expect(invalidated()).toBe(4);
});

it.each(["bare-metal", "vtx-ept", "trap-and-emulate"])(
  "every register that can be changed is an expression that can be set, under %s",
  async (technique) => {
    const client = new DapClient(guest);
    await client.launch({ technique });
    await client.start();
    const { scopes } = await client.request<P.ScopesResponse["body"]>("scopes", { frameId: 1 });
    const names: string[] = [];
    const collect = async (variablesReference: number): Promise<void> => {
      const { variables } = await client.request<P.VariablesResponse["body"]>("variables", { variablesReference });
      for (const { evaluateName, presentationHint, variablesReference: parts } of variables) {
        if (evaluateName !== undefined && presentationHint?.attributes?.[0] !== "readOnly") names.push(evaluateName);
        if (parts > 0) await collect(parts);
      }
    };
    for (const { variablesReference } of scopes) await collect(variablesReference);
    expect(names.length).toBeGreaterThan(40);
    for (const expression of names) {
      const value = await client.evaluate(expression, "clipboard");
      const set = await client.request<P.SetExpressionResponse["body"]>("setExpression", {
        expression,
        value,
        format: { hex: true },
      });
      expect([expression, set.value]).toEqual([expression, value]);
    }
  },
);
