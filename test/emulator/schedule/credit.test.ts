import { describe, expect, it } from "vitest";
import { PhysicalCpus } from "../../../emulator/schedule/physical-cpus.ts";
import type { Parameters } from "../../../emulator/schedule/vcpu.ts";

interface Saved {
  scheduler: { units: Record<string, { active: boolean; credit: number; parked: boolean }>; vms: string[] };
}

/** A host with one vCPU in each VM, all runnable and all on the active list from the start. */
function host(vms: Record<string, Partial<Parameters>>): PhysicalCpus {
  const made = new PhysicalCpus({ pcpus: 1, scheduler: "credit" });
  for (const [vm, parameters] of Object.entries(vms)) {
    made.add(vm, 0, parameters);
    made.wake(`${vm}/0`, "starts");
  }
  const saved = made.save() as Saved;
  for (const unit of Object.values(saved.scheduler.units)) unit.active = true;
  saved.scheduler.vms = Object.keys(vms);
  made.restore(saved);
  return made;
}

/** For each period: who ran in it, and everybody's credits after the accounting at its end (P: parked). */
function periods(host: PhysicalCpus, count: number): string[] {
  const rows: string[] = [];
  host.settle();
  for (let n = 1; n <= count; n++) {
    const ran = host.running(0)?.vm ?? "-";
    while (host.now < n * 30_000) {
      host.advance(Math.min(host.next!, n * 30_000));
      host.settle();
    }
    const { units } = (host.save() as Saved).scheduler;
    const credits = Object.values(units).map(({ credit, parked }) => `${credit}${parked ? "P" : ""}`);
    rows.push(`${ran}: ${credits.join(" ")}`);
  }
  return rows;
}

describe("the credit scheduler, credit by credit", () => {
  it.each<[string, Record<string, Partial<Parameters>>, string[]]>([
    [
      "weights 1:2 alternate A, B, B",
      { A: { weight: 256 }, B: { weight: 512 } },
      ["A: -200 200", "B: -100 100", "B: 0 0", "A: -200 200", "B: -100 100", "B: 0 0", "A: -200 200"],
    ],
    [
      "equal weights alternate",
      { A: { weight: 256 }, B: { weight: 256 } },
      ["A: -150 150", "B: 0 0", "A: -150 150", "B: 0 0"],
    ],
    [
      "a cap of 40 gives 60 ms on and 90 ms off",
      { A: { cap: 40 } },
      [
        "A: -180P",
        "-: -60P",
        "-: 60",
        "A: -120",
        "A: -300P",
        "-: -180P",
        "-: -60P",
        "-: 60",
        "A: -120",
        "A: -300P",
        "-: -180P",
        "-: -60P",
        "-: 60",
      ],
    ],
  ])("%s", (_, vms, expected) => {
    expect(periods(host(vms), expected.length)).toEqual(expected);
  });
});
