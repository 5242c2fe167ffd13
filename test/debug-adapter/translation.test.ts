import { describe, expect, it } from "vitest";
import type { TranslationNow } from "../../debug-adapter/protocol.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";
import { example } from "../support/examples.ts";
import { endless, guest } from "./guest.ts";

const ask = (client: DapClient, address: string) =>
  client.request<TranslationNow & { problem?: string }>("ringside/translation", { address });

/** A guest stopped at the line that has a text. */
async function stoppedAt(source: string, text: string, technique: string): Promise<DapClient> {
  const client = new DapClient(source);
  await client.launch({ technique });
  await client.breakAt({ line: lineOf(source, text) });
  await client.start();
  await client.go("continue");
  return client;
}

describe("ringside/translation", () => {
  it("translates registers, labels, numbers, and where nothing is typed the instruction about to run", async () => {
    const client = await stoppedAt(guest, "cpuid", "vtx-ept");
    const linear = async (address: string) => (await ask(client, address)).walk.linear;
    expect(await linear("")).toBe((await client.evaluate("eip")).match(/0x0*([\da-f]+)/)?.[1]);
    expect(await linear("buffer")).toBe(await linear("(buffer)"));
    expect([await linear("0x1234"), await linear("1234h"), await linear("7fff")]).toEqual(["1234", "1234", "7fff"]);
    expect((await ask(client, "nowhere")).problem).toContain(
      '"nowhere" is no address: there is no register, flag, label or constant "nowhere". Type',
    );
    const { picks, pages } = await ask(client, "");
    expect(picks.map(({ name }) => name)).toEqual(["instruction", "stack"]);
    expect(pages).toEqual([]);
  });

  it.each(["vtx-shadow", "trap-and-emulate", "binary-translation"])(
    "lays pages beside their shadow under %s: out of sync until INVLPG",
    async (technique) => {
      const source = example("shadow-out-of-sync.asm");
      const client = await stoppedAt(source, "mov ebx, [PAGE]", technique);
      const state = async () => (await ask(client, "50000h")).pages.find(({ linear }) => linear === "50000");
      const before = await state();
      await client.go("next");
      await client.go("next");
      const after = await state();
      expect([before, after].map((page) => page?.guest.entry.slice(0, 2))).toEqual(["51", "51"]);
      expect([before?.state, after?.state]).toEqual(["stale", "same"]);
      await client.go("stepBack");
      await client.go("stepBack");
      expect(await state()).toEqual(before);
      expect((await ask(client, "50000h")).walk.verdict).toContain("still leads to host-physical 250000h");
    },
  );

  it("is answered while the guest runs", async () => {
    const client = new DapClient(endless);
    await client.launch({ technique: "vtx-ept", stopOnEntry: false });
    await client.request("configurationDone");
    expect((await ask(client, "")).walk.kind).toBe("walk");
    await client.request("pause", { threadId: 1 });
    await client.stopped();
  });
});
