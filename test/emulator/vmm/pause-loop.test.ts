import { describe, expect, test } from "vitest";
import type { HypervisorOptions } from "../../../emulator/configuration/machine-configuration.ts";
import { configurationProblem } from "../../../emulator/index.ts";
import type { MachineEvent } from "../../../emulator/trace/event.ts";
import { assembled, configurationOf, machineWith } from "../machine/program.ts";

/** So many PAUSEs with `between` after each, at CPL 0. */
const loop = (count: number, between = "") => `bits 32
        org 100000h
        mov ecx, ${count}
.l:     pause
        ${between}
        dec ecx
        jnz .l
        hlt`;

const pausesOf = (technique: "vtx-ept" | "svm-npt", text: string, hypervisor: HypervisorOptions) => {
  const machine = machineWith(text, { technique, hypervisor, memory: 4, costs: "unit" });
  machine.run({ steps: 100_000 });
  return machine
    .events(0, 1e6, ["exit"])
    .filter((event): event is MachineEvent & { kind: "exit" } => event.kind === "exit" && /PAUSE/.test(event.reason));
};

describe("a loop of PAUSE", () => {
  // Three steps each: PAUSE comes every third cycle.
  test.each([
    ["vtx-ept", "is no loop without PAUSE-loop exiting", 300, "", undefined, 0],
    ["vtx-ept", "leaves once it lasts longer than the window", 40, "", { gap: 128, window: 100 }, 1],
    ["vtx-ept", "begins anew after each exit", 80, "", { gap: 128, window: 100 }, 2],
    ["vtx-ept", "does not leave within the window", 33, "", { gap: 128, window: 100 }, 0],
    ["vtx-ept", "is none where PAUSEs are further apart than the gap", 100, "nop\n nop", { gap: 4, window: 100 }, 0],
    ["svm-npt", "is no loop without the intercept", 300, "", undefined, 0],
    ["svm-npt", "leaves after the first and as many as are filtered", 22, "", { count: 20 }, 1],
    ["svm-npt", "does not leave before", 21, "", { count: 20 }, 0],
    ["svm-npt", "begins anew after each exit", 44, "", { count: 20 }, 2],
    [
      "svm-npt",
      "is none where PAUSEs are further apart than the threshold",
      100,
      "nop\n nop",
      { gap: 4, count: 20 },
      0,
    ],
    ["svm-npt", "leaves at every PAUSE where the count is 0", 7, "", { count: 0 }, 7],
  ] as const)("%s: %s", (technique, _, count, between, pauseLoop, exits) => {
    const options = pauseLoop ? { pauseLoop } : {};
    expect(pausesOf(technique, loop(count, between), options)).toHaveLength(exits);
  });

  test("says when and by which rule, and yields", () => {
    const [exit] = pausesOf("vtx-ept", loop(40), { pauseLoop: { window: 100 } });
    expect(exit?.why.rule).toMatch(/PLE_Gap 4020h = 128; \d+ since the first of the loop, PLE_Window 4022h = 100/);
    const [filtered] = pausesOf("svm-npt", loop(40), { pauseLoop: { count: 5 } });
    expect(filtered).toMatchObject({ reason: "VMEXIT_PAUSE", number: 0x77 });
  });
});

test.each([
  [{ pauseLoop: { window: -1 } }, /window of a PAUSE loop must be a whole number from 0 to 4294967295; it is -1/],
  [{ pauseLoop: { count: 70_000 } }, /count of a PAUSE loop .* 65535; it is 70000/],
  [{ withoutFeatures: ["PV_EOI"] }, /no feature "PV_EOI" to be left out; it has CLOCKSOURCE, /],
  [{ withoutFeatures: ["PV_UNHALT"], pauseLoop: {} }, undefined],
])("options %j", (hypervisor, problem) => {
  const found = configurationProblem(configurationOf(assembled(loop(1)), { technique: "vtx-ept", hypervisor }));
  if (problem) expect(found).toMatch(problem);
  else expect(found).toBeUndefined();
});
