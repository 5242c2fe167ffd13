import { describe, expect, it } from "vitest";
import type { MeasuredRun } from "../../isa/measurement.ts";
import { DapClient, guestFile, lineOf } from "../support/dap-client.ts";

const guest = `bits 32
start:  mov ecx, 3
.again: push ecx
        mov eax, 0
        cpuid
        mov dx, 3F8h
        mov al, 'x'
        out dx, al
        pop ecx
        loop .again
        nop
        mov dx, 501h
        mov al, 0
        out dx, al
        hlt
`;

const ask = (client: DapClient) => client.request<MeasuredRun>("ringside/measured");
const at = (text: string) => lineOf(guest, text) - 1;

async function stoppedBehind(technique: string): Promise<DapClient> {
  const client = new DapClient(guest);
  await client.launch({ technique });
  await client.breakAt({ line: lineOf(guest, "        nop") });
  await client.start();
  await client.go("continue");
  return client;
}

const counts = ({ lines }: MeasuredRun) =>
  lines.map(({ line, reasons }) => [line, reasons.map(({ reason, count }) => `${count} ${reason}`)]);

describe("ringside/measured", () => {
  it("counts exits by line and reason, with the text and what they cost", async () => {
    const client = await stoppedBehind("vtx-ept");
    const run = await ask(client);
    expect(run).toMatchObject({ technique: "vtx-ept", costs: "Haswell-2013", dropped: 0 });
    expect(run.program).toContain(guestFile);
    const lines = run.lines.filter(({ reasons }) => reasons.some(({ reason }) => !reason.startsWith("EPT_")));
    expect(counts({ ...run, lines })).toEqual([
      [at("cpuid"), ["3 CPUID"]],
      [at("out dx"), ["3 IO_INSTRUCTION"]],
    ]);
    expect(lines[0]!.text).toBe("        cpuid");
    // Out and back are 789 cycles; the hypervisor's work comes on top.
    expect(lines[0]!.reasons[0]!.cycles).toBeGreaterThanOrEqual(3 * 789);
    expect(await ask(client)).toEqual(run);
  });

  it("counts what a step back leaves, also of an exit that is pending", async () => {
    const client = await stoppedBehind("vtx-ept");
    const behind = await ask(client);
    await client.go("ringside/toExit", { direction: "previous" });
    const pending = await ask(client);
    const out = ({ lines }: MeasuredRun) => lines.find(({ line }) => line === at("out dx"))!.reasons[0]!;
    expect(out(pending).count).toBe(3);
    expect(out(pending).cycles).toBeLessThan(out(behind).cycles);
    await client.go("continue");
    expect(await ask(client)).toEqual(behind);
    await client.go("reverseContinue");
    expect((await ask(client)).lines).toEqual([]);
  });

  it("has no lines on the bare machine", async () => {
    expect((await ask(await stoppedBehind("bare-metal"))).lines).toEqual([]);
  });
});
