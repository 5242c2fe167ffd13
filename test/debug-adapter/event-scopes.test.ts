import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import type { EventBreakpoint, EventCounts } from "../../debug-adapter/protocol.ts";
import { DapClient } from "../support/dap-client.ts";

/** Has its number in ESI, and leaves the guest again and again, so that turns change in many places. */
const exiting = (number: number) => `%pragma ringside mode protected
        org 100000h
        bits 32
        mov esi, ${number}
again:  xor eax, eax
        cpuid
        mov ecx, 40
        loop $
        mov edx, 3F8h
        mov al, '.'
        out dx, al
        inc dword [cell]
        jmp again
cell:   dd 0
`;
const names = ["A", "B", "C"];
const files = {
  "/guest/m.ringside.json": JSON.stringify({
    host: { pcpus: 2 },
    scheduler: { name: "round-robin", options: { quantum: 100 } },
    technique: "vtx-ept",
    duration: 800,
    vms: names.map((name) => ({ name, program: `${name}.asm` })),
  }),
  ...Object.fromEntries(names.map((name, n) => [`/guest/${name}.asm`, exiting(n + 1)])),
};

async function launched(eventBreakpoints: readonly EventBreakpoint[]): Promise<DapClient> {
  const client = new DapClient(files);
  await client.launch({ program: "/guest/m.ringside.json", eventBreakpoints });
  await client.start();
  return client;
}

const numberOf = async (client: DapClient, threadId: number): Promise<string> => {
  const { stackFrames } = await client.request<P.StackTraceResponse["body"]>("stackTrace", { threadId });
  const frameId = stackFrames.at(-1)!.id;
  return (await client.request<P.EvaluateResponse["body"]>("evaluate", { expression: "esi", frameId })).result;
};

const cases = ["vtx/CPUID", "io/UART", "console/UART"].flatMap((event) =>
  (["before", "after"] as const).map((stage) => [event, stage] as const),
);

describe.each(cases)("events of one of several vCPUs: %s %s", (event, stage) => {
  it("are counted and logged with its registers, whichever runs next", async () => {
    const count = { event, stage, action: "count" } as const;
    const client = await launched([
      ...names.flatMap((vm, n): EventBreakpoint[] => [
        { ...count, vm },
        { ...count, vm, condition: `esi == ${n + 1}` },
        { ...count, vm, ring: 0 },
      ]),
      { event, stage, action: "log", message: "<{event.vm} {esi}>" },
    ]);
    await client.go("continue");
    const told = client.events.findLast(({ event: name }) => name === "ringside/eventCounts");
    const counts = ((told?.body.counts ?? []) as EventCounts["counts"]).map((one) => one.count);
    for (const n of [0, 3, 6]) {
      expect(counts[n]).toBeGreaterThan(10);
      expect(counts.slice(n, n + 3)).toEqual([counts[n], counts[n], counts[n]]);
    }
    const lines = client.events.flatMap(({ body }) => /<\S+ .*>/.exec(body?.output ?? "")?.[0] ?? []);
    const isRight = (line: string) =>
      names.some(
        (vm, n) => line.startsWith(`<"${vm}" 0x0000000${n + 1}`) || line.startsWith(`<${vm} 0x0000000${n + 1}`),
      );
    expect(lines.length).toBeGreaterThan(30);
    expect(lines.filter((line) => !isRight(line))).toEqual([]);
  });

  it("stop its thread, forwards and backwards", async () => {
    const client = await launched([{ event, stage, vm: "B" }]);
    for (let n = 0; n < 12; n++) {
      const { threadId = 0 } = await client.go(n < 8 ? "continue" : "reverseContinue");
      expect([n, threadId, await numberOf(client, threadId)]).toEqual([n, 2, "0x00000002 (2)"]);
    }
  });
});

it("data breakpoints ask the vCPU that makes the access, and stop its thread", async () => {
  const client = await launched([]);
  await client.go("next", { threadId: 2 });
  const { stackFrames } = await client.request<P.StackTraceResponse["body"]>("stackTrace", { threadId: 2 });
  const { dataId } = await client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", {
    name: "dword [cell]",
    frameId: stackFrames.at(-1)!.id,
    mode: "guest-physical",
  });
  const set = (condition: string) =>
    client.request("setDataBreakpoints", { breakpoints: [{ dataId, accessType: "write", condition }] });
  await set("esi == 2");
  for (let n = 0; n < 12; n++) {
    const { threadId = 0, reason } = await client.go(n < 8 ? "continue" : "reverseContinue");
    expect([n, reason, threadId]).toEqual([n, "data breakpoint", 2]);
  }
  await set("esi != 2");
  expect((await client.go("continue")).description).toBe("End of the set time");
});
