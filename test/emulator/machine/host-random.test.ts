import { expect, test } from "vitest";
import type { ComputerConfiguration, VmConfiguration } from "../../../emulator/configuration/machine-configuration.ts";
import { Machine } from "../../../emulator/index.ts";
import { pseudoRandom } from "../../../emulator/schedule/pseudo-random.ts";
import { schedulers } from "../../../emulator/schedule/schedulers.ts";
import { smpGuests } from "../vmm/smp-guests.ts";
import { echo, spinner, ticker, vmWith } from "./host.ts";

type Random = ReturnType<typeof pseudoRandom>;

const techniques = ["vtx-ept", "svm-npt", "vtx-shadow", "binary-translation", "trap-and-emulate"] as const;

function randomConfiguration(random: Random): ComputerConfiguration {
  const technique = techniques[random.below(techniques.length)]!;
  const scheduler = schedulers[random.below(schedulers.length)]!;
  const several = technique === "vtx-ept" || technique === "svm-npt";
  const guests: readonly (() => VmConfiguration)[] = [
    () => vmWith("x", spinner, { memory: 3 }),
    () => vmWith("x", ticker(500 + random.below(4000), random.below(20_000)), { memory: 2 }),
    () => vmWith("x", echo, { memory: 2 }),
    () => vmWith("x", smpGuests[random.below(smpGuests.length)]!.text, { processors: several ? 4 : 1, memory: 4 }),
  ];
  const vms = Array.from({ length: 1 + random.below(3) }, (_, n) => ({
    ...guests[random.below(guests.length)]!(),
    name: `vm${n}`,
  }));
  const host = {
    pcpus: scheduler.name === "gang" ? 4 : 1 + random.below(3),
    scheduler: { name: scheduler.name },
    seed: random.below(3),
    ...(random.below(2) === 1 && { quantum: 500 + random.below(5000) }),
  };
  return { technique, translate: random.below(3) > 0, host, vms };
}

/** Does something to the machine, as a person at a debugger would. */
function act(machine: Machine, random: Random): void {
  const { vm, vcpu } = machine.vcpus()[random.below(machine.vcpus().length)]!;
  const deeds: readonly (() => unknown)[] = [
    () => machine.run({ steps: 1 + random.below(100) }),
    () => machine.run({ steps: 1 + random.below(60_000) }),
    () => machine.run({ steps: 1 + random.below(60_000) }),
    () => machine.run({ steps: 1 + random.below(300), only: { vm, vcpu } }),
    () => machine.look({ vm, vcpu }),
    () => machine.look({ vm, vcpu }) ?? machine.input("ab"),
    () => machine.look({ vm, vcpu }) ?? machine.setRegister("EBX", BigInt(random.below(1e9))),
    () => machine.adjust(vm, vcpu, { kind: random.below(2) === 1 ? "plug" : "unplug" }),
    () => machine.adjust(vm, undefined, { kind: "set", parameters: { affinity: random.below(2) === 1 ? null : [0] } }),
    () => machine.goTo(Math.max(0, machine.now - random.below(50_000))),
  ];
  deeds[random.below(deeds.length)]!();
}

const stateOf = (machine: Machine) => ({
  now: machine.now,
  digest: machine.digest,
  events: machine.events(Math.max(0, machine.lastSequence - 3000), 3000),
});

test.each([1, 2, 3, 4, 5, 6, 8])(
  "whatever is done to VMs that share physical CPUs, times add up and a replay is the same: seed %i",
  (seed) => {
    const random = pseudoRandom(seed * 7919);
    const configuration = randomConfiguration(random);
    const machine = new Machine(configuration);
    for (let n = 0; n < 20; n++) {
      act(machine, random);
      const { vcpus, pcpus, time } = machine.schedule()!;
      for (const { times } of vcpus) expect(Object.values(times).reduce((a, b) => a + b)).toBe(time);
      const running = vcpus.reduce((sum, { times }) => sum + times.running, 0);
      expect(pcpus.reduce((sum, { busy }) => sum + busy, 0)).toBe(running);
    }
    const replay = new Machine(configuration, machine.actions);
    replay.goTo(machine.now);
    // A machine that has stopped did so after its last step.
    if (machine.stopped) replay.run({ steps: 1 });
    expect(stateOf(replay)).toEqual(stateOf(machine));
  },
);
