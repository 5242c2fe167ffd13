import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import { DapClient } from "../support/dap-client.ts";

/** Counts in EAX for ever; B begins elsewhere and counts in EBX. */
const counting = (register: string) => `%pragma ringside mode protected
        org 100000h
        bits 32
start:  xor ${register}, ${register}
again:  inc ${register}
        call nothing
        jmp again
nothing: ret
`;

const machineFile = (more: object = {}) =>
  JSON.stringify({
    host: { pcpus: 1 },
    scheduler: { name: "round-robin", options: { quantum: 100 } },
    technique: "vtx-ept",
    vms: [
      { name: "A", program: "a.asm" },
      { name: "B", program: "b.asm" },
    ],
    ...more,
  });

const files = {
  "m.ringside.json": machineFile(),
  "a.asm": counting("eax"),
  "b.asm": `        nop\n${counting("ebx")}`,
};

async function two(args: object = {}, sources: Record<string, string> = files): Promise<DapClient> {
  const client = new DapClient(
    Object.fromEntries(Object.entries(sources).map(([name, text]) => [`/guest/${name}`, text])),
  );
  await client.launch({ program: "/guest/m.ringside.json", ...args });
  return client;
}

const threads = async (client: DapClient) =>
  (await client.request<P.ThreadsResponse["body"]>("threads")).threads.map(({ id, name }) => `${id} ${name}`);
const frames = async (client: DapClient, threadId: number) =>
  (await client.request<P.StackTraceResponse["body"]>("stackTrace", { threadId })).stackFrames;
const lineOf = async (client: DapClient, threadId: number) =>
  (await frames(client, threadId)).find(({ line }) => line)?.line;
async function resultOf(client: DapClient, threadId: number, expression: string): Promise<string> {
  const [frame] = await frames(client, threadId);
  const { result } = await client.request<P.EvaluateResponse["body"]>("evaluate", { expression, frameId: frame!.id });
  return result;
}

describe("the vCPUs of several VMs as threads", () => {
  it("are named by VM and number, each with its own stack, source and registers", async () => {
    const client = await two();
    const stopped = await client.start();
    expect(stopped).toMatchObject({ reason: "entry", threadId: 1, allThreadsStopped: true });
    expect(await threads(client)).toEqual([
      "1 A/0 (ring 0, 32-bit, pCPU 0)",
      "2 B/0 (ring 0, 32-bit, waits for a physical CPU)",
    ]);
    const [a] = await frames(client, 1);
    const [wait, b] = await frames(client, 2);
    expect([a!.source!.name, a!.line]).toEqual(["a.asm", 4]);
    expect(wait!.name).toBe("──── waits for a physical CPU ────");
    expect([b!.source!.name, b!.line]).toEqual(["b.asm", 1]);
    expect(new Set([a!.id, wait!.id, b!.id]).size).toBe(3);
  });

  it("a step is of the thread that is named, with the others as they are scheduled", async () => {
    const client = await two();
    await client.start();
    expect(await client.go("next", { threadId: 2 })).toMatchObject({ reason: "step", threadId: 2 });
    expect(await lineOf(client, 2)).toBe(5);
    // A had its turn first.
    expect(Number((await resultOf(client, 1, "eax")).split(" ")[0])).toBeGreaterThan(100);
    const before = await resultOf(client, 1, "eax");
    await client.go("next", { threadId: 2 });
    await client.go("next", { threadId: 2 });
    expect(await lineOf(client, 2)).toBe(7);
    expect(await resultOf(client, 2, "ebx")).toMatch(/^1\b|^0x0*1\b/);
    expect(await resultOf(client, 1, "eax")).toBe(before);
  });

  it("a step of one thread alone leaves the others where they are", async () => {
    const client = await two();
    await client.start();
    await client.go("next", { threadId: 2, singleThread: true });
    expect(await lineOf(client, 2)).toBe(5);
    expect(await lineOf(client, 1)).toBe(4);
    const frozen = await two({ steppingOthers: "frozen" });
    await frozen.start();
    await frozen.go("next", { threadId: 2 });
    await frozen.go("next", { threadId: 2 });
    expect(await lineOf(frozen, 2)).toBe(6);
    expect(await lineOf(frozen, 1)).toBe(4);
  });

  it("a step back is of the thread that is named", async () => {
    const client = await two();
    await client.start();
    for (let n = 0; n < 3; n++) await client.go("next", { threadId: 2 });
    const there = [await lineOf(client, 2), await resultOf(client, 2, "ebx")];
    await client.go("next", { threadId: 2 });
    expect(await client.go("stepBack", { threadId: 2 })).toMatchObject({ threadId: 2 });
    expect([await lineOf(client, 2), await resultOf(client, 2, "ebx")]).toEqual(there);
  });

  it("a breakpoint in a source stops the VMs whose program has it", async () => {
    const client = await two();
    await client.request("setBreakpoints", { source: { path: "/guest/b.asm" }, breakpoints: [{ line: 6 }] });
    await client.start();
    expect(await client.go("continue")).toMatchObject({ reason: "breakpoint", threadId: 2 });
    expect(await lineOf(client, 2)).toBe(6);
    const same = await two(
      {},
      {
        ...files,
        "m.ringside.json": machineFile({
          vms: [
            { name: "A", program: "a.asm" },
            { name: "B", program: "a.asm" },
          ],
        }),
      },
    );
    const { breakpoints } = await same.request<P.SetBreakpointsResponse["body"]>("setBreakpoints", {
      source: { path: "/guest/a.asm" },
      breakpoints: [{ line: 5, hitCondition: "== 1" }, { line: 4 }],
    });
    expect(breakpoints.every(({ verified }) => verified)).toBe(true);
    await same.start();
    const seen = [];
    for (let n = 0; n < 2; n++) seen.push((await same.go("continue")).threadId);
    expect(seen).toEqual([1, 2]);
  });

  it("variables are those of the thread's vCPU, and setting one sets it there", async () => {
    const client = await two();
    await client.start();
    for (const threadId of [1, 2]) {
      const guest = (await frames(client, threadId)).find(({ line }) => line)!;
      const { scopes } = await client.request<P.ScopesResponse["body"]>("scopes", { frameId: guest.id });
      const { variablesReference } = scopes.find(({ name }) => name === "General")!;
      await client.request("setVariable", { variablesReference, name: "ECX", value: `${40 + threadId}` });
    }
    expect(
      [await resultOf(client, 1, "ecx"), await resultOf(client, 2, "ecx")].map((text) =>
        Number.parseInt(text, text.startsWith("0x") ? 16 : 10),
      ),
    ).toEqual([41, 42]);
  });

  it("a thread that there is not is refused", async () => {
    const client = await two();
    await client.start();
    await expect(client.request("stackTrace", { threadId: 3 })).rejects.toThrow(/There is no thread 3/);
  });

  it("write to the console line by line, each with the name of its VM", async () => {
    const saying = (text: string) =>
      `bits 32\norg 100000h\n%pragma ringside mode protected\n${[...text].map((c) => `mov al, ${c.charCodeAt(0)}\nout 0E9h, al\n`).join("")}cli\nhlt\n`;
    const client = await two({}, { ...files, "a.asm": saying("one\ntwo\n"), "b.asm": saying("three") });
    await client.start();
    await client.go("continue");
    expect(client.console).toBe("A: one\nA: two\nB: three");
  });
});

describe("commands of the console about several vCPUs", () => {
  const say = async (client: DapClient, line: string) => client.evaluate(line, "repl");

  it("vcpus and schedule tell what each does and had", async () => {
    const client = await two();
    await client.start();
    await client.request("setBreakpoints", { source: { path: "/guest/b.asm" }, breakpoints: [{ line: 5 }] });
    await client.go("continue");
    const list = (await say(client, "vcpus")).split("\n");
    expect(list[0]).toMatch(/^vCPU +state +where +at +mode +standing$/);
    expect(list[1]).toMatch(/^A\/0 +runnable +waits for a physical CPU, last on pCPU 0 +[0-9A-F]+h +ring 0, 32-bit/);
    expect(list[2]).toMatch(/^B\/0 +running +pCPU 0 +100001h/);
    expect(await say(client, "schedule")).toMatch(/^A\/0 +100\.0 %/m);
  });

  it("change what a VM has, and going back takes that back", async () => {
    const sources = { ...files, "m.ringside.json": machineFile({ scheduler: { name: "credit" } }) };
    const client = await two({}, sources);
    await client.start();
    const weights = () => client.request("ringside/events", { after: 0, limit: 1000, kinds: ["schedule"] });
    expect(await say(client, "weight A 512")).toBe("A: weight 512 from now on.");
    expect(await say(client, "cap A 40")).toBe("A: cap 40 from now on.");
    expect(await say(client, "affinity B/0 0")).toBe("B/0: affinity 0 from now on.");
    expect(await say(client, "affinity B all")).toBe("B: affinity all from now on.");
    expect(JSON.stringify(await weights())).toContain('"weight":512');
    expect(await say(client, "unplug B/0")).toBe("B/0 is unplugged.");
    expect(await threads(client)).toContain("2 B/0 (ring 0, 32-bit, unplugged)");
    expect(await say(client, "plug B/0")).toBe("B/0 is plugged in.");
    for (let n = 0; n < 3; n++) await client.go("next", { threadId: 1 });
    const before = await lineOf(client, 1);
    await client.go("stepBack", { threadId: 1 });
    await client.go("next", { threadId: 1 });
    expect(await lineOf(client, 1)).toBe(before);
  });

  it.each([
    ["weight", "Write: weight VM N."],
    ["weight C 5", "There is no VM C."],
    ["weight A 0", "A: A weight is a whole number from 1 to 65535; it is 0."],
    ["affinity A 4", "A: There is no physical CPU 4: the host has 1, numbered from 0."],
    ["plug A", "Write: plug VM/VCPU."],
    ["unplug A/3", "A has no vCPU 3"],
  ])("%s is refused", async (line, why) => {
    const client = await two({}, { ...files, "m.ringside.json": machineFile({ scheduler: { name: "credit" } }) });
    await client.start();
    await expect(say(client, line)).rejects.toThrow(why);
  });
});
