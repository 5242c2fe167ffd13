import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import { DapClient, lineOf } from "../support/dap-client.ts";

/** Counts in a register and in memory, for ever. */
const counting = (register: string, more = "") => `%pragma ringside mode protected
        org 100000h
        bits 32
${more}start:  xor ${register}, ${register}
again:  inc ${register}
        mov [cell], ${register}
        jmp again
cell:   dd 0
`;
const a = counting("eax");
/** Other instructions are at the same addresses. */
const b = counting("ebx", "        nop\n");

/** Has a local label twice. */
const local = `%pragma ringside mode protected
        org 100000h
        bits 32
print:  nop
.next:  nop
count:  nop
.next:  hlt
`;

const machine = {
  host: { pcpus: 1 },
  scheduler: { name: "round-robin", options: { quantum: 100 } },
  technique: "vtx-ept",
  vms: [
    { name: "A", program: "a.asm" },
    { name: "B", program: "b.asm" },
  ],
};
const files = {
  "/guest/m.ringside.json": JSON.stringify(machine),
  "/guest/a.asm": a,
  "/guest/b.asm": b,
  "/guest/c.asm": a,
};

async function two(): Promise<DapClient> {
  const client = new DapClient(files);
  await client.launch({ program: "/guest/m.ringside.json" });
  return client;
}

const breakIn = async (client: DapClient, path: string, ...lines: readonly number[]) =>
  (
    await client.request<P.SetBreakpointsResponse["body"]>("setBreakpoints", {
      source: { path },
      breakpoints: lines.map((line) => ({ line })),
    })
  ).breakpoints;

/** The newest frame of a thread. */
async function top(client: DapClient, threadId: number): Promise<P.StackFrame> {
  const { stackFrames } = await client.request<P.StackTraceResponse["body"]>("stackTrace", { threadId });
  return stackFrames.find(({ line }) => line > 0)!;
}

const targetsIn = async (client: DapClient, path: string, line: number) =>
  (await client.request<P.GotoTargetsResponse["body"]>("gotoTargets", { source: { path }, line })).targets;

describe("a source of one of several VMs", () => {
  it("has places to go to, for a thread of that VM alone", async () => {
    const client = await two();
    await client.start();
    await client.request("scopes", { frameId: (await top(client, 1)).id });
    const line = lineOf(b, "jmp again");
    const [target] = await targetsIn(client, "/guest/b.asm", line);
    expect(target).toMatchObject({ line });
    await expect(client.request("goto", { threadId: 1, targetId: target!.id })).rejects.toThrow(
      "b.asm is not part of the program of A: select a thread of a VM that runs it.",
    );
    expect((await top(client, 1)).line).toBe(lineOf(a, "start:"));
    expect(await client.go("goto", { threadId: 2, targetId: target!.id })).toMatchObject({ reason: "goto" });
    expect((await top(client, 2)).line).toBe(line);
    expect(await targetsIn(client, "/guest/c.asm", 5)).toEqual([]);
    await expect(client.request("goto", { threadId: 2, targetId: 99 })).rejects.toThrow(
      "No place to go to has the number 99",
    );
  });

  it("has places for breakpoints, and says of the others why they are none", async () => {
    const client = await two();
    const { breakpoints } = await client.request<P.BreakpointLocationsResponse["body"]>("breakpointLocations", {
      source: { path: "/guest/b.asm" },
      line: 1,
      endLine: 20,
    });
    expect(breakpoints.map(({ line }) => line)).toEqual([4, 5, 6, 7, 8]);
    const [inB, after] = await breakIn(client, "/guest/b.asm", lineOf(b, "jmp again"), lineOf(b, "cell:") + 1);
    expect(inB).toMatchObject({ verified: true, line: lineOf(b, "jmp again") });
    expect(after).toMatchObject({ verified: false, message: expect.stringMatching(/^There is no instruction at or/) });
    expect(await breakIn(client, "/guest/c.asm", 5)).toMatchObject([
      {
        verified: false,
        message: "c.asm is part of none of the programs that are being debugged: a.asm, b.asm.",
      },
    ]);
    const labels = await client.request<P.SetFunctionBreakpointsResponse["body"]>("setFunctionBreakpoints", {
      breakpoints: [{ name: "nowhere" }],
    });
    expect(labels.breakpoints[0]?.message).toBe('None of the programs a.asm, b.asm has a label "nowhere".');
  });

  it("is what names in it are looked up in, where another VM is looked at", async () => {
    const client = await two();
    await client.start();
    const frameId = (await top(client, 1)).id;
    const evaluate = async (expression: string, path: string) =>
      (
        await client.request<P.EvaluateResponse["body"]>("evaluate", {
          ...{ expression, frameId, context: "hover" },
          ...{ source: { path }, line: 5, column: 1 },
        })
      ).result;
    await client.go("next", { threadId: 2 });
    const startOf = async (path: string) => BigInt((await evaluate("start", path)).split(" ")[0]!);
    expect(await startOf("/guest/b.asm")).toBe((await startOf("/guest/a.asm")) + 1n);
    expect(await evaluate("eip", "/guest/b.asm")).toContain("0x00100001");
    expect(await evaluate("eip", "/guest/a.asm")).not.toContain("0x00100001");
    await expect(evaluate("nowhere", "/guest/b.asm")).rejects.toThrow('"nowhere"');
  });

  it("is run back to in that VM alone", async () => {
    const client = await two();
    await breakIn(client, "/guest/b.asm", lineOf(b, "jmp again"));
    await client.start();
    expect(await client.go("continue")).toMatchObject({ reason: "breakpoint", threadId: 2 });
    await breakIn(client, "/guest/b.asm");
    await client.request("scopes", { frameId: (await top(client, 1)).id });
    const stopped = await client.go("ringside/runBack", { file: "/guest/b.asm", line: lineOf(b, "start:") });
    expect(stopped.threadId).toBe(2);
    expect((await top(client, 2)).line).toBe(lineOf(b, "start:"));
    await expect(client.request("ringside/runBack", { file: "/guest/c.asm", line: 5 })).rejects.toThrow(
      "There is no instruction in this line.",
    );
  });

  it("keeps its breakpoints over a restart, and the session ends while all of them run", async () => {
    const client = await two();
    await breakIn(client, "/guest/a.asm", lineOf(a, "jmp again"));
    await breakIn(client, "/guest/b.asm", lineOf(b, "jmp again"));
    await client.start();
    const ways = async () => [(await client.go("continue")).threadId, (await client.go("continue")).threadId];
    expect(new Set(await ways())).toEqual(new Set([1]));
    await client.go("restart");
    expect((await top(client, 2)).line).toBe(lineOf(b, "nop"));
    await breakIn(client, "/guest/a.asm");
    expect((await client.go("continue")).threadId).toBe(2);
    await breakIn(client, "/guest/b.asm");
    await client.request("continue", { threadId: 1 });
    await client.request("terminate");
    await client.event("terminated");
    await expect(client.request("continue", { threadId: 1 })).rejects.toThrow("The session has ended.");
    await client.request("disconnect");
  });
});

describe("a data breakpoint in one of several VMs", () => {
  const info = async (client: DapClient, threadId: number, mode: string) =>
    client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", {
      name: "dword [cell]",
      frameId: (await top(client, threadId)).id,
      mode,
    });
  const set = async (client: DapClient, dataId: string | null) =>
    (
      await client.request<P.SetDataBreakpointsResponse["body"]>("setDataBreakpoints", {
        breakpoints: [{ dataId, accessType: "write" }],
      })
    ).breakpoints[0];

  it.each(["linear", "guest-physical", "host-physical"])("stops that VM alone, by %s address", async (mode) => {
    for (const threadId of [1, 2]) {
      const client = await two();
      await client.start();
      // The VMM maps the page at its first use.
      await client.go("next", { threadId });
      const { dataId, description } = await info(client, threadId, mode);
      expect(description?.endsWith(threadId === 1 ? " of A" : " of B")).toBe(mode !== "host-physical");
      expect(await set(client, dataId)).toMatchObject({ verified: true });
      for (let n = 0; n < 2; n++)
        expect(await client.go("continue")).toMatchObject({ reason: "data breakpoint", threadId });
      expect(await client.go("reverseContinue")).toMatchObject({ reason: "data breakpoint", threadId });
      await client.request("setDataBreakpoints", { breakpoints: [] });
      await client.request("scopes", { frameId: (await top(client, threadId)).id });
      const stopped = await client.go("ringside/lastWrite", { expression: "dword [cell]" });
      expect(stopped.threadId).toBe(threadId);
    }
  });

  it.each([
    ["0x100000/4/C", 'There is no VM "C" here, only A, B.'],
    ["gpa:0x40000000/4/B", "There is no guest-physical memory at gpa:0x40000000 of B."],
    ["hpa:0x4000000000/4", "There is no host-physical memory at hpa:0x4000000000."],
    ["0x800000000000/4", "0x800000000000 is no canonical address: an access to it raises #GP."],
    ["nonsense", '"nonsense" does not say what memory to watch.'],
  ])("of %s says why there is nothing to watch", async (dataId, message) => {
    const client = await two();
    expect(await set(client, dataId)).toMatchObject({ verified: false, message, reason: "failed" });
  });
});

it("a vCPU that was only looked at stops at the breakpoint before which it stands", async () => {
  const client = await two();
  await client.start();
  await breakIn(client, "/guest/b.asm", lineOf(b, "nop"));
  await client.request("scopes", { frameId: (await top(client, 2)).id });
  expect(await client.go("continue")).toMatchObject({ reason: "breakpoint", threadId: 2 });
  expect((await top(client, 2)).line).toBe(lineOf(b, "nop"));
});

describe.each([
  [
    "one program",
    async () => {
      const client = new DapClient(local);
      await client.launch({ technique: "vtx-ept" });
      return client;
    },
  ],
  [
    "several",
    async () => {
      const client = new DapClient({ ...files, "/guest/b.asm": local });
      await client.launch({ program: "/guest/m.ringside.json" });
      return client;
    },
  ],
] as const)("a breakpoint that cannot be in %s", (_, launched) => {
  it.each([
    [".next", '".next" is a local name. Write it with the label that it belongs to: print.next or count.next.'],
    ["print.next", undefined],
  ])("on the label %s says why", async (name, message) => {
    const client = await launched();
    const { breakpoints } = await client.request<P.SetFunctionBreakpointsResponse["body"]>("setFunctionBreakpoints", {
      breakpoints: [{ name }],
    });
    expect(breakpoints[0]?.verified).toBe(message === undefined);
    expect(breakpoints[0]?.message).toBe(message);
  });

  it.each([
    ["gpa:0x100000", 0, "The processor runs instructions by linear address: gpa:0x100000 is none."],
    ["0x800000000000", 0, "0x800000000000 is no canonical address: an access to it raises #GP."],
    ["0x0", -1, "There is nothing below address 0."],
    ["0x100000", 0, undefined],
  ])("at the address %s%d says why", async (instructionReference, offset, message) => {
    const client = await launched();
    const { breakpoints } = await client.request<P.SetFunctionBreakpointsResponse["body"]>(
      "setInstructionBreakpoints",
      { breakpoints: [{ instructionReference, offset }] },
    );
    expect(breakpoints[0]?.verified).toBe(message === undefined);
    expect(breakpoints[0]?.message).toBe(message);
  });
});
