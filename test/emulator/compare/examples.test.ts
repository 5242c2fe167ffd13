import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { lockstep } from "../../../emulator/compare/lockstep.ts";
import { configurationProblem, Machine, type MachineConfiguration } from "../../../emulator/index.ts";
import { type Technique, type TechniqueId, techniques } from "../../../isa/technique.ts";
import { assembled, configurationOf } from "../machine/program.ts";

const folder = new URL("../../../examples/", import.meta.url);
/** All that run guests which were not made for them. */
const hosts = (techniques as readonly (Technique & { readonly id: TechniqueId })[]).filter(
  ({ kernel }) => kernel !== "native" && kernel !== "hypercalls",
);
const instructions = 500_000;

/** Examples whose point is that the guest can tell, by how its kernel runs. The second ones ask CPUID for a hypervisor. */
const telling: readonly (readonly [names: RegExp, kernels: RegExp])[] = [
  [/^(silent-lies|exits|ring-compression)\./, /^deprivileged$/],
  [/^(hypercall|kvm-|hypervisor)/, /^(vmx-non-root|svm-guest)$/],
];
const tells = (name: string, kernel: string): boolean =>
  telling.some(([names, kernels]) => names.test(name) && kernels.test(kernel));

const on = (base: MachineConfiguration, technique: TechniqueId) =>
  new Machine({ ...base, technique, clock: "instructions", vmx: false });

/** Examples that run on the bare machine, which those made for a hypervisor do not. */
const guests = readdirSync(folder)
  .filter((name) => name.endsWith(".asm"))
  .map((name) => ({ name, base: configurationOf(assembled(readFileSync(new URL(name, folder), "utf8"), name)) }))
  .filter(({ base }) => configurationProblem({ ...base, technique: "bare-metal" }) === undefined);

describe.each(hosts)("$id beside the bare machine", ({ id, kernel }) => {
  const runnable = guests.filter(({ base }) => configurationProblem({ ...base, technique: id }) === undefined);

  test.each(runnable)("$name", ({ name, base }) => {
    const { divergence } = lockstep(on(base, "bare-metal"), on(base, id), instructions);
    if (tells(name, kernel)) expect(divergence).toBeDefined();
    else expect(divergence).toBeUndefined();
  });
});
