import { describe, expect, it } from "vitest";
import { ConsoleBatch } from "../../debug-adapter/console-batch.ts";
import type { LocatedEvent, Requests } from "../../debug-adapter/protocol.ts";
import { DapClient } from "../support/dap-client.ts";
import { bytewise, characters, printingGuest } from "../support/printing-guest.ts";

/** What guests print again and again. */
const block = Array.from({ length: 100 }, (_, n) => `${n} ${"all of it arrives, in order ".repeat(n % 4)}\n`).join("");
/** Long enough for slices to grow: the next one would hold more than is kept. */
const quietFirst = "mov ecx, 5000000\nquiet:  loop quiet\n        mov edx, 0E9h";
const singly = printingGuest(block, quietFirst, bytewise("out dx, al"));
const atOnce = printingGuest(block, quietFirst, "rep outsb");

/** One hypercall for all of it: the guest's memory holds the text many times. */
const xen = (rounds: number) => `%pragma ringside mode xen
        org 100000h
        bits 32
        mov eax, 18
        xor ebx, ebx
        mov ecx, after - text
        mov edx, text
        int 82h
        mov eax, 29
        mov ebx, 2
        mov ecx, reason
        int 82h
reason: dd 0
text:   times ${rounds} db ${characters(block)}
after:
`;

const guests = [
  ["a character at a time", "bare-metal", singly, 80],
  ["by a repeated instruction", "bare-metal", atOnce, 80],
  ["a character at a time", "trap-and-emulate", singly, 6],
  ["by a repeated instruction", "trap-and-emulate", atOnce, 40],
  ["a character at a time", "vtx-ept", singly, 10],
  ["by a repeated instruction", "vtx-ept", atOnce, 80],
  ["by a repeated instruction", "svm-npt", atOnce, 40],
  ["by one hypercall", "paravirtualization", xen, 40],
] as const;

const outputs = (client: DapClient): string[] =>
  client.events.flatMap(({ event, body }) => (event === "output" && body.category === "stdout" ? [body.output] : []));

describe("a guest that prints more than events are kept of", () => {
  it.each(guests)("is heard to the last character: %s under %s", async (_, technique, source, rounds) => {
    const client = new DapClient(source(rounds));
    await client.launch({ technique });
    await client.start();
    await client.go("continue");
    const printed = outputs(client);
    expect(printed.join("").length).toBe(rounds * block.length);
    expect(printed.join("") === block.repeat(rounds)).toBe(true);
    // Few events, and none that a client would have to wait for.
    expect(printed.length).toBeLessThan(20 + client.console.length / 8000);
    expect(Math.max(...printed.map(({ length }) => length))).toBeLessThan(65_536);
  });

  it("stops when it is asked to, answers, and goes on where it was", async () => {
    const client = new DapClient(singly(10));
    await client.launch({ technique: "vtx-ept" });
    await client.start();
    await client.request("continue", { threadId: 1 });
    while (client.console === "") await new Promise((resolve) => setImmediate(resolve));
    const paused = client.stopped();
    await client.request("pause", { threadId: 1 });
    expect((await paused).reason).toBe("pause");
    const heard = client.console;
    expect(heard.length).toBeLessThan(10 * block.length);
    expect(await client.frames()).not.toEqual([]);
    // All that it has printed up to now is there: how many of them it has still to print says ECX.
    const { length } = heard;
    const left = Number(BigInt((await client.evaluate("ecx")).split(" ")[0]!));
    expect((length + left) % block.length).toBeLessThanOrEqual(1);
    await client.go("continue");
    expect(client.console === block.repeat(10)).toBe(true);
  });

  it("is heard before what is said of what it does next", async () => {
    const source = singly(1).replace("        cli\n", "done:   mov esi, text\n        cli\n");
    const client = new DapClient(source);
    await client.launch({ technique: "bare-metal" });
    await client.breakAt({
      line: source.split("\n").findIndex((line) => line.startsWith("done:")) + 1,
      logMessage: "printed",
    });
    await client.start();
    await client.go("continue");
    const all = client.events.flatMap(({ event, body }) => (event === "output" ? [body.output as string] : []));
    expect(all.join("")).toContain(`${block}printed\n`);
  });
});

it("is given to views some thousand characters at a time, each with the moment of the last of them", async () => {
  const client = new DapClient(singly(5));
  await client.launch({ technique: "bare-metal" });
  await client.start();
  await client.go("continue");
  const ask = (args: object) =>
    client.request<Requests["ringside/events"]["result"]>("ringside/events", { after: 0, limit: 100_000, ...args });
  const { events } = await ask({ joined: true });
  const single = (await ask({ kinds: ["output"] })).events;
  const textOf = (list: readonly LocatedEvent[]) =>
    list.map((event) => (event.kind === "output" ? event.text : "")).join("");
  expect(textOf(events) === block.repeat(5)).toBe(true);
  expect([events.length, single.length]).toEqual([Math.ceil(single.length / 4096), 5 * block.length]);
  for (const { sequence, step, cycle } of events)
    expect(single.find((event) => event.sequence === sequence)).toMatchObject({ step, cycle });
  const middle = events[1]!.sequence;
  expect(textOf((await ask({ joined: true, after: middle })).events)).toBe(textOf(events.slice(2)));
});

describe("console text on its way", () => {
  it("waits while more comes, not for ever, and not once it is much", () => {
    const batch = new ConsoleBatch();
    expect(Array.from({ length: 32 }, () => batch.add("a"))).toEqual([...Array(31).fill(""), "a".repeat(32)]);
    expect([batch.add("b"), batch.add(""), batch.add("")]).toEqual(["", "b", ""]);
    const lines = "line\n".repeat(5000);
    expect(batch.add(`${lines}begun`)).toBe(lines);
    expect(batch.flush()).toBe("begun");
    const long = "x".repeat(20_000);
    expect(batch.add(long)).toBe(long);
  });
});
