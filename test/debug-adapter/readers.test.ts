import { describe, expect, it } from "vitest";
import type { Requests } from "../../debug-adapter/protocol.ts";
import { Readers } from "../../debug-adapter/readers.ts";
import type { MachineInterface } from "../../emulator/machine-interface.ts";
import type { MeasuredRun } from "../../isa/measurement.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";

const rounds = 150_000;
/** Makes more events than are kept. */
const busy = `%pragma ringside mode protected
%pragma ringside technique vtx-ept
        org 100000h
        bits 32
start:  mov esi, ${rounds}
.again: xor eax, eax
        cpuid
        dec esi
        jnz .again
        cli
        hlt
`;

type News = Requests["ringside/events"]["result"];
const ask = (client: DapClient, args: Partial<Requests["ringside/events"]["args"]>) =>
  client.request<News>("ringside/events", { after: 0, limit: 5000, kinds: ["exit", "entry"], ...args });

async function started(): Promise<DapClient> {
  const client = new DapClient(busy);
  await client.launch();
  await client.start();
  return client;
}

const cpuids = ({ lines }: MeasuredRun) =>
  lines.find(({ line }) => line === lineOf(busy, "cpuid") - 1)?.reasons.find(({ reason }) => reason === "CPUID");

/** Reads as the views do: whenever there is news, until all of that is known. */
async function follow(client: DapClient): Promise<{ readonly exits: number; readonly dropped: number }> {
  let [last, exits, dropped] = [0, 0, 0];
  for (let running = true; running; ) {
    const news = await client.event<{ last: number; running: boolean }>("ringside/advanced");
    running = news.running || last === 0;
    while (last < news.last) {
      const answer = await ask(client, { after: last, reader: "test" });
      exits += answer.events.filter(({ kind }) => kind === "exit").length;
      dropped += answer.dropped;
      last = answer.events.length < 5000 ? answer.last : answer.events.at(-1)!.sequence;
    }
  }
  return { exits, dropped };
}

it("a wait is over when all have read most, when the run is to end, or when one that is behind never reads", async () => {
  const machine = {
    lastSequence: 50_000,
    events: (after: number) => [{ sequence: after + 1 }],
  } as unknown as MachineInterface;
  const restsUntil = async (readers: Readers, end: (rests: number) => boolean): Promise<number> => {
    let rests = 0;
    await readers.wait({ begin: () => {}, rest: async () => void rests++, isOver: () => end(rests) });
    return rests;
  };
  const readers = new Readers(machine);
  expect(await restsUntil(readers, () => false)).toBe(0);
  readers.reads("quick", 40_000);
  expect(await restsUntil(readers, () => false)).toBe(0);
  readers.reads("slow", 10_000);
  expect(await restsUntil(readers, (rests) => rests === 3)).toBe(3);
  const catchesUp = (rests: number) => {
    if (rests % 10 === 0) readers.reads("slow", 10_000 + 20 * rests);
    return false;
  };
  expect(await restsUntil(readers, catchesUp)).toBe(1000);
  readers.reads("slow", 10_000);
  const inVain = await restsUntil(readers, () => false);
  expect(inVain).toBeGreaterThan(0);
  expect(await restsUntil(readers, () => false)).toBe(0);
});

describe("a guest that makes more events than are kept", () => {
  it("waits for who follows them", async () => {
    const client = await started();
    void client.request("continue", { threadId: 1 });
    const { exits, dropped } = await follow(client);
    expect(dropped).toBe(0);
    expect(exits).toBeGreaterThan(rounds);
    expect((await ask(client, { after: 0 })).dropped).toBeGreaterThan(rounds / 2);
  });

  it("misses none for who follows others, of which there are none", async () => {
    const client = await started();
    await ask(client, { kinds: ["hypercall"], reader: "test" });
    await client.go("continue");
    const end = await ask(client, { kinds: ["hypercall"], reader: "test" });
    expect(end).toMatchObject({ events: [], dropped: 0 });
    expect((await ask(client, { kinds: ["hypercall"] })).dropped).toBeGreaterThan(rounds / 2);
  });

  it("does not wait for ever for one that has gone", async () => {
    const client = await started();
    await ask(client, { reader: "gone" });
    expect(await client.go("continue")).toMatchObject({ description: "Halted" });
  });

  it("is measured exactly, though nobody asks until its end; after a step back too", async () => {
    const client = await started();
    await client.go("continue");
    const all = await client.request<MeasuredRun>("ringside/measured");
    expect(all.dropped).toBe(0);
    expect(cpuids(all)?.count).toBe(rounds);
    await client.go("ringside/toExit", { direction: "previous" });
    await client.go("ringside/toExit", { direction: "previous" });
    const before = await client.request<MeasuredRun>("ringside/measured");
    expect(before.dropped).toBe(0);
    // The last one is pending.
    expect(cpuids(before)?.count).toBe(rounds);
    expect(cpuids(before)!.cycles).toBeLessThan(cpuids(all)!.cycles);
    await client.go("ringside/goToMoment", { measure: "step", value: 100 });
    const early = await client.request<MeasuredRun>("ringside/measured");
    expect(cpuids(early)?.count).toBeLessThan(100);
    expect(early.dropped).toBe(0);
  });
});
