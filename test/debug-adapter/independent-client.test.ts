import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DebugClient } from "@vscode/debugadapter-testsupport";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { lineOf } from "../support/dap-client.ts";
import { endless, faulting, guest } from "./guest.ts";

/*
 * The adapter in a process of its own, driven by the protocol's own test client, which is not ours: it checks the order of
 * requests and events, and waits for what the protocol promises.
 */

const adapter = join(import.meta.dirname, "../../debug-adapter/main-stdio.ts");
const folder = mkdtempSync(join(tmpdir(), "ringside-"));
const thread = { threadId: 1 };
const clients: DebugClient[] = [];

function fileOf(name: string, source: string): string {
  const file = join(folder, name);
  writeFileSync(file, source);
  return file;
}
const guestFile = fileOf("guest.asm", guest);
const location = (text: string) => ({ path: guestFile, line: lineOf(guest, text) });

async function started(): Promise<DebugClient> {
  const client = new DebugClient(process.execPath, adapter, "ringside");
  // Against hangs only.
  client.defaultTimeout = 60_000;
  clients.push(client);
  await client.start();
  return client;
}

/** A session that stands before the first instruction. */
async function launched(program: string, args: object = {}): Promise<DebugClient> {
  const client = await started();
  await Promise.all([
    client.configurationSequence(),
    client.launch({ program, technique: "vtx-ept", ...args }),
    client.assertStoppedLocation("entry", {}),
  ]);
  return client;
}

/** Sends a request that moves the guest, and gives where it stops. */
async function moved(client: DebugClient, request: Promise<unknown>): Promise<P.StoppedEvent["body"]> {
  const [stopped] = await Promise.all([client.waitForEvent("stopped"), request]);
  return (stopped as P.StoppedEvent).body;
}

const evaluated = async (client: DebugClient, expression: string): Promise<string> =>
  (await client.evaluateRequest({ expression, context: "watch" })).body.result;

afterEach(async () => {
  for (const client of clients.splice(0)) await client.stop();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the protocol's own client", () => {
  it("reaches a line breakpoint, and sees call stack, scopes and variables there", async () => {
    const client = await started();
    await client.hitBreakpoint({ program: guestFile, stopOnEntry: false, technique: "vtx-ept" }, location("push ebx"));
    const { stackFrames } = (await client.stackTraceRequest(thread)).body;
    expect(stackFrames.map(({ name, line }) => [name, line])).toEqual([
      ["double", lineOf(guest, "push ebx")],
      [expect.stringContaining("start"), lineOf(guest, "call double")],
    ]);
    const { scopes } = (await client.scopesRequest({ frameId: stackFrames[0]!.id })).body;
    const { variablesReference } = scopes[0]!;
    const { variables } = (await client.variablesRequest({ variablesReference })).body;
    expect(variables.find(({ name }) => name === "EAX")?.value).toContain("0x00000001");
    await client.setVariableRequest({ variablesReference, name: "EAX", value: "15h" });
    expect(await evaluated(client, "eax")).toBe("0x00000015 (21)");
  });

  it("steps over, into, out and back", async () => {
    const client = await launched(guestFile, { technique: "bare-metal" });
    const at = async (text: string, request: Promise<unknown>) => {
      await moved(client, request);
      expect((await client.stackTraceRequest(thread)).body.stackFrames[0]!.line).toBe(lineOf(guest, text));
    };
    await at("call double", client.nextRequest(thread));
    await at("push ebx", client.stepInRequest(thread));
    await at("cpuid", client.stepOutRequest(thread));
    await at("call double", client.stepBackRequest(thread));
    await at("mov eax, 1", client.reverseContinueRequest(thread));
  });

  it("sets breakpoints on functions, data, exits and events", async () => {
    const client = await launched(guestFile);
    const functions = await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: "print" }] });
    expect(functions.body.breakpoints[0]?.verified).toBe(true);
    const data = await client.dataBreakpointInfoRequest({ name: "byte [buffer]" });
    await client.setDataBreakpointsRequest({ breakpoints: [{ dataId: data.body.dataId!, accessType: "write" }] });
    await client.setExceptionBreakpointsRequest({
      filters: ["guest-end"],
      filterOptions: [{ filterId: "vm-exits", condition: "CPUID" }],
    });
    const breakpoints = [{ event: "console/debug console", condition: "event.text == 'i'" }];
    await client.customRequest("ringside/setEventBreakpoints", { breakpoints });
    const found: (string | undefined)[] = [];
    for (let n = 0; n < 5; n++) {
      const { reason, description } = await moved(client, client.continueRequest(thread));
      found.push(description ?? reason);
    }
    expect(found).toEqual([
      "VM exit: CPUID",
      "data breakpoint",
      "function breakpoint",
      "function breakpoint",
      "Console output",
    ]);
    const exception = await client.exceptionInfoRequest(thread);
    expect(exception.body.description).toContain('debug console: "i"');
  });

  it("reads code and memory, completes, and looks at modules", async () => {
    const client = await launched(guestFile);
    const reference = { memoryReference: "0x100000", instructionCount: 3 };
    const { instructions } = (await client.disassembleRequest(reference)).body!;
    expect(instructions.map(({ instruction }) => instruction)).toEqual([
      "mov eax, 1",
      expect.stringContaining("call"),
      "cpuid",
    ]);
    const memory = await client.customRequest("readMemory", { memoryReference: "0x100000", count: 5 });
    expect(Buffer.from(memory.body.data, "base64")).toEqual(Buffer.from([0xb8, 1, 0, 0, 0]));
    const { targets } = (await client.completionsRequest({ text: "greet", column: 6 })).body;
    expect(targets.map(({ label }) => label)).toContain("greeting");
    expect((await client.modulesRequest({})).body.modules.map(({ id }) => id)).toContain("guest");
  });

  it("moves execution, restarts, and ends", async () => {
    const client = await launched(guestFile);
    const { targets } = (
      await client.gotoTargetsRequest({ source: { path: guestFile }, line: lineOf(guest, "mov ecx, 3") })
    ).body;
    const { reason } = await moved(client, client.gotoRequest({ ...thread, targetId: targets[0]!.id }));
    expect(reason).toBe("goto");
    expect((await moved(client, client.restartRequest({}))).reason).toBe("entry");
    expect(await evaluated(client, "$")).toContain("0x00100000");
    await Promise.all([client.waitForEvent("terminated"), client.terminateRequest()]);
    await client.disconnectRequest();
  });

  it("pauses a guest that runs for ever", async () => {
    const client = await launched(fileOf("endless.asm", endless));
    await client.continueRequest(thread);
    expect((await moved(client, client.pauseRequest(thread))).reason).toBe("pause");
    expect(await evaluated(client, "eax > 0")).toBe("1");
  });

  it("has two sessions side by side, each with its guest, console and breakpoints; the end of one leaves the other", async () => {
    const [one, other] = await Promise.all([
      launched(guestFile),
      launched(fileOf("faulting.asm", faulting), { technique: "bare-metal" }),
    ]);
    await Promise.all([
      one.customRequest("ringside/setEventBreakpoints", { breakpoints: [{ event: "io/#E9h" }] }),
      other.customRequest("ringside/setEventBreakpoints", { breakpoints: [{ event: "exception/6" }] }),
    ]);
    const [first, second] = await Promise.all([
      moved(one, one.continueRequest(thread)),
      moved(other, other.continueRequest(thread)),
    ]);
    expect([first.description, second.description]).toEqual(["Port access", "Exception: #UD"]);
    await one.stop();
    expect(await evaluated(other, "bx")).toBe("0x0000 (0)");
    await moved(other, other.continueRequest(thread));
    expect(await evaluated(other, "bx")).toBe("0x0001 (1)");
  });
});
