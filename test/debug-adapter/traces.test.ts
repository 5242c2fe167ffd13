import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import { computerOf } from "../../emulator/configuration/machine-configuration.ts";
import { fromBase64, readTrace, type Trace, writeTrace } from "../../trace-file/index.ts";
import { DapClient, guestFile } from "../support/dap-client.ts";
import { at, guest } from "./guest.ts";

const folder = guestFile.replace(/[^/]*$/, "");
const traceFile = "/elsewhere/run.rstrace";

async function saved(client: DapClient, title = "At the halt", note?: string): Promise<Uint8Array> {
  const { file } = await client.request<{ file: string }>("ringside/saveTrace", { title, ...(note && { note }) });
  return fromBase64(file)!;
}

async function contents(bytes: Uint8Array): Promise<Trace> {
  const read = await readTrace(bytes);
  if ("problems" in read) throw new Error(read.problems.join(" "));
  return read.trace;
}

/** Opens a trace on a computer that has these files and no others. */
async function opened(files: Record<string, string | Uint8Array>, args: object = {}): Promise<DapClient> {
  const client = new DapClient(files);
  await client.launch({ program: traceFile, ...args });
  return client;
}

/** Stops in the midst of the guest, having done to it what a person can do. */
async function busy(files: string | Record<string, string> = guest): Promise<DapClient> {
  const client = new DapClient(files);
  await client.launch();
  await client.start();
  await client.go("next");
  await client.request("setExpression", { expression: "esi", value: "1234h" });
  await client.request("ringside/input", { text: "typed" });
  await client.breakAt({ line: at("cpuid") });
  await client.go("continue");
  await client.go("ringside/toExit", { direction: "next", threadId: 1 });
  return client;
}

const registers = async (client: DapClient) => {
  const names = ["eax", "ebx", "ecx", "edx", "esi", "edi", "esp", "eip", "eflags"];
  const values = names.map((expression) => client.request<{ result: string }>("evaluate", { expression }));
  return (await Promise.all(values)).map(({ result }) => result);
};

const events = async (client: DapClient) => {
  const { events: all, now } = await client.request<{ events: object[]; now: object }>("ringside/events", {
    after: 0,
    limit: 1000,
  });
  return { now, all: all.map((event) => ({ ...event, source: undefined })) };
};

const important = (client: DapClient): string =>
  client.events
    .filter(({ event, body }) => event === "output" && body.category === "important")
    .map(({ body }) => body.output as string)
    .join("");

it("opens on another computer at the moment it was saved for, with all that was done before", async () => {
  const before = await busy();
  const bytes = await saved(before, "CPUID exits", "look at esi");
  const client = await opened({ [traceFile]: bytes });
  const stop = await client.start();
  expect(stop).toMatchObject({ reason: "goto", description: "VM exit: CPUID" });
  expect(await client.line()).toBe(at("cpuid"));
  expect(await registers(client)).toEqual(await registers(before));
  expect(await events(client)).toEqual(await events(before));
  expect(important(client)).toBe("");
});

it("says what is in it without a replay", async () => {
  const { title, note, moment, summary, product } = await contents(await saved(await busy(), "CPUID exits", "a note"));
  expect({ title, note, product }).toEqual({ title: "CPUID exits", note: "a note", product: "0.1.0" });
  expect(moment).toMatchObject({ place: `guest.asm:${at("cpuid")}`, ended: false });
  expect(summary.exits).toContainEqual({ reason: "CPUID", count: 1, cost: 0 });
  expect(summary.events.at(-1)).toMatchObject({
    kind: "exit",
    reason: "CPUID",
    source: { file: "guest.asm", line: at("cpuid") - 1 },
    why: expect.stringContaining("CPUID"),
  });
});

it("goes on from there, and back beyond what a person did", async () => {
  const client = await opened({ [traceFile]: await saved(await busy()) });
  await client.start();
  const entries = () => client.request<{ result: string }>("evaluate", { expression: "esi" });
  expect((await entries()).result).toContain("1234");
  await client.go("ringside/goToMoment", { measure: "step", value: 0 });
  expect((await entries()).result).not.toContain("1234");
  await client.go("continue");
  expect(await client.line()).toBe(at("hlt"));
});

it("leads to the end of a guest that has ended", async () => {
  const before = new DapClient(guest);
  await before.launch();
  await before.start();
  const end = await before.go("continue");
  const client = await opened({ [traceFile]: await saved(before) });
  expect(await client.start()).toEqual(end);
  await expect(client.request("continue", { threadId: 1 })).rejects.toThrow("The guest cannot go on.");
  await client.go("stepBack");
  expect(await client.line()).toBe(at("hlt"));
});

it("is at the same moment where a guest that had stopped for want of input was given some", async () => {
  const source = `%pragma ringside technique bare-metal
        org 7C00h
        bits 16
start:  mov ah, 0
        int 16h
        cli
        hlt
        times 510 - ($ - $$) db 0
        dw 0AA55h
`;
  const before = new DapClient(source);
  await before.launch();
  await before.start();
  expect(await before.go("continue")).toMatchObject({ text: expect.stringContaining("key") });
  const waiting = await events(before);
  await before.request("ringside/input", { text: "x" });
  const client = await opened({ [traceFile]: await saved(before) });
  await client.start();
  expect((await events(client)).now).toEqual(waiting.now);
  expect(important(client)).toBe("");
});

it("goes to one of its events, if the launch configuration says so", async () => {
  const before = new DapClient(guest);
  await before.launch();
  await before.start();
  await before.go("continue");
  const bytes = await saved(before);
  const exit = (await contents(bytes)).summary.events.find(({ reason }) => reason === "CPUID");
  const client = await opened({ [traceFile]: bytes }, { event: exit!.sequence });
  expect(await client.start()).toMatchObject({ description: "VM exit: CPUID" });
  const other = await opened({ [traceFile]: bytes }, { event: 99_999 });
  await other.start();
  expect(important(other)).toContain("Event 99999 is not in the recorded past");
});

describe("sources", () => {
  const text = '%include "lib/two.inc"\nbits 32\nstart: TWO\n cli\n hlt\n';
  const two = "%macro TWO 0\n nop\n nop\n%endmacro\n";

  it("come with the trace, includes too, where they are not beside it", async () => {
    const before = await (async () => {
      const client = new DapClient({ [guestFile]: text, [`${folder}lib/two.inc`]: two });
      await client.launch();
      await client.start();
      return client;
    })();
    const bytes = await saved(before);
    expect(Object.keys((await contents(bytes)).program!.files).sort()).toEqual(["guest.asm", "lib/two.inc"]);
    const client = await opened({ [traceFile]: bytes });
    await client.start();
    const { stackFrames } = await client.request<P.StackTraceResponse["body"]>("stackTrace", { threadId: 1 });
    const source = stackFrames[0]!.source!;
    expect(source.name).toBe("two.inc");
    const { sources } = await client.request<P.LoadedSourcesResponse["body"]>("loadedSources");
    const main = sources.find(({ name }) => name === "guest.asm");
    expect(main).toMatchObject({ name: "guest.asm", sourceReference: expect.any(Number) });
    const { content } = await client.request<{ content: string }>("source", {
      source,
      sourceReference: source.sourceReference,
    });
    expect(content).toBe(two);
    const { breakpoints } = await client.request<P.SetBreakpointsResponse["body"]>("setBreakpoints", {
      source: main,
      breakpoints: [{ line: 4 }],
    });
    expect(breakpoints).toMatchObject([{ verified: true, line: 4 }]);
    expect(breakpoints[0]!.message).toBeUndefined();
    expect(await client.go("continue")).toMatchObject({ reason: "breakpoint" });
    await expect(client.request("source", { sourceReference: 5 })).rejects.toThrow(
      "There is no source with the number 5",
    );
  });

  it("are the files beside the trace where those are the same", async () => {
    const bytes = await saved(await busy());
    for (const [text, real] of [
      [guest, true],
      [`${guest} nop`, false],
    ] as const) {
      const client = await opened({ [traceFile]: bytes, "/elsewhere/guest.asm": text });
      await client.start();
      const { stackFrames } = await client.request<P.StackTraceResponse["body"]>("stackTrace", { threadId: 1 });
      const source = stackFrames.find(({ line }) => line > 0)?.source;
      expect(source?.sourceReference === undefined).toBe(real);
      expect(source?.path).toBe(real ? "/elsewhere/guest.asm" : "ringside-trace:/guest.asm");
    }
  });

  it("keep absolute names where a source names another absolutely", async () => {
    const client = new DapClient({ [guestFile]: `%include "/far/away.inc"\n${guest}`, "/far/away.inc": "; nothing\n" });
    await client.launch();
    await client.start();
    const bytes = await saved(client);
    const again = await opened({ [traceFile]: bytes });
    await again.start();
    expect(await again.line()).toBe(at("start:") + 1);
  });
});

describe("a replay that differs says so", () => {
  /** A trace that was changed, as a version with other semantics would have written it. */
  async function changed(change: (trace: Trace) => Trace): Promise<string> {
    const trace = await contents(await saved(await busy()));
    const client = await opened({ [traceFile]: await writeTrace({ ...change(trace), product: "0.0.9" }) });
    await client.start();
    expect(important(client)).toContain("recorded, which was by Ringside 0.0.9; this is 0.1.0.");
    return important(client);
  }

  it("by its first different event", async () => {
    const text = await changed((trace) => {
      const last = trace.summary.events.at(-1)!;
      const events = trace.summary.events.with(-1, { ...last, text: "CPUID: something else" });
      return { ...trace, summary: { ...trace.summary, events } };
    });
    expect(text).toMatch(
      /Event \d+ was at step \d+: exit, CPUID: something else. Now it is at step \d+: exit, CPUID: /,
    );
  });

  it("by the first event that does not happen", async () => {
    const text = await changed((trace) => {
      const last = trace.summary.events.at(-1)!;
      const events = [...trace.summary.events, { ...last, sequence: last.sequence + 1 }];
      return { ...trace, summary: { ...trace.summary, events } };
    });
    expect(text).toContain("Now there is none.");
  });

  it("by registers, memory or the rest", async () => {
    const state = (over: Partial<Trace["state"]>) => (trace: Trace) => ({
      ...trace,
      state: { ...trace.state, ...over },
    });
    expect(await changed((trace) => state({ registers: { ...trace.state.registers, EBX: "77" } })(trace))).toContain(
      "EBX is 0, was 77",
    );
    expect(await changed(state({ memory: "0" }))).toContain("memory differs");
    expect(await changed(state({ rest: "0" }))).toContain("devices or the VMM");
  });

  it("by a guest that ends earlier", async () => {
    const text = await changed((trace) => ({
      ...trace,
      moment: { ...trace.moment, step: 1_000_000 },
      summary: { ...trace.summary, events: [] },
    }));
    expect(text).toContain("before the recorded moment (step 1,000,000)");
  });
});

describe("a trace is refused", () => {
  const refusal = async (bytes: Uint8Array | string, args: object = {}): Promise<string> => {
    const client = new DapClient({ [traceFile]: bytes });
    return client.launch({ program: traceFile, ...args }).then(
      () => "launched",
      (error: Error) => error.message,
    );
  };

  it("where it is none", async () => {
    expect(await refusal("hello")).toContain("run.rstrace: This is no trace: it is not JSON");
    expect(await refusal(Uint8Array.of(0x1f, 0x8b, 1, 2, 3))).toContain("This is no trace, or it was damaged");
    expect(await refusal('{"format":"ringside-trace","version":7}')).toContain("Update Ringside");
  });

  it("with fields that it fixes", async () => {
    const bytes = await saved(await busy());
    expect(await refusal(bytes, { technique: "bare-metal" })).toContain('"technique": a trace is of one run');
    expect(await refusal(bytes, { memory: 4 })).toContain('"memory": a trace');
  });

  it("with a configuration that this version cannot make", async () => {
    const trace = await contents(await saved(await busy()));
    const [vm] = computerOf(trace.configuration).vms;
    const configured = (over: object) => ({ ...trace.configuration, vms: [{ ...vm!, ...over }] });
    const other = configured({ memory: 5000 });
    expect(await refusal(await writeTrace({ ...trace, configuration: other }))).toContain("Guest memory must be");
    const odd = configured({ image: null });
    expect(await refusal(await writeTrace({ ...trace, configuration: odd }))).toContain('"configuration", of Ringside');
  });
});

it("a field for traces is refused elsewhere", async () => {
  const client = new DapClient(guest);
  await expect(client.launch({ event: 1 })).rejects.toThrow('"event" is for traces');
});

it("a trace is saved while the guest stands still, with a title of bounded length", async () => {
  const client = await busy();
  await expect(client.request("ringside/saveTrace", { title: "x".repeat(20_000) })).rejects.toThrow("10000 characters");
});
