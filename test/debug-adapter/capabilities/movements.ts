import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect } from "vitest";
import { filters } from "../../../debug-adapter/capabilities.ts";
import { DapClient, guestFile, lineOf } from "../../support/dap-client.ts";
import { at, guest } from "../guest.ts";
import { type Behaviours, filter, launched, started } from "./client.ts";

/** Ways through the run, in both directions. */
export const movements = {
  async supportsStepBack() {
    const client = await launched();
    await client.breakAt({ line: at("cpuid") });
    await client.start();
    await client.go("continue");
    await client.go("next");
    await client.go("stepBack");
    expect(await client.line()).toBe(at("cpuid"));
    // The call is stepped over backwards, too.
    await client.go("stepBack");
    expect(await client.line()).toBe(at("call double"));
    await client.breakAt({ line: at("add eax") });
    await client.go("continue");
    await client.go("continue");
    expect((await client.go("reverseContinue")).reason).toBe("breakpoint");
    expect(await client.line()).toBe(at("add eax"));
    expect(await client.go("reverseContinue")).toMatchObject({ description: "At the beginning of the run" });
    expect(await client.line()).toBe(at("start:"));
  },

  async supportsSteppingGranularity() {
    const client = await launched();
    await client.breakAt({ line: at("cpuid") });
    await client.start();
    await client.go("continue");
    // By instructions, a step back leads into the function that has returned.
    await client.go("stepBack", { granularity: "instruction" });
    expect(await client.line()).toBe(lineOf(guest, "        ret"));
    await client.go("next", { granularity: "line" });
    expect(await client.line()).toBe(at("cpuid"));
  },

  async supportsSingleThreadExecutionRequests() {
    const host = { pcpus: 2 };
    const vms = [
      { name: "A", program: guestFile, vcpus: 1 },
      { name: "B", program: guestFile },
    ];
    const file = JSON.stringify({ host, scheduler: { name: "credit" }, vms });
    const client = new DapClient({ [guestFile]: guest, "/guests/two.ringside.json": file });
    await client.launch({ program: "/guests/two.ringside.json" });
    await client.start();
    await client.go("next", { threadId: 2, singleThread: true });
    const lineIn = async (threadId: number) =>
      (await client.request<P.StackTraceResponse["body"]>("stackTrace", { threadId })).stackFrames.find(
        ({ source }) => source,
      )?.line;
    expect([await lineIn(1), await lineIn(2)]).toEqual([at("start:"), at("start:") + 1]);
    // Alone it goes on to its end, which the others have not come to.
    await client.request("setBreakpoints", { source: { path: guestFile }, breakpoints: [{ line: at("cpuid") }] });
    expect(await client.go("continue", { threadId: 2, singleThread: true })).toMatchObject({ threadId: 2 });
    expect([await lineIn(1), await lineIn(2)]).toEqual([at("start:"), at("cpuid")]);
  },

  async supportsGotoTargetsRequest() {
    const client = await started();
    const { targets } = await client.request<P.GotoTargetsResponse["body"]>("gotoTargets", {
      source: { path: guestFile },
      line: at("cli"),
    });
    expect(await client.go("goto", { targetId: targets[0]!.id })).toMatchObject({ reason: "goto" });
    expect(await client.line()).toBe(at("cli"));
  },

  async supportsRestartFrame() {
    const client = await launched();
    await client.breakAt({ line: at("pop ebx") }, { line: at(".again: inc edx") });
    await client.start();
    await client.go("continue");
    const [inner, outer] = await client.frames();
    await client.go("restartFrame", { frameId: inner!.id });
    expect(await client.line()).toBe(at("double: push ebx"));
    await client.go("continue");
    expect(await client.line()).toBe(at("pop ebx"));
    await client.go("restartFrame", { frameId: outer!.id });
    expect(await client.line()).toBe(at("start:"));
    await client.request("setExceptionBreakpoints", filter(filters.exits));
    await client.breakAt();
    await client.go("continue");
    const [vmm] = await client.frames();
    expect(vmm!.canRestart).toBe(false);
    await expect(client.request("restartFrame", { frameId: vmm!.id })).rejects.toThrow("not the VMM");
  },

  async supportsStepInTargetsRequest() {
    const client = await launched();
    const targets = async () =>
      (await client.request<P.StepInTargetsResponse["body"]>("stepInTargets", { frameId: 1 })).targets;
    await client.breakAt({ line: at("call double") }, { line: at("cpuid") });
    await client.start();
    expect(await targets()).toEqual([]);
    await client.go("continue");
    expect((await targets()).map(({ label }) => label)).toEqual(["double", "Past it, to the next instruction"]);
    await client.go("stepIn", { targetId: (await targets())[0]!.id });
    expect(await client.line()).toBe(at("double:"));
    await client.go("continue");
    const [vmm, past] = await targets();
    expect(vmm!.label).toMatch(/^The VMM: cpuid/);
    await client.go("stepIn", { targetId: vmm!.id });
    expect((await client.frames())[0]!.name).toBe("VMM: handle CPUID");
    expect(await targets()).toEqual([]);
    await client.go("stepBack");
    await client.go("stepIn", { targetId: past!.id });
    expect(await client.line()).toBe(at("mov ecx, 4"));
  },
} satisfies Behaviours;
