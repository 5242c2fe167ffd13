import { expect, it } from "vitest";
import { Latest } from "../../client/views/shared/latest.ts";

it("asks once at a time, and once more for all that moved meanwhile", async () => {
  const answered: number[] = [];
  const waiting: (() => void)[] = [];
  let asked = 0;
  const latest = new Latest(
    () => new Promise<number>((resolve) => waiting.push(() => resolve(asked++))),
    (answer) => answered.push(answer),
    () => {},
  );
  const all = latest.want(false);
  void latest.want(false);
  void latest.want(false);
  expect(waiting).toHaveLength(1);
  waiting.shift()!();
  await Promise.resolve();
  await new Promise(setImmediate);
  waiting.shift()!();
  await all;
  expect(answered).toEqual([0, 1]);
});

it("tells what failed, and rests between questions while the guest runs", async () => {
  const told: string[] = [];
  const latest = new Latest(
    () => Promise.reject(new Error("no guest")),
    () => {},
    (message) => told.push(message),
    async () => void told.push("rest"),
  );
  await latest.want(true);
  await latest.want(false);
  expect(told).toEqual(["no guest", "rest", "no guest"]);
});

it("asks at once when the guest stops, however long it was to rest", async () => {
  const told: string[] = [];
  let asked = 0;
  const latest = new Latest(
    async () => `answer ${++asked}`,
    (answer) => told.push(answer),
    () => {},
    () => new Promise<never>(() => {}),
  );
  const all = latest.want(true);
  await new Promise(setImmediate);
  void latest.want(false);
  await all;
  expect(told).toEqual(["answer 1", "answer 2"]);
});
