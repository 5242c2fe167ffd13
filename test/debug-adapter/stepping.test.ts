import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import { filters } from "../../debug-adapter/capabilities.ts";
import { DapClient, guestFile, lineOf } from "../support/dap-client.ts";
import { at, endless, faulting, guest } from "./guest.ts";

async function stoppedAt(source: string, text: string, args: object = {}): Promise<DapClient> {
  const client = new DapClient(source);
  await client.launch(args);
  await client.breakAt({ line: lineOf(source, text) });
  await client.start();
  const stop = await client.go("continue");
  expect(stop.reason).toBe("breakpoint");
  await client.breakAt();
  return client;
}

describe("step over", () => {
  it.each([
    ["call double", "cpuid"],
    ["cpuid", "mov ecx, 4"],
    ["rep stosb", "mov esi, greeting"],
    ["call print", "mov ecx, 3"],
    ["loop .again", ".again: inc"],
    ["mov eax, 1", "call double"],
  ])("%s leads to %s", async (from, to) => {
    const client = await stoppedAt(guest.replace("start:  mov", "start:  nop\n        mov"), from);
    await client.go("next");
    expect(await client.line()).toBe(at(to) + 1);
  });

  it.each([
    ["call double", "cpuid"],
    ["rep stosb", "mov esi, greeting"],
    ["call print", "mov ecx, 3"],
    ["loop .again", ".again: inc"],
    ["mov eax, 1", "call double"],
  ])("of the guest where it runs translated: %s leads to %s, and back", async (from, to) => {
    const source = guest.replace("start:  mov", "start:  nop\n        mov");
    const client = await stoppedAt(source, from, { technique: "binary-translation" });
    await client.go("next");
    expect(await client.line()).toBe(at(to) + 1);
    await client.go("stepBack");
    expect(await client.line()).toBe(lineOf(source, from));
    const { units } = await client.request<{ units: { guest: object[] }[] }>("ringside/translations");
    expect(units.flatMap((unit) => unit.guest)).not.toEqual([]);
  });

  it("a call stops at breakpoints in the called code", async () => {
    const client = await stoppedAt(guest, "call double");
    await client.breakAt({ line: at("add eax") });
    expect((await client.go("next")).reason).toBe("breakpoint");
    expect(await client.line()).toBe(at("add eax"));
  });

  it("a recursive call stops in the same depth", async () => {
    const source = `%pragma ringside mode protected
        org 100000h
        bits 32
        mov ecx, 3
        call down
        hlt
down:   dec ecx
        jz .end
        call down
        inc edx
.end:   ret
`;
    const client = await stoppedAt(source, "jz .end");
    await client.go("next");
    await client.go("next");
    expect(await client.line()).toBe(lineOf(source, "inc edx"));
    expect((await client.frames()).filter(({ source: file }) => file)).toHaveLength(2);
  });

  it("a fault shows the handler", async () => {
    const client = await stoppedAt(faulting, "ud2");
    await client.go("next");
    expect(await client.line()).toBe(lineOf(faulting, "handler: push"));
  });
});

describe("step into", () => {
  it("an instruction that exits stops inside the VMM", async () => {
    const client = await stoppedAt(guest, "cpuid");
    expect(await client.go("stepIn")).toMatchObject({ description: "VM exit: CPUID" });
    const frames = await client.frames();
    expect(frames.map(({ name, presentationHint }) => [name, presentationHint])).toEqual([
      ["VMM: handle CPUID", undefined],
      ["VMM: dispatch exits", undefined],
      ["──── VM exit: CPUID ────", "label"],
      [expect.stringMatching(/^start\+/), undefined],
    ]);
    const { scopes } = await client.request<P.ScopesResponse["body"]>("scopes", { frameId: 1 });
    expect(scopes[0]!.name).toBe("VM exit");
    await client.go("stepIn");
    expect(await client.line()).toBe(at("mov ecx, 4"));
  });

  it("an instruction that traps is called a trap where there is no virtualization hardware", async () => {
    const client = await stoppedAt(guest, "        cli", { technique: "trap-and-emulate" });
    expect(await client.go("stepIn")).toMatchObject({ description: "Trap: #GP" });
    expect((await client.frames()).map(({ name }) => name)).toContain("──── Trap: #GP ────");
    const { threads } = await client.request<P.ThreadsResponse["body"]>("threads");
    expect(threads[0]!.name).toBe("vCPU 0 (trap-and-emulate, ring 1, 32-bit)");
  });

  it("a call enters it, and step out leaves it", async () => {
    const client = await stoppedAt(guest, "call double", { technique: "bare-metal" });
    await client.go("stepIn");
    expect(await client.line()).toBe(at("double:"));
    await client.go("next");
    const frames = await client.frames();
    expect(frames.map(({ line }) => line)).toEqual([at("add eax"), at("call double")]);
    await client.go("stepOut");
    expect(await client.line()).toBe(at("cpuid"));
    await expect(client.request("stepOut", { threadId: 1 })).rejects.toThrow("No caller is known");
  });

  it("a fault shows where it struck", async () => {
    const client = await stoppedAt(faulting, "ud2");
    await client.go("stepIn");
    const frames = await client.frames();
    expect(frames.map(({ line }) => line)).toEqual([lineOf(faulting, "handler: push"), lineOf(faulting, "ud2")]);
    await client.go("stepOut");
    expect(await client.line()).toBe(lineOf(faulting, "inc bx"));
  });
});

describe("backwards", () => {
  it("leads over a handler that has returned", async () => {
    const client = await stoppedAt(faulting, "inc bx");
    await client.go("stepBack");
    expect(await client.line()).toBe(lineOf(faulting, "iret"));
  });

  it("leads over a VM exit, and forgets it", async () => {
    const client = await stoppedAt(guest, "cpuid");
    const exits = async () =>
      (await client.request<{ events: unknown[] }>("ringside/events", { after: 0, limit: 100, kinds: ["exit"] }))
        .events;
    const before = (await exits()).length;
    await client.go("next");
    expect(await exits()).toHaveLength(before + 1);
    await client.go("stepBack");
    expect(await exits()).toHaveLength(before);
    expect(await client.line()).toBe(at("cpuid"));
  });

  it("stays possible after the end", async () => {
    const client = new DapClient(guest);
    await client.launch();
    await client.start();
    expect(await client.go("continue")).toMatchObject({ reason: "pause", description: "Halted" });
    await expect(client.request("continue", { threadId: 1 })).rejects.toThrow(
      "The guest cannot go on. HLT with interrupts disabled",
    );
    await client.go("stepBack");
    expect(await client.line()).toBe(lineOf(guest, "        hlt"));
    await client.go("stepBack");
    expect(await client.line()).toBe(at("cli"));
    expect((await client.go("continue")).description).toBe("Halted");
  });

  it("does not print again what was printed", async () => {
    const client = await stoppedAt(guest, "mov ecx, 3");
    expect(client.console).toBe("hi\n");
    await client.go("reverseContinue");
    expect((await client.go("continue")).description).toBe("Halted");
    expect(client.console).toBe("hi\n");
  });

  it("keeps what a person changed", async () => {
    const client = await stoppedAt(guest, "call double");
    await client.evaluate("eax = 20", "repl");
    await client.go("next");
    expect(await client.evaluate("eax")).toContain("(40)");
    await client.go("stepBack");
    expect(await client.evaluate("eax")).toContain("(20)");
    await client.go("next");
    expect(await client.evaluate("eax")).toContain("(40)");
  });

  it("tells in the console what becomes of the instruction about to run, and why", async () => {
    const client = await stoppedAt(guest, "call double");
    expect(await client.evaluate("why", "repl")).toMatch(/^call .*: runs\. .*\nSource: SDM Vol\. 3/);
  });

  it("shows in the console how an address is translated", async () => {
    const client = await stoppedAt(guest, "call double");
    expect(await client.evaluate("walk $", "repl")).toMatch(
      /^linear .* → guest-physical .*, host-physical .*\n.* memory reference/s,
    );
  });

  it("counts hits as they were", async () => {
    const client = new DapClient(guest);
    await client.launch();
    await client.breakAt({ line: at("loop .again"), hitCondition: ">= 2" });
    await client.start();
    await client.go("continue");
    await client.go("continue");
    expect(await client.evaluate("ecx")).toContain("(1)");
    await client.go("reverseContinue");
    expect(await client.evaluate("ecx")).toContain("(2)");
    expect((await client.go("reverseContinue")).description).toBe("At the beginning of the run");
  });

  it("finds the last VM exit among breakpoints", async () => {
    const client = await stoppedAt(guest, "mov ecx, 3");
    await client.breakAt({ line: at("double:") });
    await client.request("setExceptionBreakpoints", {
      filters: [],
      filterOptions: [{ filterId: filters.exits, condition: "CPUID" }],
    });
    expect((await client.go("reverseContinue")).description).toBe("VM exit: CPUID");
    expect((await client.go("reverseContinue")).reason).toBe("breakpoint");
    expect(await client.line()).toBe(at("double:"));
  });
});

describe("events", () => {
  it("go to the next and the previous VM exit", async () => {
    const client = await stoppedAt(guest, "rep stosb");
    const { events } = await client.request<{ events: { reason: string }[] }>("ringside/events", {
      after: 0,
      limit: 1000,
      kinds: ["exit"],
    });
    const to = (direction: string) => client.go("ringside/toExit", { direction });
    expect((await to("next")).description).toBe("VM exit: IO_INSTRUCTION");
    for (const { reason } of events.toReversed()) expect((await to("previous")).description).toBe(`VM exit: ${reason}`);
    await expect(client.request("ringside/toExit", { direction: "previous" })).rejects.toThrow("no VM exit before");
    for (const { reason } of events.slice(1)) expect((await to("next")).description).toBe(`VM exit: ${reason}`);
  });

  it("go to the moment before an event", async () => {
    const client = await stoppedAt(guest, "mov ecx, 3");
    const body = await client.request<{ events: { sequence: number; reason: string; source?: object }[] }>(
      "ringside/events",
      {
        after: 0,
        limit: 1000,
        kinds: ["exit"],
      },
    );
    const cpuid = body.events.find(({ reason }) => reason === "CPUID");
    expect(cpuid?.source).toEqual({ uri: `file://${guestFile}`, line: at("cpuid") - 1 });
    const stop = await client.go("ringside/goToEvent", { sequence: cpuid!.sequence });
    expect([stop.reason, stop.description]).toEqual(["goto", "VM exit: CPUID"]);
    expect(await client.line()).toBe(at("cpuid"));
    // Pending: the VMM has not resumed the guest, but the exit is there to be looked at.
    const then = await client.request<{ last: number }>("ringside/events", { after: 0, limit: 1000 });
    expect(then.last).toBe(cpuid!.sequence);
    await expect(client.request("ringside/goToEvent", { sequence: 9999 })).rejects.toThrow("not in the recorded past");
  });

  it("announce the present at every stop", async () => {
    const client = await stoppedAt(guest, "rep stosb");
    const [last] = client.events.filter(({ event }) => event === "ringside/advanced").toReversed();
    const { now, last: sequence } = await client.request<{ now: object; last: number }>("ringside/events", {
      after: 0,
      limit: 0,
    });
    expect(last?.body).toEqual({ now, last: sequence, running: false });
  });

  it("walk a linear address", async () => {
    const client = await stoppedAt(guest, "rep stosb");
    const { event } = await client.request<{ event: { kind: string; physical: string } }>("ringside/walk", {
      linear: "100000",
    });
    expect(event).toMatchObject({ kind: "walk", physical: "100000" });
    await expect(client.request("ringside/walk", { linear: "xyz" })).rejects.toThrow("not a hexadecimal address");
  });
});

describe("a guest that never ends", () => {
  it("can be paused and looked at", async () => {
    const client = new DapClient(endless);
    await client.launch({ stopOnEntry: false });
    await client.request("configurationDone");
    await new Promise((resolve) => setImmediate(resolve));
    await expect(client.request("stackTrace", { threadId: 1 })).rejects.toThrow("The guest is running");
    await client.request("pause", { threadId: 1 });
    expect((await client.stopped()).reason).toBe("pause");
    expect([lineOf(endless, "inc"), lineOf(endless, "jmp")]).toContain(await client.line());
    const before = await client.evaluate("eax");
    await client.go("stepBack");
    await client.go("stepIn");
    expect(await client.evaluate("eax")).toBe(before);
  });

  it("can be taken to an event while it runs", async () => {
    const client = new DapClient(endless);
    await client.launch({ stopOnEntry: false, technique: "vtx-ept" });
    await client.request("configurationDone");
    await new Promise((resolve) => setImmediate(resolve));
    expect((await client.go("ringside/goToEvent", { sequence: 1 })).reason).toBe("goto");
    expect(await client.line()).toBe(lineOf(endless, "start:"));
    await client.request("continue", { threadId: 1 });
    await expect(client.request("ringside/goToEvent", { sequence: 99 })).rejects.toThrow("not in the recorded past");
    expect((await client.stopped()).reason).toBe("pause");
  });

  it("can be paused while it goes backwards", async () => {
    const client = new DapClient(endless);
    await client.launch({ stopOnEntry: false });
    await client.request("configurationDone");
    await new Promise((resolve) => setImmediate(resolve));
    await client.request("pause", { threadId: 1 });
    await client.stopped();
    const before = await client.evaluate("eax");
    await client.breakAt({ line: lineOf(endless, "inc"), condition: "eax == -1" });
    await client.request("reverseContinue", { threadId: 1 });
    await client.request("pause", { threadId: 1 });
    await client.stopped();
    expect([before, "0x00000000 (0)"]).toContain(await client.evaluate("eax"));
  });
});

describe("the examples", () => {
  const example = (name: string) => readFileSync(join(import.meta.dirname, "..", "..", "examples", name), "utf8");

  it.each(["bare-metal", "vtx-ept"])(
    "timer.asm: over HLT and the interrupt that ends it, and back, under %s",
    async (technique) => {
      const source = example("timer.asm");
      const client = await stoppedAt(source, "        hlt", { technique });
      await client.go("next");
      expect(await client.line()).toBe(lineOf(source, "        cli"));
      expect(await client.evaluate("dword [ticks]")).toContain("(1)");
      await client.go("stepBack");
      expect(await client.line()).toBe(lineOf(source, "        hlt"));
      expect(await client.evaluate("dword [ticks]")).toContain("(0)");
    },
  );

  it.each([
    ["xen-pagetable.asm", "int 82h"],
    ["xen-user-mode.asm", "syscall"],
  ])("%s: a hypercall is at hand until Xen has answered it, and the last one for ever", async (file, call) => {
    const source = example(file);
    const client = new DapClient(source);
    await client.launch();
    await client.request("setExceptionBreakpoints", { filters: ["vm-exits"] });
    await client.start();
    const lines: (number | undefined)[] = [];
    const textOf = (line = 0) => source.split("\n")[line - 1];
    while ((await client.go("continue")).reason === "exception") {
      const line = await client.line();
      lines.push(line);
      if (!textOf(line)?.includes(call)) continue;
      await client.go("next");
      expect(await client.line()).not.toBe(line);
      if (lines.length > 3) break;
    }
    expect(lines.filter((line) => textOf(line)?.includes(call)).length).toBeGreaterThan(1);
    await client.request("setExceptionBreakpoints", { filters: ["guest-end"] });
    await client.go("continue");
    expect(textOf(await client.line())).toContain(call);
  });

  it("user-mode.asm: the stack of a system call goes on in ring 3", async () => {
    const source = example("user-mode.asm");
    const client = await stoppedAt(source, "system_call:", { technique: "bare-metal" });
    const frames = await client.frames();
    expect(frames.map(({ line }) => line)).toEqual([lineOf(source, "system_call:") + 1, lineOf(source, "int 80h")]);
    const { threads } = await client.request<P.ThreadsResponse["body"]>("threads");
    expect(threads[0]!.name).toBe("vCPU 0 (bare-metal, ring 0, 32-bit)");
    await client.go("stepOut");
    expect(await client.line()).toBe(lineOf(source, "int 80h") + 1);
  });

  it("page-fault.asm: a page fault stops before the instruction that raises it", async () => {
    const source = example("page-fault.asm");
    const client = new DapClient(source);
    await client.launch({ technique: "bare-metal" });
    await client.request("setExceptionBreakpoints", {
      filters: [filters.end],
      filterOptions: [{ filterId: filters.exceptions, condition: "14" }],
    });
    await client.start();
    expect(await client.go("continue")).toMatchObject({ reason: "exception", description: "Exception: #PF(2h)" });
    expect(await client.line()).toBe(lineOf(source, "'demo'"));
    expect((await client.frames())[0]!.name).toBe("culprit");
    const info = await client.request<P.ExceptionInfoResponse["body"]>("exceptionInfo", { threadId: 1 });
    expect(info.description).toMatch(
      /^The next instruction raises #PF\(2h\) \(vector 14\) for linear address [\dA-F]+h\.$/,
    );
    expect((await client.go("continue")).description).toBe("Finished");
    expect((await client.go("reverseContinue")).description).toBe("Exception: #PF(2h)");
  });
});
