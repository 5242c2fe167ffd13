import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filters } from "../../debug-adapter/capabilities.ts";
import { DapClient, guestFile } from "../support/dap-client.ts";

type Step = { readonly command: string; readonly args: object; readonly moves: boolean };

const asks = (command: string, args: object = {}): Step => ({ command, args, moves: false });
const moves = (command: string, args: object = {}): Step => ({ command, args, moves: true });

const references = fc.constantFrom(
  "0",
  "0x7c00",
  "0x8000",
  "0xffffffff",
  "0xffffffffffffffff",
  "gpa:0x1ffff0",
  "hpa:0",
  "?",
);
const offsets = fc.integer({ min: -20, max: 20 });
const texts = fc.constantFrom(
  ...[
    "eax",
    "al = 5",
    "[esp]",
    "word [ss:sp] = 1",
    "qword [0FFFFFFFFFFFFFFFFh]",
    "[hpa:1000h]",
    "1/0",
    "~0 >> 70",
    "eip = 7",
  ],
  ...["cs = 8", "cr0 = 0", "eflags = -1", "zf = 1", "[[esp]]", ".end", "((", "'abc'", "rip = -1", "esp = 3", "ds.base"],
);

/** Any request with any arguments, sensible and not. */
const steps = fc.oneof(
  fc
    .constantFrom("next", "stepIn", "stepOut", "continue", "reverseContinue", "restart")
    .map((command) => moves(command)),
  fc.constantFrom("line", "instruction").map((granularity) => moves("stepBack", { granularity })),
  fc.constantFrom("next", "previous").map((direction) => moves("ringside/toExit", { direction })),
  fc.nat(60).map((sequence) => moves("ringside/goToEvent", { sequence })),
  fc
    .record({
      line: fc.nat(90),
      condition: fc.option(texts, { nil: undefined }),
      hitCondition: fc.constantFrom(undefined, "2", "%3", "x"),
    })
    .map((breakpoint) => asks("setBreakpoints", { source: { path: guestFile }, breakpoints: [breakpoint] })),
  fc
    .subarray(Object.values(filters))
    .map((some) => asks("setExceptionBreakpoints", { filters: [...some, filters.end] })),
  fc
    .record({ expression: texts, context: fc.constantFrom("hover", "watch", "repl") })
    .map((args) => asks("evaluate", args)),
  fc
    .record({ memoryReference: references, offset: offsets, instructionOffset: offsets, instructionCount: fc.nat(40) })
    .map((args) => asks("disassemble", args)),
  fc
    .record({ memoryReference: references, offset: offsets, count: fc.nat(300) })
    .map((args) => asks("readMemory", args)),
  fc
    .record({
      memoryReference: references,
      offset: offsets,
      allowPartial: fc.boolean(),
      data: fc.constantFrom("AAEC", "%"),
    })
    .map((args) => asks("writeMemory", args)),
  fc
    .constantFrom(1, 2, 3, 4, 100, 101, 1020, 9999, -1)
    .map((variablesReference) => asks("variables", { variablesReference })),
  fc
    .constantFrom("stackTrace", "scopes", "threads", "exceptionInfo", "loadedSources", "pause", "unheardOf")
    .map((command) => asks(command)),
  fc.constantFrom("0", "ffffffffffffffff", "zz").map((linear) => asks("ringside/walk", { linear })),
  fc.string({ maxLength: 5 }).map((text) => asks("ringside/input", { text })),
);

/** Does a request; a guest that goes on for long is paused. Refusals are answers like any other. */
async function perform(client: DapClient, { command, args, moves: goes }: Step): Promise<void> {
  const before = client.events.length;
  const refused = await client.request(command, { threadId: 1, ...args }).then(
    () => false,
    () => true,
  );
  while (goes && !refused && !client.events.slice(before).some(({ event }) => event === "stopped")) {
    await new Promise((resolve) => setImmediate(resolve));
    await client.request("pause");
  }
}

const guests = [
  "exits.asm",
  "timer.asm",
  "user-mode.asm",
  "page-fault.asm",
  "faults/triple-fault.asm",
  "faults/unmapped.asm",
];

describe.each(guests)("whatever a client asks while it debugs %s", (name) => {
  const source = readFileSync(join(import.meta.dirname, "..", "..", "examples", name), "utf8");

  it("the session answers, and shows no bug of its own", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("bare-metal", "vtx-ept"),
        fc.array(steps, { maxLength: 25 }),
        async (technique, list) => {
          const client = new DapClient(source);
          await client.launch({ technique, memory: 2 });
          await client.start();
          for (const step of list) await perform(client, step);
          expect(client.events.filter(({ body }) => body?.category === "stderr")).toEqual([]);
        },
      ),
      { numRuns: 6, seed: 1974 },
    );
  });
});
