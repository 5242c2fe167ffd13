/**
 * Measures what exits cost the host: `node scripts/bench-exits.ts [technique …]`. Prints microseconds of CPU time a
 * round trip, from the guest's instruction through exit, VMM and entry back, best of several runs after a warm-up; the other
 * instructions of the loop are few. Where Bochs is installed, it runs `bench/guests/vmx.asm`, whose own VMM resumes a guest that
 * does nothing but CPUID. Figures are of this machine at this moment; only ratios mean something elsewhere.
 */

import { assemble } from "../assembler/index.ts";
import { emulators, run as runOn } from "../bench/emulators.ts";
import { imageOf } from "../bench/guests.ts";
import { Machine } from "../emulator/index.ts";
import type { TechniqueId } from "../isa/technique.ts";
import { gate, timerTicks } from "../test/emulator/vmm/setup.ts";

interface Loop {
  readonly name: string;
  /** Setup, and what the loop repeats. */
  readonly setup: string;
  readonly body: string;
  /** Steps of a run, where they cannot be as many as usual. */
  readonly steps?: number;
}

/** A timer interrupt every 200 ticks of the timer; its handler only acknowledges it. */
const timer = `
        lidt [idtr]
${gate("handler", "20h", 0)}
${timerTicks(200)}
        sti`;

const loops: readonly Loop[] = [
  // CPUID does not trap under trap-and-emulate; MOV from CR3 does not exit under vtx-ept.
  { name: "CPUID", setup: "", body: "cpuid" },
  { name: "MOV from CR3", setup: "", body: "mov eax, cr3" },
  { name: "OUT", setup: "mov dx, 3FFh", body: "out dx, al" },
  { name: "HLT + interrupt", setup: timer, body: "hlt" },
  // A new page each time, as many as there is room for tables; from 16 MiB on there is no memory, which is mapped to where
  // nothing answers.
  { name: "EPT or shadow touch", setup: "mov edi, 0C00000h", body: "mov [edi], eax\nadd edi, 4096", steps: 25_000 },
];

const source = ({ setup, body }: Loop): string => `
        org 8000h
        bits 32
        ${setup}
again:  ${body}
        jmp again
handler:
        mov al, 20h
        out 20h, al
        iret
idtr:   dw 40 * 8 - 1
        dd idt
        align 8
idt:    times 40 dq 0
`;

const runs = 6;
/** As many exits as Bochs does. */
const usualSteps = 300_000;

/** Microseconds of CPU time an exit, and exits an iteration of the measurement. */
function measure(technique: TechniqueId, loop: Loop): { readonly microseconds: number; readonly exits: number } {
  const { bytes, origin, problems } = assemble({ file: loop.name, text: source(loop) });
  if (problems.length > 0) throw new Error(problems[0]!.message);
  const machine = new Machine({ technique, image: bytes, origin, mode: "protected", memory: 16 });
  let best = Number.POSITIVE_INFINITY;
  let exits = 0;
  for (let run = 0; run < runs; run++) {
    const before = machine.lastSequence;
    const start = process.cpuUsage();
    machine.run({ steps: loop.steps ?? usualSteps });
    const { user, system } = process.cpuUsage(start);
    const count = exitsAfter(machine, before);
    if (count > exits / 2 && (user + system) / count < best) {
      best = (user + system) / count;
      exits = count;
    }
  }
  return { microseconds: best, exits };
}

/**
 * From the newest events, for which kinds there are is the same throughout a loop. Reading all of them would leave so much
 * behind that the next run is slower.
 */
function exitsAfter(machine: Machine, before: number): number {
  const count = machine.lastSequence - before;
  const newest = machine.events(machine.lastSequence - Math.min(count, 600), 600);
  const exits = newest.filter(({ kind }) => kind === "exit").length;
  return newest.length === 0 ? 0 : Math.round((exits / newest.length) * count);
}

const asked = process.argv.slice(2) as TechniqueId[];
for (const technique of asked.length > 0 ? asked : (["vtx-ept", "trap-and-emulate"] as const))
  for (const loop of loops) {
    const { microseconds, exits } = measure(technique, loop);
    const text = exits < 100 ? "no exits" : `${microseconds.toFixed(2)} µs an exit (${exits} exits)`;
    console.log(`${technique.padEnd(18)}${loop.name.padEnd(22)}${text}`);
  }

if (emulators.bochs.isInstalled()) {
  const exits = 500_000;
  const seconds = (name: string, rounds: number) =>
    Math.min(...[1, 2].map(() => runOn(emulators.bochs, imageOf(name, 64, rounds)).seconds));
  const microseconds = ((seconds("vmx", exits) - seconds("empty", 1)) / exits) * 1e6;
  console.log(`Bochs, VMX        CPUID                 ${microseconds.toFixed(2)} µs an exit (${exits} exits)`);
}
