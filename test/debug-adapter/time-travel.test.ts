import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Debugger } from "../../debug-adapter/debugger.ts";
import { load } from "../../debug-adapter/launch.ts";
import { DapClient, guestFile, lineOf } from "../support/dap-client.ts";
import { at, faulting, guest } from "./guest.ts";

async function halted(source = guest): Promise<DapClient> {
  const client = new DapClient(source);
  await client.launch();
  await client.start();
  await client.go("continue");
  return client;
}

/** What an expression names, at the end of the guest, and the lines of its last writes, the newest first. */
const writes: readonly (readonly [string, readonly string[]])[] = [
  ["byte [buffer + 3]", ["rep stosb"]],
  ["buffer", ["rep stosb"]],
  ["ecx", ["loop .again", "loop .again", "loop .again", "mov ecx, 3", "rep stosb"]],
  ["edi", ["rep stosb", "mov edi, buffer"]],
  ["al", ["lodsb", "lodsb", "lodsb", "lodsb"]],
];

it.each(writes)("the last writes of %s", async (expression, lines) => {
  const client = await halted();
  for (const text of lines) {
    expect(await client.go("ringside/lastWrite", { expression })).toMatchObject({ reason: "goto" });
    expect(await client.line()).toBe(at(text));
  }
});

it("says what nothing has written, and stays there", async () => {
  const client = await halted();
  const line = await client.line();
  expect(await client.go("ringside/lastWrite", { expression: "byte [greeting]" })).toMatchObject({
    description: "Not moved",
    text: "Nothing has written byte [greeting] up to now.",
  });
  expect(await client.go("ringside/lastWrite", { expression: "ebp" })).toMatchObject({
    text: "EBP has had this value from the start.",
  });
  expect(await client.line()).toBe(line);
  for (const [expression, reason] of [
    ["eip", "changes with every instruction"],
    ["answer", "is not in memory"],
    ["nonsense", "There is no register"],
  ])
    await expect(client.request("ringside/lastWrite", { expression })).rejects.toThrow(reason);
});

it("steps back into what has returned, and out to its call", async () => {
  const client = await halted();
  await client.go("ringside/runBack", { file: guestFile, line: at("cpuid") });
  expect(await client.line()).toBe(at("cpuid"));
  await client.go("ringside/reverse", { step: "into" });
  expect(await client.line()).toBe(lineOf(guest, "        ret"));
  await client.go("ringside/reverse", { step: "out" });
  expect(await client.line()).toBe(at("call double"));
  expect(await client.evaluate("eax")).toContain("0x00000001");
  await expect(client.request("ringside/reverse", { step: "out" })).rejects.toThrow("No caller is known");
});

it("steps back out of a handler to where it was entered", async () => {
  const client = new DapClient(faulting);
  await client.launch();
  await client.breakAt({ line: lineOf(faulting, "inc cx"), hitCondition: "== 2" });
  await client.start();
  await client.go("continue");
  await client.go("ringside/reverse", { step: "out" });
  expect(await client.line()).toBe(lineOf(faulting, "inc bx") + 1);
});

it("runs back to a line, and stops at a breakpoint on the way", async () => {
  const client = await halted();
  const line = at("test al, al");
  await client.go("ringside/runBack", { file: guestFile, line });
  expect([await client.line(), await client.evaluate("al")]).toEqual([line, "0x00 (0)"]);
  await client.breakAt({ line: at("out 0E9h") });
  expect(await client.go("ringside/runBack", { file: guestFile, line: at("start:") })).toMatchObject({
    reason: "breakpoint",
  });
  expect(await client.line()).toBe(at("out 0E9h"));
  await expect(client.request("ringside/runBack", { file: guestFile, line: at("org") })).rejects.toThrow(
    "no instruction in this line",
  );
});

describe("goes to the first moment with a count, from before and from after it", () => {
  const readings = {
    step: ({ machine }: Debugger) => machine.now,
    instruction: ({ machine }: Debugger) => machine.instructions,
    cycle: ({ machine }: Debugger) => machine.cycle,
  } as const;
  it.each(Object.keys(readings) as (keyof typeof readings)[])("%s", async (measure) => {
    const program = join(import.meta.dirname, "..", "..", "examples", "hello.asm");
    const loaded = await load({ program, technique: "vtx-ept", memory: 2 }, async (file) => readFileSync(file));
    const target = new Debugger(loaded.machine, loaded.programs, {
      breathe: async () => {},
      awaitReaders: async () => {},
      advanced: () => {},
      log: () => {},
    });
    const { machine } = target;
    machine.run({ steps: 1_000_000 });
    const end = readings[measure](target);
    for (const share of [0.9, 0.1, 0.5, 0.77, 0.3, 0, 1]) {
      const wanted = Math.floor(end * share);
      expect((await target.goToMoment(measure, wanted)).kind).toBe("goto");
      const { now } = machine;
      expect(readings[measure](target)).toBeGreaterThanOrEqual(wanted);
      if (now === 0) continue;
      machine.goTo(now - 1);
      expect(readings[measure](target)).toBeLessThan(wanted);
      machine.goTo(now);
    }
    expect((await target.goToMoment(measure, end + 10_000)).kind).toBe("end");
  });
});
