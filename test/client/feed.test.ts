import { expect, it } from "vitest";
import { Feed } from "../../client/views/shared/feed.ts";
import type { Call, LocatedEvent } from "../../debug-adapter/protocol.ts";

const event = (sequence: number): LocatedEvent => ({
  ...{ kind: "interrupt", vector: 32, irq: 0, sequence, cycle: 0, step: 0, vm: "A", vcpu: 0, rip: "0" },
});

/** A session with events 1 to `most`; `before` runs before each answer. */
function session(most: number, before: (asked: number) => void = () => {}) {
  const asked: number[] = [];
  const request = (async (_name: string, { after, limit }: { after: number; limit: number }) => {
    asked.push(after);
    before(asked.length);
    const events = Array.from({ length: Math.max(0, Math.min(limit, most - after)) }, (_, n) => event(after + n + 1));
    return { events, last: most, now: { step: 0, cycle: 0 }, dropped: 0 };
  }) as unknown as Call;
  return { request, asked };
}

it("asks in parts until all is known, and not twice at a time", async () => {
  let last = 0;
  const { request, asked } = session(12_000);
  const feed = new Feed({ request }, ["interrupt"], { last: () => last, learn: (news) => (last = news.last) });
  await Promise.all([feed.catchUp(12_000), feed.catchUp(12_000)]);
  expect([asked, last]).toEqual([[0, 5000, 10_000], 12_000]);
});

it("drops an answer about a future that a step back has taken away", async () => {
  let last = 8;
  const learnt: number[] = [];
  const { request } = session(12, (times) => {
    if (times === 1) last = 3;
  });
  const learn = ({ events, last: known }: { events: readonly LocatedEvent[]; last: number }) => {
    learnt.push(...events.map(({ sequence }) => sequence));
    last = known;
  };
  await new Feed({ request }, ["interrupt"], { last: () => last, learn }).catchUp(12);
  expect(learnt).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

it("drops an answer that was on its way when the present went back, though it is ahead of what is known", async () => {
  let last = 0;
  const learnt: number[] = [];
  let most = 9;
  const { request } = session(9, (times) => {
    // Told of the step back after the session has answered, before the answer is here.
    if (times === 1) void feed.catchUp(4);
    else most = 4;
  });
  const bounded = (async (name: never, args: never) => {
    const news = await request("ringside/events", { ...(args as { after: number; limit: number }) });
    return { ...news, last: most, events: news.events.filter(({ sequence }) => sequence <= most), name };
  }) as unknown as Call;
  const learn = ({ events, last: known }: { events: readonly LocatedEvent[]; last: number }) => {
    learnt.push(...events.map(({ sequence }) => sequence));
    last = known;
  };
  const feed = new Feed({ request: bounded }, ["interrupt"], { last: () => last, learn });
  await feed.catchUp(9);
  expect([learnt, last]).toEqual([[1, 2, 3, 4], 4]);
});
