import { expect, it } from "vitest";
import { readTrace, writeTrace } from "../../trace-file/index.ts";
import { terminal } from "./terminal.ts";

async function saved(...args: string[]): Promise<Uint8Array> {
  const { written, error } = await terminal([...args, "out.rstrace"]);
  const bytes = written.get("out.rstrace");
  if (!bytes) throw new Error(`nothing was written: ${error}`);
  return bytes;
}

const lines = (text: string) => text.split("\n").filter((line) => /^ +#\d/.test(line));

it("repeats a run from a trace, event for event, without the source", async () => {
  const bytes = await saved("trace", "examples/timer.asm", "--title", "Five ticks", "--save");
  const before = await terminal(["trace", "examples/timer.asm"]);
  const { out, error, code } = await terminal(["trace", "five.rstrace"], { "five.rstrace": bytes });
  expect(lines(out)).toEqual(lines(before.out));
  expect(lines(out).length).toBeGreaterThan(100);
  expect(error).toContain("trace “Five ticks” of Ringside 0.1.0");
  expect(code).toBe(0);
});

it("runs to the moment of a trace and no further", async () => {
  const bytes = await saved("run", "examples/timer.asm", "--max-steps", "100", "--save-trace");
  const { out, code } = await terminal(["run", "part.rstrace", "--json"], { "part.rstrace": bytes });
  expect(JSON.parse(out)).toMatchObject({
    steps: 100,
    stopped: { reason: "limit", text: expect.stringContaining("The moment of the trace") },
  });
  expect(code).toBe(0);
});

it("keeps what was typed and what was on the disks", async () => {
  const source = `  bits 16
  org 7C00h
  mov ah, 0
  int 16h
  mov dx, 0E9h
  out dx, al
  cli
  hlt
  times 510 - ($ - $$) db 0
  dw 0AA55h
`;
  const files = { "key.asm": source };
  const { written } = await terminal(["run", "key.asm", "--keys", "x", "--save-trace", "t.rstrace"], files);
  const { out } = await terminal(["run", "t.rstrace", "--json"], { "t.rstrace": written.get("t.rstrace")! });
  expect(JSON.parse(out)).toMatchObject({ output: "x", stopped: { reason: "halted" } });
});

it("says where a run differs from the recorded one", async () => {
  const read = await readTrace(await saved("trace", "examples/hello.asm", "--save"));
  if ("problems" in read) throw new Error(read.problems.join());
  const events = read.trace.summary.events.map((event) =>
    event.sequence === 7 ? { ...event, text: "something else" } : event,
  );
  const other = await writeTrace({ ...read.trace, summary: { ...read.trace.summary, events } });
  const { error, code } = await terminal(["trace", "other.rstrace"], { "other.rstrace": other });
  expect(error).toContain("This is not the run that was recorded");
  expect(error).toContain("Event 7 was at step");
  expect(code).toBe(3);
});

it("repeats a run of several VMs, and names each event's source by its VM", async () => {
  const bytes = await saved("run", "examples/schedule/four-guests.ringside.json", "--save-trace");
  const read = await readTrace(bytes);
  if ("problems" in read) throw new Error(read.problems.join());
  const { events } = read.trace.summary;
  const filesOf = (name: string) => new Set(events.flatMap(({ vm, source }) => (vm === name ? [source?.file] : [])));
  expect([...filesOf("driver")].filter((file) => file?.includes("compute"))).toEqual([]);
  expect([...filesOf("heavy")]).toContain("compute.asm");
  const { error, code } = await terminal(["run", "four.rstrace"], { "four.rstrace": bytes });
  expect(error).not.toContain("This is not the run");
  expect(code).toBe(0);
});

it("writes the same file for the same run", async () => {
  const [first, second] = await Promise.all([
    saved("trace", "examples/exits.asm", "--save"),
    saved("trace", "examples/exits.asm", "--save"),
  ]);
  expect(first).toEqual(second);
});

it.each([
  ["broken.rstrace", "{", "This is no trace: it is not JSON"],
  ["other.rstrace", '{"format":"something"}', 'This is no trace of Ringside: "format" is not "ringside-trace".'],
  ["odd.rstrace", '{"format":"ringside-trace","version":1}', "product is missing."],
  ["gone.rstrace", undefined, "There is no file gone.rstrace."],
])("refuses %s", async (name, text, message) => {
  const { code, error } = await terminal(["trace", name], text === undefined ? {} : { [name]: text });
  expect(error).toContain(message);
  expect(code).toBe(2);
});
