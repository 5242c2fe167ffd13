import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import { unaskedFor } from "../../debug-adapter/requests.ts";
import { DapClient, guestFile } from "../support/dap-client.ts";
import { endless } from "./guest.ts";

/** What clients ask about a guest that has stopped, with what they know from then. */
async function questions(client: DapClient): Promise<ReadonlyMap<string, object>> {
  const [frame] = await client.frames();
  const frameId = frame!.id;
  const { scopes } = await client.request<P.ScopesResponse["body"]>("scopes", { frameId });
  const memory = { memoryReference: "0x100000", offset: 0 };
  return new Map<string, object>([
    ["threads", {}],
    ["stackTrace", { threadId: 1 }],
    ["scopes", { frameId }],
    ["variables", { variablesReference: scopes[0]!.variablesReference }],
    ["evaluate", { expression: "eax", context: "watch", frameId }],
    ["completions", { text: "ea", column: 3, frameId }],
    ["exceptionInfo", { threadId: 1 }],
    ["readMemory", { ...memory, count: 16 }],
    ["disassemble", { ...memory, instructionCount: 4 }],
    ["dataBreakpointInfo", { name: "EAX", frameId }],
    ["breakpointLocations", { source: { path: guestFile }, line: 5 }],
    ["stepInTargets", { frameId }],
    ["source", { source: { path: guestFile }, sourceReference: 0 }],
    ["modules", {}],
    ["loadedSources", {}],
    ["ringside/events", { after: 0, limit: 10 }],
    ["ringside/measured", {}],
    ["ringside/walk", { linear: "100000" }],
    ["ringside/translation", { address: "eip" }],
    ["ringside/translations", {}],
    ["ringside/rings", {}],
    ["ringside/controlBlock", {}],
    ["ringside/domains", {}],
    ["ringside/devices", {}],
    ["ringside/eventLimits", {}],
  ]);
}

const stopped = async (): Promise<DapClient> => {
  const client = new DapClient(endless);
  await client.launch({ technique: "vtx-ept" });
  await client.start();
  return client;
};

/** An answer that is none may tell the client to ask again when the guest has stopped, but says nothing to a person. */
function expectQuiet({ success, message, body }: P.Response): void {
  if (success) return;
  const { showUser, variables } = body.error;
  expect(showUser).toBe(false);
  expect(message).toBe(variables._message.startsWith("The guest is running") ? "notStopped" : variables._message);
}

describe("what clients ask by themselves", () => {
  it("is all in the list of what is asked here", async () => {
    expect([...(await questions(await stopped())).keys()].sort()).toEqual([...unaskedFor].sort());
  });

  it.each([...unaskedFor])("shows no error right after the guest has been let go on: %s", async (command) => {
    const client = await stopped();
    const args = (await questions(client)).get(command)!;
    const going = client.answer("continue", { threadId: 1 });
    const atOnce = client.answer(command, args);
    expect((await going).success).toBe(true);
    expectQuiet(await atOnce);
    expectQuiet(await client.answer(command, args));
    await client.request("pause", { threadId: 1 });
    const late = client.answer(command, args);
    await client.stopped();
    expectQuiet(await late);
    expect(client.events.filter(({ event, body }) => event === "output" && body.category === "stderr")).toEqual([]);
  });

  it.each([
    ["next", { threadId: 1 }],
    ["setVariable", { variablesReference: 1, name: "EAX", value: "1" }],
    ["writeMemory", { memoryReference: "0x100000", data: "AA==" }],
    ["ringside/compare", { technique: "bare-metal" }],
    ["ringside/saveTrace", { title: "" }],
  ])("is not what a person asks for: %s is refused with the remedy", async (command, args) => {
    const client = await stopped();
    await client.request("continue", { threadId: 1 });
    const { success, message, body } = await client.answer(command, args);
    expect([success, message]).toEqual([false, "notStopped"]);
    expect(body.error).toMatchObject({
      showUser: true,
      variables: { _message: "The guest is running. Pause it first." },
    });
    await client.request("pause", { threadId: 1 });
    await client.stopped();
  });
});
