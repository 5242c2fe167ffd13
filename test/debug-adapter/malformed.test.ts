import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { requestNames } from "../../debug-adapter/arguments.ts";
import { DapClient } from "../support/dap-client.ts";
import { requestsOf } from "../support/dap-script.ts";
import { endless, guest } from "./guest.ts";

const folder = join(import.meta.dirname, "transcripts");

/** The arguments with which the transcripts send each request, and none. */
const requests = new Map<string, object[]>(requestNames.map((command) => [command, [{}]]));
for (const name of readdirSync(folder))
  for (const { command, args } of requestsOf(readFileSync(join(folder, name), "utf8")))
    requests.get(command)?.push(args);

const wrong: readonly unknown[] = [
  ...[null, true, -1, 1.5, 2 ** 31, 2 ** 53, "", "x\u0000", `0x${"f".repeat(40)}`],
  ...[[], {}, [null], [{}], { path: "/none" }],
];

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** The value with one field or element, at any depth, left out or something else. */
function* mutations(value: unknown): Generator<unknown> {
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    const changed = (to: unknown) => (Array.isArray(value) ? value.with(Number(key), to) : { ...value, [key]: to });
    yield changed(undefined);
    for (const to of wrong) yield changed(to);
    for (const to of mutations(value[key])) yield changed(to);
  }
}

/** What is wrong with an answer: a refusal is one or more sentences for a person, and a bug tells of itself. */
function fault(client: DapClient, message: string | undefined): string | undefined {
  const bug = client.events.find(
    ({ body }) => body?.category === "stderr" && body.output.startsWith("Ringside has a bug"),
  );
  if (bug) return bug.body.output as string;
  if (message === undefined) return undefined;
  return /\[object|undefined\b|\bNaN\b/.test(message) || !/^["A-Z\d].*[.)]$/s.test(message) ? message : undefined;
}

/** Sends a request that may be nonsense. */
async function ask(client: DapClient, command: string, args: unknown): Promise<string | undefined> {
  try {
    await client.request(command, args as object);
    return undefined;
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}

const thorough = "while the guest stands still";

/** Sessions in all states in which a request may come. */
const states: Readonly<Record<string, () => Promise<DapClient>>> = {
  "before the launch": async () => new DapClient(guest),
  "while breakpoints are set": async () => {
    const client = new DapClient(guest);
    await client.launch({ memory: 2 });
    return client;
  },
  [thorough]: async () => {
    const client = new DapClient(guest);
    await client.launch({ memory: 2 });
    await client.start();
    await client.go("next");
    return client;
  },
  "while it runs": async () => {
    const client = new DapClient(endless);
    await client.launch({ memory: 2 });
    await client.start();
    await client.request("continue", { threadId: 1 });
    return client;
  },
  "after its end": async () => {
    const client = new DapClient(guest);
    await client.launch({ memory: 2 });
    await client.start();
    await client.request("terminate");
    return client;
  },
};

/** Do something else than to answer. */
const endings = new Set(["disconnect", "terminate"]);

/** What to send of a request: in one state all that can be wrong; elsewhere it matters less what is asked than when. */
function variants(state: string, command: string, examples: readonly object[]): readonly unknown[] {
  if (endings.has(command)) return [{}];
  const sensible = examples.slice(0, 3);
  if (state !== thorough) return [...sensible, null];
  const all = [...sensible, ...wrong, ...examples.flatMap((args) => [...mutations(args)])];
  return [...new Map(all.map((args) => [JSON.stringify(args), args])).values()];
}

describe.each(Object.entries(states))("%s", (state, session) => {
  it("every request is answered in plain words, whatever its arguments", async () => {
    const faults: unknown[] = [];
    for (const [command, examples] of requests) {
      const client = await session();
      for (const given of variants(state, command, examples)) {
        const found = fault(client, await ask(client, command, given));
        if (found !== undefined) faults.push({ command, given, found });
        if (found?.startsWith("Ringside has a bug")) break;
      }
      const threads = await ask(client, "threads", {});
      if (threads !== undefined && state !== "before the launch") faults.push({ command, threads });
      await ask(client, "disconnect", {});
    }
    expect(faults).toEqual([]);
  });
});

it("two requests in the same breath do not move the guest twice", async () => {
  const client = new DapClient(guest);
  await client.launch({ memory: 2 });
  await client.start();
  const both = await Promise.allSettled([
    client.request("next", { threadId: 1 }),
    client.request("next", { threadId: 1 }),
  ]);
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
});

it("a pause in the same breath as what it is to end is not lost", async () => {
  const client = new DapClient(endless);
  await client.launch({ memory: 2 });
  await client.start();
  await Promise.all([client.request("continue", { threadId: 1 }), client.request("pause", { threadId: 1 })]);
  expect((await client.stopped()).reason).toBe("pause");
});

it("a restart leaves nothing of the old guest under way", async () => {
  const client = new DapClient(endless);
  await client.launch({ memory: 2 });
  await client.start();
  const stops = () => client.events.filter(({ event }) => event === "stopped").length;
  const [restart, going] = await Promise.allSettled([
    client.request("restart"),
    client.request("continue", { threadId: 1 }),
  ]);
  expect([restart.status, going.status]).toEqual(["fulfilled", "fulfilled"]);
  expect((await client.stopped()).reason).toBe("entry");
  expect(await client.evaluate("eip == start")).toBe("1");
  await client.go("next");
  expect(stops()).toBe(3);
});
