import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import type { DomainsNow } from "../../debug-adapter/protocol.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";
import { example } from "../support/examples.ts";
import { endless, guest } from "./guest.ts";

const source = example("xen-grants.asm");
const ask = (client: DapClient) => client.request<DomainsNow>("ringside/domains");

async function started(text = source, args: object = {}): Promise<DapClient> {
  const client = new DapClient(text);
  await client.launch(args);
  await client.start();
  return client;
}

/** At the first instruction of a line, the first that has this text. */
async function at(text: string): Promise<DapClient> {
  const client = new DapClient(source);
  await client.launch();
  await client.breakAt({ line: lineOf(source, text) });
  await client.start();
  await client.go("continue");
  return client;
}

describe("ringside/domains", () => {
  it("is empty before the guest has asked for anything, and says how upcalls stand", async () => {
    expect(await ask(await started())).toMatchObject({
      step: 0,
      domains: [{ vm: "vm0", id: 0, ports: 1024, channels: [], grantFrames: [], grants: [] }],
    });
    const [domain] = (await ask(await started())).domains;
    expect(domain!.upcalls).toEqual([{ vcpu: 0, pending: false, masked: true, handler: null, waits: null }]);
  });

  it("has both ends of a channel, what is pending there, and what is granted and mapped where", async () => {
    const client = await at("mov ecx, length");
    const [domain] = (await ask(client)).domains;
    expect(domain!.channels).toEqual([
      {
        ...{ port: 1, kind: "interdomain", remote: 0, remotePort: 2, vcpu: 0, pending: false, masked: true },
        events: { sent: 1, raised: 0, merged: 0 },
      },
      // The event that comes with the binding, and the one sent, are one.
      {
        ...{ port: 2, kind: "interdomain", remote: 0, remotePort: 1, vcpu: 0, pending: false, masked: false },
        events: { sent: 0, raised: 2, merged: 1 },
      },
    ]);
    expect(domain!.grants).toMatchObject([
      {
        ...{ reference: 8, kind: "access", domain: 0, readOnly: true, reading: true, writing: false },
        mappings: [{ handle: 0, readOnly: true, linear: "103000" }],
      },
    ]);
    expect(domain!.upcalls).toMatchObject([{ pending: false, masked: true }]);
  });

  it("is that of the past after going back, and of the present again", async () => {
    const client = await at("mov ecx, length");
    const now = await ask(client);
    await client.go("ringside/goToMoment", { measure: "step", value: 0 });
    expect((await ask(client)).domains[0]).toMatchObject({ channels: [], grants: [] });
    await client.go("ringside/toPresent");
    expect(await ask(client)).toEqual(now);
  });

  it("has virtual interrupts and interprocessor events", async () => {
    const timer = await started(example("xen-events.asm"));
    await timer.go("continue");
    expect((await ask(timer)).domains[0]!.channels).toMatchObject([
      { port: 1, kind: "virq", virq: 0, name: "timer", masked: false, events: { sent: 0, raised: 3, merged: 0 } },
    ]);
    const smp = await started(example("xen-smp.asm"));
    await smp.go("continue");
    const [domain] = (await ask(smp)).domains;
    expect(domain!.upcalls.map(({ vcpu }) => vcpu)).toEqual([0, 1, 2]);
    expect(domain!.channels.map(({ kind }) => kind)).toContain("ipi");
  });

  it("says under each other technique why there is nothing", async () => {
    const under = async (technique: string) => ask(await started(guest, { technique }));
    expect(await under("vtx-ept")).toMatchObject({
      domains: [],
      absent: expect.stringContaining("guests meet KVM's interface here, which has neither"),
    });
    expect((await under("svm-npt")).absent).toContain("KVM's interface");
    expect((await under("bare-metal")).absent).toMatch(/^Bare metal has no event channels and no grants\./);
  });

  it("is answered while the guest runs", async () => {
    const client = new DapClient(endless);
    await client.launch({ technique: "vtx-ept", stopOnEntry: false });
    await client.request("configurationDone");
    expect((await ask(client)).absent).toContain("VT-x");
    await client.request("pause", { threadId: 1 });
    await client.stopped();
  });

  it("leaves a watch on the shared page alone", async () => {
    const client = await at("mov ecx, length");
    const { breakpoints } = await client.request<P.SetDataBreakpointsResponse["body"]>("setDataBreakpoints", {
      breakpoints: [{ dataId: (await watchOf(client, "dword [shared + 2048]")).dataId, accessType: "readWrite" }],
    });
    expect(breakpoints).toMatchObject([{ verified: true }]);
    await ask(client);
    await client.go("next");
    expect(await client.line()).toBe(lineOf(source, "mov ecx, length") + 1);
  });
});

const watchOf = (client: DapClient, name: string) =>
  client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", { name });

describe("in the debug console", () => {
  it("channels and grants show the same", async () => {
    const client = await at("mov ecx, length");
    expect(await client.evaluate("channels", "repl")).toMatchInlineSnapshot(`
      "vm0, domain 0: 2 open ports of 1,024
      vCPU 0: handler 1000ECh; upcalls masked
      port  kind         bound to          vCPU  state   sent         came
         1  interdomain  domain 0, port 2     0  masked     1            0
         2  interdomain  domain 0, port 1     0             0  2, 1 merged"
    `);
    expect(await client.evaluate("grants", "repl")).toMatchInlineSnapshot(`
      "vm0, domain 0: 1 grant, 512 entries in frame 16h
      grant  to        frame             access  in use  mapped  at
          8  domain 0  10FBh, page 104h  read    read         1  103000h (handle 0, to read)"
    `);
    expect(await client.evaluate("channels 2", "repl")).not.toContain("domain 0, port 2");
    expect(await client.evaluate("grants 8", "repl")).toContain("103000h (handle 0, to read)");
  });

  it.each([
    ["channels 7", "There is no open port 7."],
    ["grants 7", "There is no grant 7."],
  ])("%s is refused", async (line, reason) => {
    await expect((await at("mov ecx, length")).evaluate(line, "repl")).rejects.toThrow(reason);
  });

  it("they say where there are none, and complete numbers", async () => {
    const kvm = await started(guest, { technique: "vtx-ept" });
    await expect(kvm.evaluate("channels", "repl")).rejects.toThrow("KVM's interface");
    await expect(kvm.evaluate("grants", "repl")).rejects.toThrow("KVM's interface");
    const client = await at("mov ecx, length");
    const complete = async (text: string) =>
      (
        await client.request<P.CompletionsResponse["body"]>("completions", { text, column: text.length + 1 })
      ).targets.map(({ label }) => label);
    expect(await complete("channels ")).toEqual(expect.arrayContaining(["1", "2"]));
    expect(await complete("gra")).toContain("grants");
    expect(await complete("grants 8")).toContain("8");
  });
});
