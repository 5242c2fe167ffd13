import { describe, expect, it } from "vitest";
import { eventFolders, leafId } from "../../debug-adapter/event-catalogue.ts";
import { looks } from "../../debug-adapter/looks.ts";
import type { EventBreakpoint, EventCounts } from "../../debug-adapter/protocol.ts";
import { unaskedFor } from "../../debug-adapter/requests.ts";
import { walker } from "../emulator/machine/walker.ts";
import type { DapClient } from "../support/dap-client.ts";
import { launched, stops } from "../support/event-run.ts";
import { example } from "../support/examples.ts";
import { faulting, guest } from "./guest.ts";

/** Works for a while, three of it on two physical CPUs, so that one or another has to move. */
const compute = `%pragma ringside mode protected
        org 100000h
        bits 32
        mov ecx, 60000
.burn:  dec ecx
        jnz .burn
        cli
        hlt
`;
const three: Readonly<Record<string, string>> = {
  "/guests/three.ringside.json": JSON.stringify({
    host: { pcpus: 2 },
    scheduler: { name: "credit2", options: { rateLimit: 0, migrationResistance: 0 } },
    technique: "vtx-ept",
    vms: ["A", "B", "C"].map((name) => ({ name, program: "compute.asm" })),
  }),
  "/guests/compute.asm": compute,
};

/** A hypervisor whose guest cannot be entered. */
const failing = example("hypervisor.asm")
  .replace("dd 681Eh, guest", "dd 6820h, 2")
  .replace("dd 4000h, 48Dh, 0", "dd 4000h, 48Dh, 80h");

const shootdown = {
  "/smp/shootdown.asm": example("smp/shootdown.asm"),
  "/schedule/start.inc": example("schedule/start.inc"),
};

/** By folder, guests in which some of its events happen. */
const guests: Readonly<Record<string, readonly (readonly [string | Readonly<Record<string, string>>, string])[]>> = {
  vtx: [[guest, "vtx-ept"]],
  svm: [[guest, "svm-npt"]],
  trap: [[guest, "trap-and-emulate"]],
  ept: [[example("nested-page-fault.asm"), "vtx-ept"]],
  npt: [[example("nested-page-fault.asm"), "svm-npt"]],
  entry: [[guest, "vtx-shadow"]],
  xen: [[example("xen-smp.asm"), "paravirtualization"]],
  kvm: [[example("hypercall.asm"), "svm-npt"]],
  exception: [[faulting, "bare-metal"]],
  interrupt: [
    [example("timer.asm"), "bare-metal"],
    [shootdown, "vtx-ept"],
  ],
  inject: [[example("xen-events.asm"), "paravirtualization"]],
  shadow: [[example("shadow-out-of-sync.asm"), "svm-shadow"]],
  cache: [[example("self-modifying.asm"), "binary-translation"]],
  interpret: [[example("protected-mode.asm"), "vtx-shadow"]],
  io: [[guest, "bare-metal"]],
  console: [[example("boot-sector.asm"), "bare-metal"]],
  mode: [[shootdown, "vtx-ept"]],
  schedule: [[three, "vtx-ept"]],
  tlb: [[walker, "vtx-ept"]],
  walk: [[walker, "vtx-ept"]],
  stop: [[guest, "vtx-ept"]],
  vmfail: [[failing, "bare-metal"]],
};

type Guest = readonly [string | Readonly<Record<string, string>>, string];

const begin = ([source, technique]: Guest, breakpoints: readonly EventBreakpoint[]): Promise<DapClient> =>
  launched(source, breakpoints, {
    ...(typeof source === "string" ? {} : { program: Object.keys(source)[0] }),
    ...(source === three ? {} : { technique }),
  });

/** Events of a class, at most. */
const most = 12;

/** The counts up to now, in the order of the breakpoints that count. */
function countsOf(client: DapClient): readonly (number | null)[] {
  const told = client.events.findLast(({ event }) => event === "ringside/eventCounts");
  return ((told?.body.counts ?? []) as EventCounts["counts"]).map(({ count }) => count);
}

/** The same at the end of the guest. */
async function counted(client: DapClient): Promise<readonly (number | null)[]> {
  await client.go("continue");
  return countsOf(client);
}

/** Classes of a folder that happen in a guest after its start, with how often; not too often, for each is stopped at. */
async function happening(id: string, of: Guest): Promise<readonly (readonly [string, number])[]> {
  const folder = eventFolders.find((row) => row.id === id)!;
  const ids = folder.leaves.map(({ key }) => leafId(folder, key));
  const breakpoints: EventBreakpoint[] = ids.map((event) => ({ event, action: "count" }));
  const client = await begin(of, breakpoints);
  const before = countsOf(client);
  const counts = await counted(client);
  return ids
    .map((event, n) => [event, counts[n] ?? 0, before[n] ?? 0] as const)
    .filter(([, count, early]) => count > 0 && count <= most && early === 0)
    .map(([event, count]) => [event, count] as const);
}

const cases = Object.entries(guests).flatMap(([id, some]) => some.map((of, n) => [`${id} ${n}`, id, of] as const));

describe("the classes of each folder", () => {
  it("have guests here in which they happen", () => {
    expect(Object.keys(guests).sort()).toEqual(eventFolders.map(({ id }) => id).sort());
  });

  it.each([
    ["schedule", 0, "schedule/migrate"],
    ["interrupt", 1, "interrupt/message"],
    ["npt", 0, "npt/Translating a guest page table: yes"],
    ["tlb", 0, "tlb/CR0"],
    ["walk", 0, "walk/not present"],
  ] as const)("are what they are called: %s %d, %s", async (id, n, event) => {
    expect((await happening(id, guests[id]![n]!)).map(([name]) => name)).toContain(event);
  });

  it.each(cases)("are counted, logged and scoped: %s", async (_, id, of) => {
    const classes = await happening(id, of);
    expect(classes.length).toBeGreaterThan(0);
    for (const [event, count] of classes) {
      const count0: EventBreakpoint = { event, action: "count" };
      const none = [{ vm: "nobody" }, { vcpu: 99 }, { condition: "1 == 0" }].map((scope) => ({ ...count0, ...scope }));
      const rings = [0, 1, 2, 3].map((ring) => ({ ...count0, ring }));
      const log: EventBreakpoint = { event, action: "log", message: "<{event.kind}>" };
      const client = await begin(of, [log, count0, ...none, ...rings]);
      const [all, byVm, byVcpu, byCondition, ...byRing] = await counted(client);
      expect([event, all, byVm, byVcpu, byCondition]).toEqual([event, count, 0, 0, 0]);
      expect([event, byRing.reduce<number>((sum, one) => sum + (one ?? 0), 0)]).toEqual([event, count]);
      const lines = client.events.filter(({ event: name, body }) => name === "output" && /^<\w+>/.test(body.output));
      expect([event, lines.length]).toEqual([event, count]);
    }
  });

  it.each(cases.filter(([, id]) => id !== "stop"))(
    "stop before and after, and at the same moments backwards: %s",
    async (_, id, of) => {
      const folder = eventFolders.find((row) => row.id === id)!;
      for (const stage of ["before", "after"] as const) {
        let sum = 0;
        for (const [event, count] of await happening(id, of)) {
          const client = await begin(of, [{ event, stage }]);
          const forwards = await stops(client, "continue");
          const places = new Set(forwards.moments);
          sum += places.size;
          expect([event, stage, places.size <= count]).toEqual([event, stage, true]);
          expect(forwards.texts.filter((text) => !text?.includes(`${folder.label} › `))).toEqual([]);
          const backwards = await stops(client, "reverseContinue");
          expect([event, stage, new Set(backwards.moments)]).toEqual([event, stage, places]);
        }
        expect([stage, stage !== folder.stage || sum > 0]).toEqual([stage, true]);
      }
    },
  );
});

describe("looks of views", () => {
  it("are all requests that nobody asks for", () => {
    const names = Object.keys(
      looks(
        () => expect.fail("nobody asks"),
        () => expect.fail("nobody asks"),
      ),
    );
    expect(names.filter((name) => !unaskedFor.has(name))).toEqual([]);
  });
});
