import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { load } from "../../debug-adapter/launch.ts";
import type { MachineInterface } from "../../emulator/machine-interface.ts";
import { type NamedField, namedFields } from "../../emulator/vmm/control-fields.ts";
import type { TechniqueId } from "../../isa/technique.ts";
import { pick, seeded } from "../assembler/random.ts";

const examples = ["exits", "page-fault", "user-mode", "long-mode"].map((name) =>
  readFileSync(join(import.meta.dirname, `../../examples/${name}.asm`)),
);
const cases = (["vtx-ept", "vtx-shadow", "svm-npt", "svm-shadow"] as const).flatMap((technique: TechniqueId) =>
  examples.flatMap((_, example) => [1, 2].map((seed) => [technique, example, seed] as const)),
);

/** Zero, all ones, any, or one bit other than it is. */
function someValue({ width }: NamedField, now: bigint, random: (below: number) => number): bigint {
  const all = (1n << BigInt(width)) - 1n;
  const any = BigInt(random(2 ** 32)) | (BigInt(random(2 ** 32)) << 32n);
  return pick([0n, all, any & all, now ^ (1n << BigInt(random(width)))], random);
}

/** Everything that a debugger looks at. */
function look(machine: MachineInterface): void {
  machine.registers();
  machine.vmcs();
  machine.vmcb();
  machine.otherNames();
  machine.walk(machine.linearRip);
  machine.why();
}

it.each(cases)(
  "any fields can be written under %s in example %d, and back∘forward is the identity (%d)",
  async (technique, example, seed) => {
    const random = seeded(seed * 100 + example);
    const { machine } = await load({ program: "/guest.asm", technique, memory: 4 }, async () => examples[example]!);
    for (let exits = random(6); exits >= 0; exits--) machine.run({ steps: 50_000, stopOnExit: true });
    expect(machine.pendingExit).toBeDefined();
    const fields = namedFields[technique.startsWith("vtx") ? "vmcs" : "vmcb"].filter(
      ({ fixed }) => fixed === undefined,
    );
    const from = machine.now;
    for (let n = 0; n < 3 && machine.pendingExit && !machine.stopped; n++) {
      const field = pick(fields, random);
      const value = someValue(field, machine.controlField(field)!, random);
      expect(machine.setControlField(field, value)).toBe(true);
      expect(machine.controlField(field)).toBe(value);
      look(machine);
    }
    machine.run({ steps: 2000 });
    const { digest, now, stopped } = machine;
    machine.goTo(Math.max(0, from - 3));
    machine.goTo(now);
    if (stopped) machine.step();
    expect(machine.digest).toEqual(digest);
    expect(machine.stopped).toEqual(stopped);
  },
);
