import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classesOf } from "../../debug-adapter/event-catalogue.ts";
import type { EventBreakpoint, EventCounts } from "../../debug-adapter/protocol.ts";
import type { MachineEvent } from "../../emulator/index.ts";
import { type TechniqueId, techniques } from "../../isa/technique.ts";
import { walker } from "../emulator/machine/walker.ts";
import type { DapClient } from "../support/dap-client.ts";
import { launched, type Stops, stops } from "../support/event-run.ts";
import { guest } from "./guest.ts";

const compute = `%pragma ringside mode protected
        org 100000h
        bits 32
start:  mov ecx, 40
.again: mov al, 'x'
        out 0E9h, al
        cpuid
        mov edx, 200
.burn:  dec edx
        jnz .burn
        mov ecx, [left]
        dec dword [left]
        loop .again
        cli
        hlt
left:   dd 12
`;

const computer = (pcpus: number): Readonly<Record<string, string>> => ({
  "/guests/two.ringside.json": JSON.stringify({
    host: { pcpus },
    scheduler: { name: "round-robin", options: { quantum: 5 } },
    technique: "vtx-ept",
    vms: [
      { name: "A", program: "a.asm" },
      { name: "B", program: "b.asm" },
    ],
  }),
  "/guests/a.asm": compute,
  "/guests/b.asm": compute,
});

const computers = [1, 2].map(
  (pcpus) =>
    [
      `two VMs on ${pcpus} physical CPU(s)`,
      computer(pcpus),
      { program: "/guests/two.ringside.json" },
      "vtx-ept",
    ] as const,
);
const single = techniques
  .filter(({ kernel }) => kernel !== "hypercalls")
  .map(({ id }) => [`one VM under ${id}`, guest, { technique: id }, id] as const);

/** All that happens up to the end. */
async function recorded(client: DapClient): Promise<readonly MachineEvent[]> {
  await client.go("continue");
  return (await client.request<{ events: MachineEvent[] }>("ringside/events", { after: 0, limit: 1e6 })).events;
}

/** Breakpoints on classes that happen, each with a stage and maybe a scope. */
const breakpointsOn = (classes: readonly string[], vms: readonly string[]): fc.Arbitrary<EventBreakpoint[]> =>
  fc.uniqueArray(
    fc.record(
      {
        event: fc.constantFrom(...classes),
        stage: fc.constantFrom("before" as const, "after" as const),
        condition: fc.constantFrom("al == 'x'", "event.step % 2 == 0", "eax != 1"),
        vm: fc.constantFrom(...vms),
        vcpu: fc.constantFrom(0, 1),
      },
      { requiredKeys: ["event", "stage"] },
    ),
    { minLength: 1, maxLength: 3, selector: ({ event }) => event },
  );

const observedClasses = ["fill", "flush", "CR3", "INVLPG", "4 MiB", "nested"]
  .map((key) => `tlb/${key}`)
  .concat(["walk/accessed", "walk/dirty", "walk/not present", "walk/read-only", "exception/14"]);

/** Conditions on what that guest has. */
const twist = (condition: string | undefined): string =>
  condition?.replace(/al == 'x'|eax != 1/, "eax != 3") ?? "1 == 1";

const told = (client: DapClient): readonly (number | null)[] =>
  client.events
    .findLast(({ event }) => event === "ringside/eventCounts")!
    .body.counts.map(({ count }: EventCounts["counts"][number]) => count);

/** More stops than there are in any of the guests. */
const most = 1000;

/** The moments at which the guest stops; in some of them several times, forwards, for what is pending and what comes next. */
function places({ moments }: Stops): readonly string[] {
  expect(moments.length).toBeLessThan(most);
  return moments.filter((moment, n) => moment !== moments[n - 1]);
}

describe("any event breakpoints", () => {
  it.each([...single, ...computers])(
    "stop at the same moments forwards and backwards, and forwards again: %s",
    async (_, source, args, technique) => {
      const events = await recorded(await launched(source, [], args));
      const classes = [...new Set(events.flatMap((event) => classesOf(event, technique as TechniqueId)))];
      const vms = [...new Set(events.map(({ vm }) => vm))];
      await fc.assert(
        fc.asyncProperty(breakpointsOn(classes, vms), async (breakpoints) => {
          const client = await launched(source, breakpoints, args);
          const forwards = places(await stops(client, "continue", most));
          expect(places(await stops(client, "reverseContinue", most)).toReversed()).toEqual(forwards);
          expect(places(await stops(client, "continue", most))).toEqual(forwards);
        }),
        { numRuns: 5, seed: 20261121 },
      );
    },
  );

  it.each(techniques.filter(({ kernel }) => kernel !== "hypercalls").map(({ id }) => id))(
    "stop at the same moments both ways, and count as many, where what they are on is not recorded: %s",
    async (technique) => {
      const source = walker.replace("mov ebp, 90", "mov ebp, 8").replace("mov ecx, 36", "mov ecx, 6");
      await fc.assert(
        fc.asyncProperty(
          breakpointsOn(observedClasses, ["vm0"]),
          fc.integer({ min: 0, max: 60 }),
          async (set, back) => {
            const breakpoints = set.map(({ condition, ...one }) => ({ ...one, condition: twist(condition) }));
            const counting = breakpoints.map((one) => ({ ...one, action: "count" as const }));
            const client = await launched(source, [...breakpoints, ...counting], { technique });
            const forwards = places(await stops(client, "continue", most));
            const all = told(client);
            expect(places(await stops(client, "reverseContinue", most)).toReversed()).toEqual(forwards);
            expect(told(client)).toEqual(counting.map(() => 0));
            for (let n = 0; n < back; n++) await client.go("stepIn");
            expect(places(await stops(client, "continue", most)).length).toBeLessThanOrEqual(forwards.length);
            expect(told(client)).toEqual(all);
          },
        ),
        { numRuns: 4, seed: 20261121 },
      );
    },
  );

  it.each([...single, ...computers])("count as many as are recorded: %s", async (_, source, args, technique) => {
    const events = await recorded(await launched(source, [], args));
    const expected = new Map<string, number>();
    for (const event of events)
      for (const id of classesOf(event, technique as TechniqueId)) expected.set(id, (expected.get(id) ?? 0) + 1);
    const breakpoints = [...expected.keys()].map((event) => ({
      event,
      action: "count" as const,
      stage: "before" as const,
    }));
    const client = await launched(source, breakpoints, args);
    await client.go("continue");
    const counts: EventCounts["counts"] = client.events.findLast(({ event }) => event === "ringside/eventCounts")?.body
      .counts;
    expect(new Map(counts.map(({ event, count }) => [event, count]))).toEqual(expected);
  });
});
