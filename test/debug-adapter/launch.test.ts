import { describe, expect, it } from "vitest";
import { DapClient, guestFile } from "../support/dap-client.ts";
import { guest } from "./guest.ts";

async function refusal(files: string | Record<string, string>, args: object = {}): Promise<string> {
  const client = new DapClient(files);
  await client.request("initialize", { adapterID: "ringside" });
  const message = await client.request("launch", { program: guestFile, ...args }).then(
    () => "launched",
    (error: Error) => error.message,
  );
  // Nothing half started: no guest answers.
  await expect(client.request("threads")).rejects.toThrow("No guest has been launched.");
  expect(client.events.map(({ event }) => event)).not.toContain("initialized");
  return message;
}

describe("a launch is refused", () => {
  it.each([
    [{ program: undefined }, 'lacks "program"'],
    [{ program: 5 }, '"program" in the launch configuration must be a text'],
    [{ program: "/nowhere.asm" }, '"program": there is no file /nowhere.asm.'],
    [{ technique: "kvm" }, '"technique" in the launch configuration must be one of bare-metal, '],
    [{ memory: 0 }, '"memory" in the launch configuration must be a whole number of MiB from 1 to 1024'],
    [{ memory: "16" }, '"memory" in the launch configuration'],
    [{ stopOnEntry: "yes" }, '"stopOnEntry" in the launch configuration must be true or false'],
    [{ costs: "gold" }, '"costs" in the launch configuration must be one of unit, '],
    [{ program: "" }, '"program" in the launch configuration must be a text, not empty'],
    [{ include: "lib" }, '"include" in the launch configuration must be a list of folders'],
    [{ tecnique: "bare-metal" }, 'unknown field "tecnique"'],
    [{ toString: 1 }, 'unknown field "toString"'],
  ])("for %j", async (args, message) => {
    expect(await refusal(guest, args)).toContain(message);
  });

  it.each([
    ["an unknown mnemonic", "start: frobnicate eax\n", `${guestFile}:1:8: error:`],
    ["an undefined label", "start: jmp nowhere\n", `${guestFile}:1:`],
    ["a missing include", '%include "gone.inc"\n', `${guestFile}:1:`],
    ["an include of itself", `%include "${guestFile}"\n`, `${guestFile}:1:`],
    ["a NUL byte", "start: nop\0\n", `${guestFile}:1:`],
  ])("for %s, with its place", async (_, source, place) => {
    expect(await refusal(source)).toContain(place);
  });

  it("for an error in an included file, at its place there", async () => {
    const files = { [guestFile]: '%include "lib/more.inc"\n', "/guests/lib/more.inc": "  nop\n  mov al, ebx\n" };
    expect(await refusal(files)).toContain("/guests/lib/more.inc:2:");
  });

  it("for a technique that cannot run the guest, in a plain sentence with the remedy", async () => {
    expect(await refusal(guest, { technique: "paravirtualization" })).toMatch(/"%pragma ringside mode xen".*\.$/);
  });

  it("with all problems in the console", async () => {
    const client = new DapClient("  frobnicate eax\n  mov al, ebx\n");
    await client.request("initialize", { adapterID: "ringside" });
    await expect(client.request("launch", { program: guestFile })).rejects.toThrow("(and 1 more)");
    const output = client.events.map(({ body }) => body.output).join("");
    expect(output.match(/guest\.asm:\d+:\d+: error: /g)).toHaveLength(2);
  });
});

describe("a launch", () => {
  it("reads included files one after the other, from the program's folder and the listed ones", async () => {
    const client = new DapClient({
      [guestFile]: '  org 7C00h\n%include "one.inc"\n',
      "/guests/one.inc": '%include "two.inc"\n',
      "/library/two.inc": "start: nop\n  cli\n  hlt\n",
    });
    await client.launch({ include: ["/library"] });
    await client.start();
    expect((await client.frames())[0]).toMatchObject({
      source: { path: "/library/two.inc", name: "two.inc" },
      line: 1,
    });
  });

  it.each([
    [{}, "vtx-ept, ring 0, 32-bit"],
    [{ fallbackTechnique: "bare-metal" }, "vtx-ept"],
    [{ technique: "bare-metal" }, "bare-metal"],
  ])("with %j runs under what the source or the launch says", async (args, name) => {
    const client = new DapClient(guest);
    await client.launch(args);
    await client.start();
    const { threads } = await client.request<{ threads: { name: string }[] }>("threads");
    expect(threads[0]!.name).toContain(name);
  });

  it("takes the client's fallback where the source says nothing", async () => {
    const client = new DapClient("  org 7C00h\n  hlt\n");
    await client.launch({ fallbackTechnique: "bare-metal" });
    const { threads } = await client.request<{ threads: { name: string }[] }>("threads");
    expect(threads[0]!.name).toBe("vCPU 0 (bare-metal, ring 0, 16-bit)");
  });

  it("takes paravirtualization where the source is made for Xen, whatever the fallback is", async () => {
    const client = new DapClient("%pragma ringside mode xen\n  org 100000h\n  bits 32\n  ud2\n");
    await client.launch({ fallbackTechnique: "bare-metal" });
    const { threads } = await client.request<{ threads: { name: string }[] }>("threads");
    expect(threads[0]!.name).toBe("vCPU 0 (paravirtualization, ring 1, 32-bit)");
  });

  it("without debugging runs to the end and leaves", async () => {
    const client = new DapClient(guest);
    await client.launch({ noDebug: true });
    await client.breakAt({ line: 6 });
    await client.request("configurationDone");
    await client.event("terminated");
    expect(client.console).toBe("hi\n");
    expect(client.events.map(({ event }) => event)).not.toContain("stopped");
  });

  it("finds lines and labels of a program that was loaded at a segment of its own", async () => {
    const client = new DapClient(
      "        org 100h\nstart:  mov si, text\n        mov al, [text]\n        hlt\ntext:   db 'R'\n",
    );
    await client.launch({ technique: "bare-metal" });
    await client.breakAt({ line: 3 });
    await client.start();
    expect((await client.frames())[0]).toMatchObject({
      line: 2,
      name: "start",
      instructionPointerReference: "0x10100",
    });
    expect((await client.go("continue")).reason).toBe("breakpoint");
    expect(await client.line()).toBe(3);
    expect(await client.evaluate("byte [text]")).toBe("0x52 (82) 'R'");
    expect(await client.evaluate("si")).toContain("text");
    const body = await client.request<{ memoryReference: string }>("evaluate", { expression: "text" });
    expect(body.memoryReference).toBe("0x10107");
  });

  it("works where files have URIs", async () => {
    const uri = "vscode-test-web://mount/guests/a%20guest.asm";
    const client = new DapClient({
      [uri]: '%include "more.inc"\n',
      "vscode-test-web://mount/guests/more.inc": "  nop\n  hlt\n",
    });
    await client.launch({ program: uri });
    const body = await client.request<{ breakpoints: { verified: boolean }[] }>("setBreakpoints", {
      source: { path: "vscode-test-web://mount/guests/more.inc" },
      breakpoints: [{ line: 2 }],
    });
    expect(body.breakpoints[0]).toMatchObject({ verified: true, line: 2 });
    await client.start();
    expect((await client.go("continue")).reason).toBe("breakpoint");
  });

  it("says why a breakpoint cannot be bound, and moves it to the next line with code", async () => {
    const client = new DapClient(guest);
    await client.launch();
    const [moved, condition, hits] = await client.breakAt(
      { line: 1 },
      { line: 6, condition: "eax ==" },
      { line: 6, hitCondition: "often" },
    );
    expect(moved).toMatchObject({
      verified: true,
      line: 6,
      message: "Line 1 has no instruction; the next one is in line 6.",
    });
    expect(condition).toMatchObject({ verified: false, message: "Condition: a value is missing before the end." });
    expect(hits!.message).toContain('Hit condition "often"');
    const other = await client.request<{ breakpoints: object[] }>("setBreakpoints", {
      source: { path: "/guests/other.asm" },
      breakpoints: [{ line: 1 }],
    });
    expect(other.breakpoints[0]).toMatchObject({
      verified: false,
      message: "other.asm is not part of the program guest.asm that is being debugged.",
    });
  });
});
