import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assemble } from "../../../assembler/index.ts";
import { configurationProblem, Machine } from "../../../emulator/index.ts";
import { schedulers } from "../../../emulator/schedule/schedulers.ts";
import { type TechniqueId, techniques } from "../../../isa/technique.ts";
import { smpGuests } from "../vmm/smp-guests.ts";
import { hosted, spinner, ticker, vmWith } from "./host.ts";
import { configurationOf } from "./program.ts";

const everything = Number.MAX_SAFE_INTEGER;
const names = schedulers.map(({ name }) => name);

/** Fills memory again and again: the emulator is quick at that. */
const filler = "bits 32\norg 1000h\nagain: mov edi, 8000h\nmov ecx, 40000h\nrep stosb\njmp again\n";

// Credit keeps to some weights only (docs/scheduling.md).
const three = [256, 512, 1024];
test.each([
  ["credit", [256, 512]],
  ["credit2", three],
  ["bvt", three],
  ["sedf", three],
  ["eevdf", three],
] as const)("%s: over 10 s, guests that always compute share by their weights", (name, weights) => {
  const machine = hosted(
    { pcpus: 1, scheduler: { name }, until: 10_000_000 },
    weights.map((weight, n) => vmWith(`vm${n}`, filler, { memory: 1, parameters: { weight } })),
  );
  machine.run({ steps: 2 ** 40 });
  const total = weights.reduce((sum, weight) => sum + weight);
  for (const [n, { times }] of machine.schedule()!.vcpus.entries())
    expect(Math.abs(times.running / 10_000_000 - weights[n]! / total), `vm${n}`).toBeLessThan(0.01);
  // The clock of a guest is never further ahead of what it has had than a turn and an exit.
  for (const { cycle } of machine.vcpus()) expect(cycle / 119.3182).toBeLessThan(10_000_000 + 1000);
});

const [, ticketLock, interrupts] = smpGuests;
test.each(names)("%s: guests with several processors say what they say alone", (name) => {
  for (const { text, output } of [ticketLock!, interrupts!]) {
    const machine = hosted({ pcpus: 4, scheduler: { name }, until: 400_000, seed: 3 }, [
      vmWith("smp", text, { processors: 4, memory: 4 }),
      vmWith("ticker", ticker(5000, 10_000), { memory: 2 }),
    ]);
    while (machine.events(0, everything, ["stop"]).length === 0) machine.run({ steps: 100_000 });
    const said = machine.events(0, everything, ["output"]).filter(({ vm }) => vm === "smp");
    expect(said.map((event) => event.kind === "output" && event.text).join("")).toBe(output);
  }
});

test.each(schedulers.filter(({ conserving }) => conserving).map(({ name }) => name))(
  "%s: no physical CPU idles while somebody waits",
  (name) => {
    const machine = hosted({ pcpus: 2, scheduler: { name }, until: 50_000, seed: 5 }, [
      vmWith("a", spinner),
      vmWith("b", ticker(1193, 20_000)),
      vmWith("c", ticker(2000, 30_000)),
      vmWith("d", spinner),
    ]);
    machine.run({ steps: 2 ** 40 });
    expect(machine.schedule()!.pcpus.map(({ idle }) => idle)).toEqual([0, 0]);
  },
);

interface Alone {
  readonly file: string;
  readonly guest: Parameters<typeof vmWith>[2];
  readonly reason: string | undefined;
  readonly told: unknown;
}

/** How often each kind of event happened to a VM, and what it said. */
function toldOf(machine: Machine, vm: string): unknown {
  const counts: Record<string, number> = {};
  let said = "";
  for (const event of machine.events(0, everything)) {
    if (event.vm !== vm || event.kind === "schedule") continue;
    const kind = event.kind === "exit" ? event.reason : event.kind;
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (event.kind === "output") said += event.text;
  }
  return { counts, said };
}

/** Examples that end by themselves, each run alone. */
function examples(technique: TechniqueId): Alone[] {
  const files = readdirSync("examples").filter((file) => file.endsWith(".asm"));
  const few = files.filter((file, n) => n % 4 === 0 || file.startsWith("xen"));
  return few.flatMap((file) => {
    const assembly = assemble({ file, text: readFileSync(`examples/${file}`, "utf8") });
    const configuration = { ...configurationOf(assembly), technique };
    if (configuration.memory > 16 || configurationProblem(configuration) !== undefined) return [];
    const machine = new Machine(configuration);
    machine.run({ steps: 100_000 });
    if (!machine.stopped) return [];
    const { technique: _, ...guest } = configuration;
    return [{ file, guest, reason: machine.stopped.reason, told: toldOf(machine, "vm0") }];
  });
}

describe.each(techniques.filter(({ id }) => id !== "bare-metal").map(({ id }) => id))("%s", (id) => {
  test("three guests together do what each does alone", () => {
    const technique = id as TechniqueId;
    const alone = examples(technique);
    expect(alone.length).toBeGreaterThanOrEqual(3);
    for (let first = 0; first + 3 <= Math.min(alone.length, 6); first += 3) {
      const three = alone.slice(first, first + 3);
      const vms = three.map(({ guest }, n) => vmWith(`vm${n}`, spinner, guest));
      const host = { pcpus: 2, scheduler: { name: names[first % names.length]! }, seed: first, quantum: 2000 };
      const machine = hosted(host, vms, { technique });
      machine.run({ steps: 20_000_000 });
      const stops = machine.events(0, everything, ["stop"]);
      for (const [n, { file, reason, told }] of three.entries()) {
        const stop = stops.find(({ vm }) => vm === `vm${n}`);
        expect(stop?.kind === "stop" && stop.reason, file).toBe(reason);
        expect(toldOf(machine, `vm${n}`), file).toEqual(told);
      }
    }
  });
});
