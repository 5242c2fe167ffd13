import { describe, expect, it } from "vitest";
import type { DevicesNow, Requests } from "../../debug-adapter/protocol.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";
import { endless } from "./guest.ts";

/** Programs the first 8259 and the timer, writes to the screen, echoes what comes by the serial port. */
const guest = `%pragma ringside mode protected
        org 8000h
        bits 32
        lidt [idtr]
        mov al, 11h
        out 20h, al
        mov al, 20h
        out 21h, al
        mov al, 4
        out 21h, al
        mov al, 1
        out 21h, al
        mov al, 0EFh                    ; IRQ 4 alone
        out 21h, al
        mov dx, 3F9h                    ; IER: received data
        mov al, 1
        out dx, al
        mov dx, 3FCh                    ; MCR: OUT2
        mov al, 8
        out dx, al
        mov dword [0B8000h], 1F491F48h  ; "HI", white on blue
        mov byte [0B8004h], '!'
again:  sti
        hlt
        jmp again
serial: mov dx, 3F8h
        in al, dx
        out dx, al
        mov al, 20h
        out 20h, al
        iretd
idt:    times 24h dq 0
        dw serial, 8, 8E00h, 0
idtr:   dw $ - idt - 1
        dd idt
`;

const ask = (client: DapClient, args: object = {}) => client.request<DevicesNow>("ringside/devices", args);

async function stoppedAt(text: string, technique: string): Promise<DapClient> {
  const client = new DapClient(guest);
  await client.launch({ technique });
  await client.breakAt({ line: lineOf(guest, text) });
  await client.start();
  await client.go("continue");
  return client;
}

const of = ({ devices }: DevicesNow, name: string) => devices.find((device) => device.name.startsWith(name))!;

describe("ringside/devices", () => {
  it.each(["bare-metal", "trap-and-emulate", "vtx-ept", "svm-npt"])(
    "tells under %s what the guest has made of its devices",
    async (technique) => {
      const client = await stoppedAt("again:", technique);
      const now = await ask(client);
      expect(of(now, "8259A").interrupts![4]).toMatchObject({ vector: 0x24, masked: false, requested: false });
      expect(of(now, "16550A").registers[0]).toMatchObject({ name: "IER", value: 1, text: "received data" });
      expect(now).toMatchObject({ vm: expect.any(String), vms: [now.vm], console: "serial" });
      expect(now.devices.map(({ name }) => name)).toContain("local APIC 0");
      if (now.screen.mode !== "text") throw new Error("not text");
      expect(now.screen.rows).toHaveLength(25);
      expect(now.screen.rows[0]!.map((run) => run.text).join("")).toHaveLength(80);
      expect(now.screen.rows[0]![0]).toEqual({ text: "HI", foreground: 0xffffff, background: 0x0000aa });
      expect(now.screen.rows[0]![1]).toMatchObject({ text: expect.stringMatching(/^! +$/), background: 0 });
      expect(await ask(client)).toEqual(now);
    },
  );

  it("shows what is typed where it arrives, and the same again after going back", async () => {
    const client = await stoppedAt("again:", "bare-metal");
    const quiet = await ask(client);
    const lineStatus = async () => of(await ask(client), "16550A").registers.find(({ name }) => name === "LSR")!.text;
    await client.request("ringside/input", { text: "ab", vm: quiet.vm });
    expect(await lineStatus()).toBe("1 received, 1 more on the line");
    expect(of(await ask(client), "8259A").interrupts![4]).toMatchObject({
      line: true,
      requested: true,
      inService: false,
    });
    await client.breakAt({ line: lineOf(guest, "serial:") });
    await client.go("continue");
    expect(of(await ask(client), "8259A").interrupts![4]).toMatchObject({ requested: false, inService: true });
    await client.go("stepBack");
    expect(await lineStatus()).toBe("1 received, 1 more on the line");
    expect(of(await ask(client), "8259A").interrupts![4]).toMatchObject({ requested: true, inService: false });
  });

  it("tells of each VM of a machine its own, and types into the one that is meant", async () => {
    const vm = (name: string) => ({ name, program: "guest.asm", memory: 1 });
    const file = { host: { pcpus: 1 }, scheduler: { name: "round-robin" }, vms: [vm("A"), vm("B")] };
    const client = new DapClient({
      "/guests/two.ringside.json": JSON.stringify(file),
      "/guests/guest.asm": guest.replace("\n", "\n%pragma ringside technique vtx-ept\n"),
    });
    await client.launch({ program: "/guests/two.ringside.json" });
    await client.start();
    await client.go("continue");
    expect((await ask(client)).vms).toEqual(["A", "B"]);
    const lineStatus = async (name: string) =>
      of(await ask(client, { vm: name }), "16550A").registers.find((register) => register.name === "LSR")!.text;
    const before = await ask(client);
    await client.request("ringside/input", { text: "x", vm: "B" });
    expect([await lineStatus("A"), await lineStatus("B")]).toEqual(["0 received", "1 received"]);
    expect((await ask(client)).vm).toBe(before.vm);
    await client.go("continue");
    const { events } = await client.request<Requests["ringside/events"]["result"]>("ringside/events", {
      ...{ after: 0, limit: 100, kinds: ["output"] },
    });
    expect(events.map((event) => [event.vm, event.kind === "output" && event.text])).toEqual([["B", "x"]]);
  });

  it("refuses a VM that is not there, by name", async () => {
    const client = await stoppedAt("again:", "vtx-ept");
    await expect(ask(client, { vm: "Z" })).rejects.toThrow("There is no VM Z.");
    await expect(client.request("ringside/input", { text: "x", vm: "Z" })).rejects.toThrow("There is no VM Z.");
  });

  it("is answered while the guest runs", async () => {
    const client = new DapClient(endless);
    await client.launch({ technique: "vtx-ept", stopOnEntry: false });
    await client.request("configurationDone");
    expect((await ask(client)).devices.length).toBeGreaterThan(4);
    await client.request("pause", { threadId: 1 });
    await client.stopped();
  });
});
