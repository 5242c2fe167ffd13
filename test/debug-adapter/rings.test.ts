import { describe, expect, it } from "vitest";
import type { RingsNow } from "../../debug-adapter/protocol.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";
import { example } from "../support/examples.ts";
import { endless } from "./guest.ts";

const ask = (client: DapClient) => client.request<RingsNow>("ringside/rings");

async function stoppedAt(source: string, text: string, technique: string): Promise<DapClient> {
  const client = new DapClient(source);
  await client.launch({ technique });
  await client.breakAt({ line: lineOf(source, text) });
  await client.start();
  await client.go("continue");
  return client;
}

describe("ringside/rings", () => {
  it.each([
    ["bare-metal", 0],
    ["trap-and-emulate", 1],
    ["binary-translation", 1],
    ["vtx-ept", 0],
    ["svm-npt", 0],
  ])("tells where a kernel that sees ring 0 is under %s", async (technique, real) => {
    const client = await stoppedAt(example("user-mode.asm"), "push dword user", technique);
    const now = await ask(client);
    expect(now).toMatchObject({ technique, inVmm: false, ring: { seen: 0, real }, mode: "protected", processors: 1 });
    expect(now.addressSpace).toBeUndefined();
    const level = now.differing.find(({ name }) => name === "CPL");
    expect(level).toEqual(real === 0 ? undefined : { name: "CPL", seen: "0", real: "1" });
  });

  it("sees processes in ring 3, a pending exit in the VMM, and the same again after going back", async () => {
    const client = await stoppedAt(example("user-mode.asm"), "user:", "trap-and-emulate");
    const process = await ask(client);
    expect(process.ring).toEqual({ seen: 3, real: 3 });
    await client.go("ringside/toExit", { direction: "next" });
    expect((await ask(client)).inVmm).toBe(true);
    await client.go("reverseContinue");
    expect(await ask(client)).toEqual(process);
  });

  it("knows 64-bit mode and its address space", async () => {
    const client = await stoppedAt(example("long-mode.asm"), "print:", "vtx-ept");
    expect(await ask(client)).toMatchObject({ mode: "64-bit", addressSpace: "1000" });
  });

  it("tells root from non-root under a hypervisor of the guest's own", async () => {
    const source = example("hypervisor.asm");
    const client = await stoppedAt(source, "exited: mov esi", "bare-metal");
    expect((await ask(client)).operation).toBe("root");
  });

  it("is answered while the guest runs", async () => {
    const client = new DapClient(endless);
    await client.launch({ technique: "vtx-ept", stopOnEntry: false });
    await client.request("configurationDone");
    expect((await ask(client)).mode).toBe("protected");
    await client.request("pause", { threadId: 1 });
    await client.stopped();
  });
});
