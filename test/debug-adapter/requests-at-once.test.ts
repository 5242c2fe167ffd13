import { describe, expect, it } from "vitest";
import { filters } from "../../debug-adapter/capabilities.ts";
import { Motion } from "../../debug-adapter/motion.ts";
import { DapClient, guestFile } from "../support/dap-client.ts";
import { endless, guest } from "./guest.ts";

const started = async (source = guest): Promise<DapClient> => {
  const client = new DapClient(source);
  await client.launch({ technique: "vtx-ept" });
  await client.start();
  return client;
};

const names = (client: DapClient): string[] => client.events.map(({ event }) => event);

describe("requests in the same breath", () => {
  it.each(["terminate", "disconnect"])("a restart and a %s: the session is over", async (end) => {
    for (const running of [false, true]) {
      const client = await started(endless);
      if (running) await client.request("continue", { threadId: 1 });
      const before = client.events.length;
      const restarted = client.answer("restart");
      const ended = client.answer(end);
      expect((await ended).success).toBe(true);
      const { success, body } = await restarted;
      expect(success).toBe(false);
      expect(body.error.variables._message).toBe("The session was ended while the program was loaded.");
      await expect(client.request("continue", { threadId: 1 })).rejects.toThrow("The session has ended.");
      expect(names(client).slice(before)).not.toContain("stopped");
    }
  });

  it("a launch and a disconnect: nothing is launched", async () => {
    const client = new DapClient(guest);
    await client.request("initialize", { adapterID: "ringside" });
    const launched = client.answer("launch", { program: guestFile });
    await client.request("disconnect");
    expect((await launched).success).toBe(false);
    expect(names(client)).not.toContain("initialized");
    await expect(client.request("threads")).rejects.toThrow("No guest has been launched.");
  });

  it("saving a trace and going on: no trace of another moment", async () => {
    const client = await started(endless);
    const saved = client.answer("ringside/saveTrace", { title: "here" });
    await client.request("continue", { threadId: 1 });
    const answer = await saved;
    expect(answer.success).toBe(false);
    expect(answer.message).toBe("notStopped");
    await client.request("pause", { threadId: 1 });
    await client.stopped();
    expect((await client.answer("ringside/saveTrace", { title: "here" })).success).toBe(true);
  });

  it("saving a trace and a step: says that it is to be saved again", async () => {
    const client = await started();
    const saved = client.answer("ringside/saveTrace", { title: "here" });
    const stepped = client.go("ringside/goToMoment", { measure: "step", value: 3 });
    const answer = await saved;
    expect(answer.success).toBe(false);
    await stepped;
  });
});

it("breakpoints that are refused before the launch are not set", async () => {
  const client = new DapClient(guest);
  await client.request("initialize", { adapterID: "ringside", pathFormat: "path" });
  for (const [command, args] of [
    ["setExceptionBreakpoints", { filters: [filters.exits] }],
    ["ringside/setEventBreakpoints", { breakpoints: [{ event: "vtx/CPUID" }] }],
  ] as const)
    await expect(client.request(command, args)).rejects.toThrow("No guest has been launched.");
  await client.request("launch", { program: guestFile, technique: "vtx-ept" });
  await client.start();
  const { description } = await client.go("continue");
  expect(description).toBe("Halted");
});

it("what goes wrong in an operation is told by who began it, and not by who ends it", async () => {
  const halts: unknown[] = [];
  const motion = new Motion(
    () => {},
    (halt) => halts.push(halt),
  );
  const begun = motion.start(() => Promise.reject(new Error("broken")));
  const failed = expect(begun).rejects.toThrow("broken");
  await Promise.resolve();
  await motion.quiet();
  await failed;
  expect(motion.isUnderWay).toBe(false);
  expect(halts).toEqual([undefined]);
});
