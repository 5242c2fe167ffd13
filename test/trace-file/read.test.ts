import fc from "fast-check";
import { expect, it } from "vitest";
import { readTrace, type Trace, writeTrace } from "../../trace-file/index.ts";

const trace: Trace = {
  product: "0.1.0",
  title: "A trace",
  configuration: {
    technique: "vtx-ept",
    vms: [{ name: "vm0", image: Uint8Array.of(0x90, 0xf4), origin: 0x7c00, mode: "real", memory: 1 }],
  },
  actions: [
    { step: 1, sequence: 0, what: { kind: "set-register", name: "EAX", value: 2n ** 63n } },
    { step: 4, sequence: 2, what: { kind: "set-field", block: "vmcs", field: "guest_rip", value: 5n } },
    { step: 5, sequence: 2, what: { kind: "write-memory", space: "linear", address: 0n, bytes: Uint8Array.of(255) } },
    { step: 5, sequence: 2, what: { kind: "input", text: "ü\n" } },
  ],
  moment: { step: 9, sequence: 3, cycle: 700, ended: false, place: "a.asm:3" },
  state: { vm: "vm0", vcpu: 0, registers: { EAX: "ff" }, memory: "0", rest: "0" },
  program: { arguments: { program: "a.asm" }, files: { "a.asm": new TextEncoder().encode("\ufeffnop ; ü\r\n") } },
  summary: {
    exits: [{ reason: "HLT", count: 1, cost: 500 }],
    events: [
      { sequence: 1, cycle: 0, step: 0, vm: "vm0", vcpu: 0, rip: "7c00", kind: "entry", text: "first entry" },
      {
        sequence: 3,
        cycle: 9,
        step: 2,
        vm: "vm0",
        vcpu: 0,
        rip: "7c01",
        kind: "exit",
        text: "HLT",
        reason: "HLT",
        cost: 1,
        why: "so",
        source: { file: "a.asm", line: 2 },
      },
    ],
  },
};

const gunzip = async (bytes: Uint8Array): Promise<Record<string, unknown>> =>
  JSON.parse(
    await new Response(new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream("gzip"))).text(),
  );

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

it("comes back as it was, compressed and as plain JSON", async () => {
  const bytes = await writeTrace(trace);
  expect(await readTrace(bytes)).toEqual({ trace });
  expect(await readTrace(json(await gunzip(bytes)))).toEqual({ trace });
});

it("any bytes come back", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
      const files = { "a.asm": bytes };
      const given = { ...trace, program: { ...trace.program!, files } };
      expect(await readTrace(await writeTrace(given))).toEqual({ trace: given });
    }),
    { numRuns: 50 },
  );
});

it("holds sources as text, and the same bytes once", async () => {
  const source = new TextEncoder().encode("hlt\n");
  const { blobs } = await gunzip(
    await writeTrace({ ...trace, program: { arguments: { program: "a" }, files: { a: source, b: source.slice() } } }),
  );
  expect(blobs).toEqual([{ base64: "/w==" }, { base64: "kPQ=" }, { text: "hlt\n" }]);
});

/** A change to the file, and what is said of it. */
const wrong: readonly (readonly [string, (file: Record<string, never>) => unknown, string])[] = [
  ["a missing field", ({ moment: _, ...file }) => file, "moment is missing."],
  ["a field too many", (file) => ({ ...file, moments: 1 }), "There is no field moments"],
  ["a wrong type", (file) => ({ ...file, title: 5 }), "title must be a text, not 5."],
  [
    "a wrong event",
    (file) => ({ ...file, summary: { exits: [], events: [{ ...trace.summary.events[0], step: "x" }] } }),
    "summary.events[0].step must be a whole number",
  ],
  [
    "events out of order",
    (file) => ({ ...file, summary: { exits: [], events: trace.summary.events.toReversed() } }),
    "summary.events[1].sequence is not above the one before.",
  ],
  [
    "an action of no kind",
    (file) => ({ ...file, actions: [{ step: 0, sequence: 0, what: { kind: "explode" } }] }),
    "actions[0].what.kind must be one of input, press, set-register, set-field, write-memory",
  ],
  [
    "an action that lacks something",
    (file) => ({ ...file, actions: [{ step: 0, sequence: 0, what: { kind: "set-register", name: "EAX", value: 5 } }] }),
    'actions[0].what.value must be a number, as { "$bigint": hexadecimal }.',
  ],
  [
    "an action after the moment",
    (file) => ({ ...file, actions: [{ step: 10, sequence: 0, what: { kind: "input", text: "" } }] }),
    "actions[0].step is not between",
  ],
  ["a blob that is none", (file) => ({ ...file, blobs: [{ base64: "?" }] }), "blobs[0] must be"],
  ["a blob that is missing", (file) => ({ ...file, blobs: [] }), "there is no blob 0"],
  [
    "a program without its main file",
    (file) => ({ ...file, program: { arguments: { program: "b.asm" }, files: {} } }),
    "program.arguments.program must name one",
  ],
  ["another version", (file) => ({ ...file, version: 0 }), '"version" must be 1; it is 0.'],
];

it.each(wrong)("names %s", async (_, change, message) => {
  const file = await gunzip(await writeTrace(trace));
  const read = await readTrace(json(change(file as Record<string, never>)));
  expect("problems" in read ? read.problems.join(" ") : "nothing").toContain(message);
});

it("never throws, whatever the file holds", async () => {
  const file = await gunzip(await writeTrace(trace));
  const text = JSON.stringify(file);
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length), fc.nat(20), fc.string({ maxLength: 5 }), async (at, cut, put) => {
      const read = await readTrace(new TextEncoder().encode(text.slice(0, at) + put + text.slice(at + cut)));
      expect("trace" in read || read.problems.length > 0).toBe(true);
    }),
    { numRuns: 300 },
  );
});
