import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import { type capabilities, filters } from "../../debug-adapter/capabilities.ts";
import { breakpointModes } from "../../debug-adapter/data-breakpoints.ts";
import { DapClient, guestFile, lineOf } from "../support/dap-client.ts";
import { endless, faulting, guest } from "./guest.ts";

async function launched(source: string | Record<string, string> = guest, args: object = {}): Promise<DapClient> {
  const client = new DapClient(source);
  await client.launch(args);
  return client;
}

async function started(source: string | Record<string, string> = guest, args: object = {}): Promise<DapClient> {
  const client = await launched(source, args);
  await client.start();
  return client;
}

async function variables(client: DapClient, scope: string): Promise<P.Variable[]> {
  const { scopes } = await client.request<P.ScopesResponse["body"]>("scopes", { frameId: 1 });
  const { variablesReference } = scopes.find(({ name }) => name === scope)!;
  return (await client.request<P.VariablesResponse["body"]>("variables", { variablesReference })).variables;
}

async function scopeReference(client: DapClient, scope: string): Promise<number> {
  const { scopes } = await client.request<P.ScopesResponse["body"]>("scopes", { frameId: 1 });
  return scopes.find(({ name }) => name === scope)!.variablesReference;
}

const at = (text: string) => lineOf(guest, text);
const filter = (filterId: string, condition?: string) => ({ filters: [], filterOptions: [{ filterId, condition }] });

/** One behaviour for each capability that is declared; the compiler sees to it that none is forgotten. */
const behaviours: Record<keyof typeof capabilities, () => Promise<void>> = {
  async supportsConfigurationDoneRequest() {
    const client = await launched();
    await client.breakAt({ line: at("cpuid") });
    expect(client.events.map(({ event }) => event)).not.toContain("stopped");
    expect((await client.start()).reason).toBe("entry");
    expect(await client.line()).toBe(at("start:"));
  },

  async supportsFunctionBreakpoints() {
    const client = await launched();
    const { breakpoints } = await client.request<P.SetFunctionBreakpointsResponse["body"]>("setFunctionBreakpoints", {
      breakpoints: [{ name: "double" }, { name: "print.end" }, { name: "treble" }],
    });
    expect(breakpoints.map(({ verified }) => verified)).toEqual([true, true, false]);
    expect(breakpoints[2]!.message).toBe('The program has no label "treble".');
    await client.start();
    expect((await client.go("continue")).reason).toBe("function breakpoint");
    expect(await client.line()).toBe(at("double:"));
    await client.go("continue");
    expect(await client.line()).toBe(at(".end:"));
  },

  async supportsConditionalBreakpoints() {
    const client = await launched();
    await client.breakAt({ line: at("loop"), condition: "ecx == 2" });
    await client.start();
    await client.go("continue");
    expect(await client.evaluate("ecx")).toContain("0x00000002");
    expect((await client.go("continue")).description).toBe("Halted");
  },

  async supportsHitConditionalBreakpoints() {
    const client = await launched();
    await client.breakAt({ line: at("loop"), hitCondition: "== 3" });
    await client.start();
    await client.go("continue");
    expect(await client.evaluate("ecx")).toContain("0x00000001");
    expect((await client.go("continue")).description).toBe("Halted");
  },

  async supportsLogPoints() {
    const client = await launched();
    await client.breakAt({ line: at("loop"), logMessage: "ecx is {ecx}, {nothing}" });
    await client.start();
    expect((await client.go("continue")).description).toBe("Halted");
    const logged = client.events.filter(({ body }) => body?.category === "console").map(({ body }) => body.output);
    expect(logged).toEqual(
      [3, 2, 1].map(
        (n) => `ecx is 0x0000000${n} (${n}), {nothing: there is no register, flag, label or constant "nothing"}\n`,
      ),
    );
  },

  async supportsInstructionBreakpoints() {
    const client = await started();
    const frames = await client.frames();
    const { breakpoints } = await client.request<P.SetInstructionBreakpointsResponse["body"]>(
      "setInstructionBreakpoints",
      { breakpoints: [{ instructionReference: frames[0]!.instructionPointerReference, offset: 5 }] },
    );
    expect(breakpoints[0]).toMatchObject({ verified: true, line: at("call double") });
    expect((await client.go("continue")).reason).toBe("instruction breakpoint");
    expect(await client.line()).toBe(at("call double"));
  },

  async supportsDataBreakpoints() {
    const client = await started();
    const info = (args: object) => client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", args);
    const set = async (...breakpoints: P.DataBreakpoint[]) =>
      (await client.request<P.SetDataBreakpointsResponse["body"]>("setDataBreakpoints", { breakpoints })).breakpoints;
    expect(await info({ name: "answer" })).toMatchObject({ dataId: null });
    expect(await info({ name: "byte [buffer + 2]" })).toMatchObject({
      dataId: expect.stringMatching(/^0x10[\da-f]+\/1$/),
      accessTypes: ["read", "write", "readWrite"],
    });
    // A label stands for its data, here four bytes.
    const { dataId } = await info({ name: "buffer" });
    expect(dataId).toMatch(/\/4$/);
    const breakpoints = await set(
      { dataId: dataId!, accessType: "write", condition: "edi == buffer + 3" },
      { dataId: dataId!, accessType: "read" },
      { dataId: "nonsense" },
    );
    expect(breakpoints.map(({ verified }) => verified)).toEqual([true, true, false]);
    const stop = await client.go("continue");
    expect(stop).toMatchObject({ reason: "data breakpoint", hitBreakpointIds: [breakpoints[0]!.id] });
    expect(stop.text).toMatch(/^Written: 4 bytes at 0x10[\da-f]+, now 0x00010101/);
    expect(await client.line()).toBe(at("rep stosb"));
    expect((await client.go("continue")).description).toBe("Halted");
    // The greeting is read byte by byte; backwards, the guest stands before the instruction that reads.
    const greeting = (await info({ name: "byte [greeting + 1]" })).dataId!;
    await set({ dataId: greeting, accessType: "read" });
    expect(await client.go("reverseContinue")).toMatchObject({
      reason: "data breakpoint",
      text: expect.stringMatching(/^Read by this instruction: 1 byte at .*'i'$/),
    });
    expect(await client.line()).toBe(at("lodsb"));
    expect(await client.evaluate("esi == greeting + 1")).toBe("1");
    expect(await client.go("reverseContinue")).toMatchObject({ description: "At the beginning of the run" });
    await set({ dataId: (await info({ name: "buffer" })).dataId!, accessType: "readWrite", hitCondition: "== 3" });
    await client.go("continue");
    expect(await client.evaluate("edi == buffer + 3")).toBe("1");
  },

  async supportsDataBreakpointBytes() {
    const client = await started();
    const info = (args: object) => client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", args);
    const address = (await client.evaluate("buffer")).split(" ")[0]!;
    const { dataId, canPersist } = await info({ name: address, asAddress: true, bytes: 3 });
    expect({ dataId, canPersist }).toEqual({ dataId: `${address}/3`, canPersist: true });
    expect(await info({ name: address, asAddress: true, bytes: 0 })).toMatchObject({ dataId: null });
    await client.request("setDataBreakpoints", { breakpoints: [{ dataId, hitCondition: ">= 3" }] });
    await client.go("continue");
    expect(await client.evaluate("edi == buffer + 3")).toBe("1");
    expect((await client.go("continue")).description).toBe("Halted");
    // What a register points to, as many bytes as it is wide.
    const general = await scopeReference(client, "General");
    expect(await info({ variablesReference: general, name: "ESP" })).toMatchObject({
      dataId: expect.stringMatching(/\/4$/),
    });
    const flags = await scopeReference(client, "Flags");
    expect(await info({ variablesReference: flags, name: "CF" })).toMatchObject({ dataId: null });
  },

  async breakpointModes() {
    for (const { mode } of breakpointModes) {
      const client = await launched();
      await client.breakAt({ line: at("mov ecx, 4") });
      await client.start();
      await client.go("continue");
      await client.evaluate("byte [buffer] = 0", "repl");
      const { dataId, description } = await client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", {
        name: "byte [buffer]",
        mode,
      });
      const prefix = { linear: "", "guest-physical": "gpa:", "host-physical": "hpa:" }[mode];
      expect(dataId).toMatch(new RegExp(`^${prefix}0x[\\da-f]+/1$`));
      expect(description).toContain(mode === "linear" ? "guest-virtual" : mode);
      await client.request("setDataBreakpoints", { breakpoints: [{ dataId, accessType: "write" }] });
      expect((await client.go("continue")).reason).toBe("data breakpoint");
      expect(await client.evaluate("edi == buffer + 1")).toBe("1");
    }
  },

  async supportsBreakpointLocationsRequest() {
    const client = await launched();
    const body = await client.request<P.BreakpointLocationsResponse["body"]>("breakpointLocations", {
      source: { path: guestFile },
      line: 1,
      endLine: at("cpuid"),
    });
    expect(body.breakpoints.map(({ line }) => line)).toEqual([at("start:"), at("call double"), at("cpuid")]);
  },

  async supportsExceptionInfoRequest() {
    const client = await launched();
    await client.request("setExceptionBreakpoints", filter(filters.exits, "cpuid"));
    await client.start();
    await expect(client.request("exceptionInfo", { threadId: 1 })).rejects.toThrow("not stopped at");
    await client.go("continue");
    const info = await client.request<P.ExceptionInfoResponse["body"]>("exceptionInfo", { threadId: 1 });
    expect(info.exceptionId).toBe("VM exit: CPUID");
    expect(info.details?.stackTrace).toContain("Rule: ");
    expect(info.details?.typeName).toBe("CPUID (10)");
  },

  async supportsExceptionFilterOptions() {
    const client = await launched();
    const { breakpoints } = await client.request<P.SetFunctionBreakpointsResponse["body"]>("setExceptionBreakpoints", {
      filters: [filters.end, "unheard-of"],
      filterOptions: [{ filterId: filters.exits, condition: "hlt; io instruction" }],
    });
    expect(breakpoints.map(({ verified }) => verified)).toEqual([true, false, true]);
    await client.start();
    expect(await client.go("continue")).toMatchObject({ reason: "exception", description: "VM exit: IO_INSTRUCTION" });
  },

  async exceptionBreakpointFilters() {
    const client = await launched(faulting);
    await client.request("setExceptionBreakpoints", filter(filters.exceptions, "#UD"));
    await client.start();
    expect(await client.go("continue")).toMatchObject({ reason: "exception", description: "Exception: #UD" });
    expect(await client.line()).toBe(lineOf(faulting, "ud2"));
    await client.go("continue");
    expect(await client.evaluate("bx")).toContain("0x0001");
    // Without the filter for its end, the session ends with the guest.
    await client.request("continue", { threadId: 1 });
    await client.event("terminated");
  },

  async supportsEvaluateForHovers() {
    const client = await started();
    expect(await client.evaluate("eip", "hover")).toContain("0x00100000");
    expect(await client.evaluate("greeting", "hover")).toMatch(/^0x1000/);
    expect(await client.evaluate("answer", "hover")).toBe("0x2a (42) '*'");
    expect(await client.evaluate("byte [greeting + 1]", "hover")).toBe("0x69 (105) 'i'");
    await expect(client.evaluate("nonsense", "hover")).rejects.toThrow(
      'no register, flag, label or constant "nonsense"',
    );
  },

  async supportsCompletionsRequest() {
    const client = await started();
    const complete = async (text: string, column: number) =>
      (await client.request<P.CompletionsResponse["body"]>("completions", { text, column })).targets;
    expect(await complete("1 + gre * 2", 8)).toEqual([{ label: "greeting", type: "reference", start: 4, length: 3 }]);
    expect((await complete("EA", 3)).map(({ label }) => label)).toEqual(["eax"]);
    expect((await complete("", 1)).map(({ label }) => label)).toEqual(
      expect.arrayContaining(["al", "zf", "cs.base", "answer", "print.end"]),
    );
    expect((await complete("r", 2)).map(({ label }) => label)).not.toContain("rax");
  },

  async completionTriggerCharacters() {
    const client = await started();
    const complete = async (text: string) =>
      (await client.request<P.CompletionsResponse["body"]>("completions", { text, column: text.length + 1 })).targets;
    // What is asked for after each of them has an answer: parts of registers and local labels, and addresses.
    expect((await complete("cs.")).map(({ label }) => label)).toContain("cs.base");
    expect((await complete("byte [")).map(({ label }) => label)).toContain("greeting");
  },

  async supportsClipboardContext() {
    const client = await started();
    expect(await client.evaluate("answer", "watch")).toBe("0x2a (42) '*'");
    expect(await client.evaluate("answer", "clipboard")).toBe("0x2a");
  },

  async supportsValueFormattingOptions() {
    const client = await started();
    const format = { hex: true };
    const result = async (command: string, args: object) =>
      client.request<{ result?: string; value?: string }>(command, { ...args, format });
    expect(await result("evaluate", { expression: "answer" })).toMatchObject({ result: "0x2a" });
    expect(await result("setExpression", { expression: "ecx", value: "11" })).toMatchObject({ value: "0x0000000b" });
    const flags = await scopeReference(client, "Flags");
    expect(await result("setVariable", { variablesReference: flags, name: "IOPL", value: "3" })).toMatchObject({
      value: "0x3",
    });
    const shown = async (args: object) =>
      (await client.request<P.VariablesResponse["body"]>("variables", { variablesReference: flags, ...args }))
        .variables;
    expect((await shown({ format })).find(({ name }) => name === "IOPL")?.value).toBe("0x3");
    expect((await shown({})).find(({ name }) => name === "IOPL")?.value).toBe("3");
  },

  async supportsANSIStyling() {
    const outputs = async (supportsANSIStyling: boolean) => {
      const client = new DapClient(guest);
      await client.launch({}, { supportsANSIStyling });
      await client.breakAt({ line: at("cpuid"), logMessage: "here" });
      await client.start();
      await client.go("continue");
      return client.events
        .filter(({ body }) => body?.category === "console" || body?.category === "stdout")
        .map(({ body }) => body.output);
    };
    // What the guest prints is its own.
    expect(await outputs(true)).toEqual(["\u001b[36mhere\u001b[0m\n", "hi\n"]);
    expect(await outputs(false)).toEqual(["here\n", "hi\n"]);
  },

  async supportsSetVariable() {
    const client = await started();
    const general = await scopeReference(client, "General");
    const set = (reference: number, name: string, value: string) =>
      client.request<P.SetVariableResponse["body"]>("setVariable", { variablesReference: reference, name, value });
    expect((await set(general, "EAX", "answer + 1")).value).toBe("0x0000002b");
    expect(await client.evaluate("al")).toContain("0x2b");
    expect((await set(await scopeReference(client, "Flags"), "CF", "1")).value).toBe("1");
    expect((await variables(client, "Flags")).find(({ name }) => name === "CF")?.value).toBe("1");
    await expect(set(general, "EAX", "100000000h")).rejects.toThrow("does not fit in the 32 bits of EAX");
    await expect(set(general, "EAX", "1 +")).rejects.toThrow("A value is missing before the end.");
  },

  async supportsSetExpression() {
    const client = await started();
    await client.request("setExpression", { expression: "word [buffer + 1]", value: "'AB'" });
    expect(await client.evaluate("dword [buffer]")).toContain("0x00424100");
    await client.request("setExpression", { expression: "ah", value: "7" });
    expect(await client.evaluate("eax & 0FF00h")).toContain("0x00000700");
    await expect(client.request("setExpression", { expression: "1 + 1", value: "7" })).rejects.toThrow(
      "not a register",
    );
  },

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

  async supportsRestartRequest() {
    const files = { [guestFile]: guest };
    const client = await launched(files);
    await client.breakAt({ line: at("cpuid") });
    await client.start();
    await client.go("continue");
    // The program is read again, and breakpoints move with it.
    files[guestFile] = guest.replace("        cpuid", "        nop\n        nop\n        cpuid");
    expect((await client.go("restart")).reason).toBe("entry");
    await client.go("continue");
    expect(await client.line()).toBe(at("cpuid"));
    expect(await client.evaluate("byte [eip]")).toContain("0x90");
    files[guestFile] = "        mov eax,\n";
    await expect(client.request("restart")).rejects.toThrow("does not assemble");
    expect(await client.evaluate("byte [eip]")).toContain("0x90");
  },

  async supportsTerminateRequest() {
    const client = await launched(endless, { stopOnEntry: false });
    await client.request("configurationDone");
    await client.request("terminate");
    await client.event("terminated");
    expect(client.events.map(({ event }) => event)).not.toContain("stopped");
  },

  async supportsCancelRequest() {
    const client = new DapClient(endless);
    await client.launch({}, { supportsProgressReporting: true });
    await client.start();
    await client.go("ringside/goToMoment", { measure: "step", value: 400_000 });
    const here = await client.evaluate("eax");
    await client.breakAt({ line: lineOf(endless, "inc eax"), condition: "eax == 0FFFFFFFFh" });
    await client.request("reverseContinue", { threadId: 1 });
    const { progressId, cancellable } = await client.event<P.ProgressStartEvent["body"]>("progressStart");
    expect(cancellable).toBe(true);
    await client.request("cancel", { progressId });
    expect((await client.stopped()).reason).toBe("pause");
    expect(client.events.filter(({ event }) => event === "progressEnd").map(({ body }) => body.progressId)).toEqual([
      progressId,
    ]);
    expect(await client.evaluate("eax")).toBe(here);
    // What is not under way any more cannot be cancelled, which is no error.
    await client.request("cancel", { progressId });
  },

  async supportsDelayedStackTraceLoading() {
    const client = await launched();
    await client.breakAt({ line: at("pop ebx") });
    await client.start();
    await client.go("continue");
    const load = (startFrame: number, levels: number) =>
      client.request<P.StackTraceResponse["body"]>("stackTrace", { threadId: 1, startFrame, levels });
    const whole = await client.frames();
    expect(whole).toHaveLength(2);
    expect(await load(0, 1)).toEqual({ stackFrames: whole.slice(0, 1), totalFrames: 2 });
    expect(await load(1, 20)).toEqual({ stackFrames: whole.slice(1), totalFrames: 2 });
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

  async supportsModulesRequest() {
    const client = await started();
    const load = (args: object) => client.request<P.ModulesResponse["body"]>("modules", args);
    const { modules, totalModules } = await load({});
    expect(modules.map(({ name, symbolStatus }) => [name, symbolStatus])).toEqual([
      ["guest.asm", "7 labels"],
      ["VMM", "Built in: no code of this machine"],
    ]);
    expect(modules[0]!.addressRange).toMatch(/^0x100000-0x10/);
    expect(await load({ startModule: 1, moduleCount: 1 })).toEqual({ modules: [modules[1]], totalModules });
  },

  async additionalModuleColumns() {
    const client = await started();
    const { modules } = await client.request<P.ModulesResponse["body"]>("modules");
    expect(modules.map((module) => (module as { technique?: string }).technique)).toEqual(["vtx-ept", "vtx-ept"]);
  },

  async supportsLoadedSourcesRequest() {
    const client = await launched({
      [guestFile]: guest.replace("        cpuid", '%include "more.inc"'),
      "/guests/more.inc": "        nop\n",
    });
    const { sources } = await client.request<P.LoadedSourcesResponse["body"]>("loadedSources");
    expect(sources.map(({ path }) => path)).toEqual([guestFile, "/guests/more.inc"]);
  },

  async supportedChecksumAlgorithms() {
    const files = { [guestFile]: guest };
    const client = await launched(files);
    const { sources } = await client.request<P.LoadedSourcesResponse["body"]>("loadedSources");
    const checksum = createHash("sha256").update(guest).digest("hex");
    expect(sources[0]!.checksums).toEqual([{ algorithm: "SHA256", checksum }]);
    const messages = async (args: object = {}) => {
      const source = { path: guestFile };
      const breakpoints = [{ line: at("cpuid") }, { line: 1 }];
      const request = { source, breakpoints, ...args };
      return (await client.request<P.SetBreakpointsResponse["body"]>("setBreakpoints", request)).breakpoints.map(
        ({ verified, message }) => [verified, message],
      );
    };
    const snapped = "Line 1 has no instruction; the next one is in line 6.";
    const stale = "guest.asm has changed since it was assembled: restart to run it as it is now.";
    expect(await messages()).toEqual([
      [true, undefined],
      [true, snapped],
    ]);
    expect(await messages({ sourceModified: true })).toEqual([
      [true, stale],
      [true, `${snapped} ${stale}`],
    ]);
    files[guestFile] = guest.replace("answer", "result");
    expect((await messages())[0]).toEqual([true, stale]);
  },

  async supportsReadMemoryRequest() {
    const client = await started();
    const { memoryReference } = await client.request<P.EvaluateResponse["body"]>("evaluate", {
      expression: "greeting",
    });
    const read = (args: object) => client.request<NonNullable<P.ReadMemoryResponse["body"]>>("readMemory", args);
    const body = await read({ memoryReference, offset: 1, count: 3 });
    expect(Buffer.from(body.data ?? "", "base64").toString("latin1")).toBe("i\n\0");
    expect(body.unreadableBytes).toBeUndefined();
    // 16 MiB of guest memory end at 1000000h.
    const edge = await read({ memoryReference: "gpa:0xfffffe", count: 8 });
    expect(Buffer.from(edge.data ?? "", "base64")).toHaveLength(2);
    expect(edge.unreadableBytes).toBe(6);
    await expect(read({ memoryReference: "somewhere", count: 1 })).rejects.toThrow("not a memory reference");
  },

  async supportsWriteMemoryRequest() {
    const client = await started();
    const write = (args: object) => client.request<NonNullable<P.WriteMemoryResponse["body"]>>("writeMemory", args);
    const data = Buffer.from("yo").toString("base64");
    const { memoryReference } = await client.request<P.EvaluateResponse["body"]>("evaluate", {
      expression: "greeting",
    });
    expect((await write({ memoryReference, data })).bytesWritten).toBe(2);
    expect((await write({ memoryReference: "gpa:0xffffff", data, allowPartial: true })).bytesWritten).toBe(1);
    await expect(write({ memoryReference: "gpa:0xfffffe", data: "AAAAAA==" })).rejects.toThrow("nothing was written");
    expect(await client.evaluate("byte [gpa:0xfffffe]")).toContain("0x00");
    await client.go("continue");
    expect(client.console).toBe("yo\n");
  },

  async supportsDisassembleRequest() {
    const client = await started();
    const disassemble = async (args: object) =>
      (await client.request<P.DisassembleResponse["body"]>("disassemble", { memoryReference: "0x100000", ...args }))!
        .instructions;
    const code = await disassemble({ instructionCount: 3 });
    expect(code.map(({ instruction }) => instruction)).toEqual([
      "mov eax, 1",
      expect.stringMatching(/^call double/),
      "cpuid",
    ]);
    expect(code[0]).toMatchObject({
      address: "0x100000",
      symbol: "start",
      line: at("start:"),
      instructionBytes: "b8 01 00 00 00",
    });
    // Always as many as wanted, also before the program and before the start of memory.
    for (const [instructionOffset, instructionCount] of [
      [-50, 100],
      [-5, 3],
      [7, 40],
      [0, 0],
    ] as const)
      expect(await disassemble({ instructionOffset, instructionCount })).toHaveLength(instructionCount);
    const before = await disassemble({ memoryReference: "0x2", instructionOffset: -4, instructionCount: 5 });
    expect(before.filter(({ presentationHint }) => presentationHint === "invalid").length).toBeGreaterThan(1);
    expect(before.at(-1)!.address).toBe("0x2");
    // From the middle of the program backwards, lines lie on the assembler's boundaries.
    const back = await disassemble({ memoryReference: code[2]!.address, instructionOffset: -2, instructionCount: 3 });
    expect(back.map(({ address }) => address)).toEqual(code.map(({ address }) => address));
    // Data is shown as data.
    const { memoryReference } = await client.request<P.EvaluateResponse["body"]>("evaluate", {
      expression: "greeting",
    });
    expect((await disassemble({ memoryReference, instructionCount: 1 }))[0]!.instruction).toBe("db 68h, 69h, 0Ah, 00h");
  },
};

/** The names of all capabilities, as the protocol's own types have them. */
function allCapabilities(): readonly string[] {
  const types = readFileSync(
    createRequire(import.meta.url).resolve("@vscode/debugprotocol/lib/debugProtocol.d.ts"),
    "utf8",
  );
  const body = /interface Capabilities \{(.*?)\n\t\}/s.exec(types)?.[1] ?? "";
  return [...body.matchAll(/^\t\t(\w+)\?:/gm)].map(([, name]) => name!);
}

describe("every declared capability is real", () => {
  it.each(Object.entries(behaviours))("%s", (_, behaviour) => behaviour());

  it("and each is declared", async () => {
    const client = new DapClient(guest);
    const declared = await client.request<object>("initialize", { adapterID: "ringside" });
    expect(Object.keys(declared).sort()).toEqual(Object.keys(behaviours).sort());
  });

  it("and of all others the documentation says why not", () => {
    const documentation = readFileSync(new URL("../../docs/debugger.md", import.meta.url), "utf8");
    const others = allCapabilities().filter((name) => !Object.hasOwn(behaviours, name));
    expect(allCapabilities()).toEqual(expect.arrayContaining(Object.keys(behaviours)));
    expect(others.filter((name) => !documentation.includes(`\`${name}\``))).toEqual([]);
    expect(others).not.toEqual([]);
  });
});
