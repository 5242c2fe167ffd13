import { expect, it } from "vitest";
import type { TraceShown } from "../../client/views/trace/messages.ts";
import {
  bars,
  initial,
  marks,
  place,
  reduce,
  type State,
  visible,
  width,
  xOf,
} from "../../client/views/trace/model.ts";
import type { TracedEvent } from "../../trace-file/index.ts";

const event = (sequence: number, over: Partial<TracedEvent> = {}): TracedEvent => ({
  sequence,
  cycle: sequence * 100,
  step: sequence,
  vm: "vm0",
  vcpu: 0,
  rip: "7c00",
  kind: "entry",
  text: `after exit #${sequence}`,
  ...over,
});
const exit = (sequence: number, reason: string, line?: number) =>
  event(sequence, {
    kind: "exit",
    reason,
    text: `${reason}: done`,
    ...(line !== undefined && { source: { file: "lib/a.asm", line } }),
  });

const trace: TraceShown = {
  title: "A trace",
  note: "",
  product: "0.1.0",
  technique: "vtx-ept",
  actions: 0,
  files: ["lib/a.asm"],
  moment: { step: 9, sequence: 14, cycle: 2000, ended: false, place: "a.asm:3" },
  summary: { exits: [], events: [exit(10, "CPUID", 4), event(11), exit(12, "HLT"), event(13), exit(14, "CPUID", 4)] },
};
const shown: State = reduce(initial, { kind: "trace", trace });

it("groups exits by reason and other events by kind, most frequent first", () => {
  expect(bars(shown).map(({ group, count }) => `${group} ${count}`)).toEqual(["CPUID 2", "entry 2", "HLT 1"]);
});

it.each([
  ["cpuid", [10, 14]],
  ["#12", [12]],
  ["entry exit", [11, 13]],
  ["a.asm:5 done", [10, 14]],
  ["nothing", []],
])("filter %s", (text, found) => {
  const events = visible(reduce(shown, { kind: "filter", text }));
  expect(events.map(({ sequence }) => sequence)).toEqual(found);
});

it("lays the first recorded event at the left and the moment at the right", () => {
  expect([xOf(shown, 1000), xOf(shown, 2000), xOf(shown, 1500)]).toEqual([0, width, width / 2]);
});

it("draws events of a colour in one place as one mark", () => {
  const many = Array.from({ length: 1000 }, (_, n) => ({ ...event(20 + n), cycle: 1000 }));
  const all = marks(shown, [...many, exit(2000, "CPUID")]);
  expect(all.map(({ count }) => count)).toEqual([1000, 1]);
});

it("says where an event is by line, else by address", () => {
  expect([place(exit(1, "HLT", 0)), place(event(1))]).toEqual(["a.asm:1", "7c00h"]);
});

it("another file takes the place of all", () => {
  const selected = reduce(shown, { kind: "select", sequence: 12 });
  expect(reduce(selected, { kind: "problems", problems: ["no"] })).toMatchObject({
    trace: undefined,
    problems: ["no"],
  });
  expect(reduce(selected, { kind: "trace", trace })).toMatchObject({ selected: undefined, problems: [] });
});
