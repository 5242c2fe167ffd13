import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { MachineConfiguration, MachineEvent } from "../../../emulator/index.ts";
import { configurationProblem, Machine } from "../../../emulator/index.ts";
import { observedKinds } from "../../../emulator/mmu/translation-events.ts";
import { type TechniqueId, techniques } from "../../../isa/technique.ts";
import { assembled, assembledFile, configurationOf } from "./program.ts";
import { walker } from "./walker.ts";

/** What is observed on the way to the end, and how the machine is then; slices are the steps of a run each, in turn. */
function observed(configuration: MachineConfiguration, slices: readonly number[], from = new Machine(configuration)) {
  const events: MachineEvent[] = [];
  const kinds = new Set(observedKinds);
  const stopOnEvent = { kinds, accept: (event: MachineEvent) => events.push(event) < 0 };
  for (let n = 0; !from.stopped && from.now < limit; n++)
    from.run({ steps: Math.min(limit - from.now, slices[n % slices.length]!), stopOnEvent });
  return { events, machine: from, state: stateOf(from) };
}

const limit = 25_000;

const stateOf = (machine: Machine) => ({
  ...{ now: machine.now, cycle: machine.cycle, references: machine.walkReferences, last: machine.lastSequence },
  digest: machine.digest,
  tlb: machine.tlbEntries(),
});

const folder = join(import.meta.dirname, "../../../examples");
const paging = ["page-fault.asm", "paging-pae.asm", "paging-two-level.asm", "hypervisor-ept.asm", "xen-pagetable.asm"];
const guests = [
  ["a walker", assembled(walker)] as const,
  ...paging.map((name) => [name, assembledFile(join(folder, name))] as const),
];
const cases = guests.flatMap(([name, assembly]) =>
  techniques.flatMap(({ id }) => {
    const configuration = configurationOf(assembly, { technique: id as TechniqueId });
    return configurationProblem(configuration) === undefined ? [[name, id, configuration] as const] : [];
  }),
);

describe("TLB and page-walk events", () => {
  it.each(cases)("change nothing, and are the same however the time is cut: %s under %s", (_, __, configuration) => {
    const plain = new Machine(configuration);
    plain.run({ steps: limit });
    const whole = observed(configuration, [limit]);
    expect(whole.events.length).toBeGreaterThan(0);
    expect(whole.state).toEqual(stateOf(plain));
    for (const slices of [[1], [7, 1000, 3]]) {
      const cut = observed(configuration, slices);
      expect(cut.events).toEqual(whole.events);
      expect(cut.state).toEqual(whole.state);
    }
    const interpreted = observed({ ...configuration, translate: false }, [limit]);
    expect(interpreted.events).toEqual(whole.events);
  });

  it.each(cases)("happen again after going back: %s under %s", (_, __, configuration) => {
    const { machine, events, state } = observed(configuration, [997]);
    for (const part of [0.9, 0.5, 0.1, 0]) {
      const moment = Math.floor(machine.now * part);
      machine.goTo(moment);
      const again = observed(configuration, [limit], machine);
      expect(again.events).toEqual(events.filter(({ step }) => step >= moment));
      expect(again.state).toEqual(state);
    }
  });
});
