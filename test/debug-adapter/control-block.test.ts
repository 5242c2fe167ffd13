import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ControlBlockNow } from "../../debug-adapter/protocol.ts";
import { DapClient } from "../support/dap-client.ts";
import { endless, guest } from "./guest.ts";

const hypervisor = readFileSync(join(import.meta.dirname, "../../examples/hypervisor.asm"), "utf8");
const ask = (client: DapClient) => client.request<ControlBlockNow>("ringside/controlBlock");
const fieldAt = (now: ControlBlockNow, place: string) =>
  now.block?.groups.flatMap(({ fields }) => fields).find((field) => field.place === place);
const otherFieldAt = (now: ControlBlockNow) => (place: string) =>
  now.block?.other.groups.flatMap(({ fields }) => fields).find((field) => field.place === place);

async function started(source: string, args: object = {}): Promise<DapClient> {
  const client = new DapClient(source);
  await client.launch(args);
  await client.start();
  return client;
}

async function atCpuid(technique: string): Promise<DapClient> {
  const client = await started(guest, { technique });
  do await client.go("ringside/toExit", { direction: "next" });
  while (!(await ask(client)).exit?.reason.endsWith("CPUID"));
  return client;
}

describe("ringside/controlBlock", () => {
  it("is the VMCS of the built-in VMM, with what its controls do, and the past one after stepping back", async () => {
    const client = await started(guest);
    await client.go("ringside/toExit", { direction: "next" });
    const first = await ask(client);
    await client.go("ringside/toExit", { direction: "next" });
    const second = await ask(client);
    expect(first).toMatchObject({ exit: { reason: "EPT_VIOLATION" }, block: { kind: "VMCS" } });
    expect(fieldAt(second, "4402")?.bits[0]).toMatchObject({ name: "Basic exit reason", value: second.exit?.reason });
    expect(fieldAt(second, "4002")?.bits).toContainEqual({
      ...{ name: "HLT exiting", value: "1", bits: "7", doc: "HLT exits.", exits: 0 },
    });
    expect(second.block?.failure).toBeUndefined();
    await client.go("ringside/toExit", { direction: "previous" });
    expect(await ask(client)).toEqual(first);
  });

  it("is a VMCB under AMD-V, with its own names", async () => {
    const client = await started(guest, { technique: "svm-npt" });
    await client.go("ringside/toExit", { direction: "next" });
    const now = await ask(client);
    expect(now.block).toMatchObject({
      kind: "VMCB",
      groups: [{ group: "Control area" }, { group: "State save area" }],
    });
    expect(fieldAt(now, "070")).toMatchObject({ name: "EXITCODE", bits: [{ value: "VMEXIT_NPF" }] });
    expect(fieldAt(now, "00C")?.bits.find(({ name }) => name === "CPUID")).toMatchObject({
      ...{ value: "1", doc: expect.stringContaining("CPUID exits.") },
    });
  });

  it.each([
    ["vtx-ept", "4002", "HLT exiting", "401E", "Enable EPT"],
    ["svm-npt", "00C", "HLT", "090", "NP_ENABLE"],
  ] as const)(
    "counts under %s what the bits made exit, also after going back",
    async (technique, at, hlt, nested, enable) => {
      const client = await started(guest, { technique });
      const exits = async (place: string, name: string) =>
        fieldAt(await ask(client), place)?.bits.find((bit) => bit.name === name)?.exits;
      expect(await exits(at, hlt)).toBe(0);
      await client.go("continue");
      expect(await exits(at, hlt)).toBe(1);
      const violations = (
        await client.request<{ events: readonly { reason: string }[] }>("ringside/events", {
          ...{ after: 0, limit: 1000, kinds: ["exit"] },
        })
      ).events.filter(({ reason }) => /EPT_VIOLATION|NPF/.test(reason)).length;
      expect(violations).toBeGreaterThan(0);
      expect(await exits(nested, enable)).toBe(violations);
      const other = otherFieldAt(await ask(client))(technique === "vtx-ept" ? "00C" : "4002");
      expect(other?.bits.find((bit) => bit.name === (technique === "vtx-ept" ? "HLT" : "HLT exiting"))?.exits).toBe(1);
      await client.go("ringside/goToMoment", { measure: "step", value: 1 });
      expect(await exits(at, hlt)).toBe(0);
    },
  );

  it("is also there under the other vendor's names", async () => {
    const vtx = await atCpuid("vtx-ept");
    const asVmcb = otherFieldAt(await ask(vtx));
    expect(asVmcb("070")).toMatchObject({ name: "EXITCODE", value: "72", sources: ["4402"] });
    expect(asVmcb("578")?.value).toBe(fieldAt(await ask(vtx), "681E")?.value);
    expect(asVmcb("00C")?.bits.find(({ name }) => name === "HLT")).toMatchObject({ value: "1" });
    expect(asVmcb("00C")?.bits.find(({ name }) => name === "PUSHF")).toMatchObject({ value: "0" });
    expect(asVmcb("6000")).toMatchObject({ note: expect.stringContaining("no read shadows") });
    const svm = await atCpuid("svm-npt");
    const asVmcs = otherFieldAt(await ask(svm));
    expect(asVmcs("4402")).toMatchObject({ name: "Exit reason", value: "a" });
    expect(asVmcs("440C")?.value).toBe("2");
    expect(asVmcs("4002")?.bits.find(({ name }) => name === "HLT exiting")).toMatchObject({ value: "1" });
    expect(asVmcs("0C0")).toMatchObject({ name: "VMCB clean bits", note: expect.stringContaining("no clean bits") });
  });

  it("says why there is none", async () => {
    expect((await ask(await started(guest, { technique: "binary-translation" }))).absent).toContain(
      "Under binary-translation the processor uses no control block",
    );
    expect((await ask(await started(hypervisor))).absent).toContain("VMX is off");
  });

  it("marks the field for which an entry fails, of a hypervisor of the guest's own", async () => {
    const client = await started(
      hypervisor.replace("dd 681Eh, guest", "dd 6820h, 2").replace("dd 4000h, 48Dh, 0", "dd 4000h, 48Dh, 80h"),
    );
    await client.go("continue");
    const { block } = await ask(client);
    expect(block).toMatchObject({ kind: "VMCS", state: expect.stringContaining("The guest's own hypervisor's") });
    expect(fieldAt({ step: 0, cycle: 0, block: block! }, block!.failure!.place)?.name).toBe(
      "Pin-based VM-execution controls",
    );
  });

  it("is answered while the guest runs", async () => {
    const client = new DapClient(endless);
    await client.launch({ technique: "vtx-ept", stopOnEntry: false });
    await client.request("configurationDone");
    expect((await ask(client)).block?.kind).toBe("VMCS");
    await client.request("pause", { threadId: 1 });
    await client.stopped();
  });
});
