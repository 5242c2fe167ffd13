import { describe, expect, it } from "vitest";
import { terminal } from "./terminal.ts";

const example = "examples/schedule/credit-cap.ringside.json";

describe("schedule", () => {
  it("draws who ran when, and says that nothing of it was a guest", async () => {
    const { code, out } = await terminal(["schedule", example, "--from", "300000", "--to", "900000", "--width", "60"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Xen credit, 1 pCPU, 300 ms to 900 ms, 10 ms a column; models, no guests\n/);
    // 60 ms on, 90 ms off.
    expect(out).toMatch(/^pCPU {2}0 \|.*\.A{6}\.{9}A{6}\.{9}A.*\|$/m);
    expect(out).toMatch(/^A\/0 +40\.\d % +40\.0 % +0\.0 % +5\d\.\d %/m);
    expect(out).toMatch(/Jain's index 1\.0000/);
  });

  it("prints decisions with their reasons", async () => {
    const { out } = await terminal(["schedule", example, "--events"]);
    expect(out).toMatch(/^ +0 ms pCPU 0 {2}switch +A\/0 head of the queue: BOOST 0; nobody else waits; until 30 ms$/m);
    expect(out).toMatch(/park +A\/0 is above its cap of 40 %: credit -\d+$/m);
  });

  it("gives the same as JSON", async () => {
    const { code, out } = await terminal(["schedule", example, "--json"]);
    const { vcpus, scheduler, workloads, pcpus } = JSON.parse(out);
    expect([code, scheduler, Object.keys(workloads)]).toEqual([0, "credit", ["A/0"]]);
    expect(pcpus[0].busy + pcpus[0].idle).toBe(6_000_000);
    expect(vcpus[0].times.running).toBe(pcpus[0].busy);
  });

  it("takes another scheduler than the file's", async () => {
    const { out } = await terminal(["schedule", example, "--scheduler", "credit2"]);
    expect(out).toMatch(/^Xen credit2, /);
  });

  it("locates what is wrong in the file", async () => {
    const { code, error } = await terminal(["schedule", "a.ringside.json"], { "a.ringside.json": '{\n "host": 3\n}' });
    expect(code).toBe(1);
    expect(error).toContain("a.ringside.json:2:2: error: host must be an object, not 3.\n");
  });

  it.each([
    [["schedule", "none.json"], /There is no file none\.json/],
    [["schedule", example, "--scheduler", "fifo"], /--scheduler needs one of credit, /],
    [["schedule", example, "--from", "7000000"], /must lie in this order/],
  ])("refuses %j", async (line, message) => {
    const { code, error } = await terminal(line);
    expect(code).toBe(2);
    expect(error).toMatch(message);
  });
});
