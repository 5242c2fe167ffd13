import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { instructionAt, isInterruptReturn, isReturn } from "../../debug-adapter/code.ts";
import { Debugger } from "../../debug-adapter/debugger.ts";
import { previousStart } from "../../debug-adapter/history.ts";
import { load } from "../../debug-adapter/launch.ts";
import type { MachineInterface } from "../../emulator/machine-interface.ts";
import type { TechniqueId } from "../../isa/technique.ts";

const folder = join(import.meta.dirname, "..", "..", "examples");
const examples = readdirSync(folder).filter((name) => name.endsWith(".asm"));

/** What an example runs under: guests made for Xen only under their own technique. */
const techniquesFor = (name: string): readonly TechniqueId[] =>
  name.startsWith("xen-") ? ["paravirtualization"] : ["bare-metal", "vtx-ept"];

async function debug(name: string, technique: TechniqueId): Promise<Debugger> {
  const program = join(folder, name);
  const { machine, program: loaded } = await load({ program, technique, memory: 2 }, async (file) =>
    readFileSync(file),
  );
  return new Debugger(machine, new Map([[machine.vm, loaded]]), {
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    awaitReaders: async () => {},
    advanced: () => {},
    log: () => {},
  });
}

function hash(bytes: Iterable<number | undefined>): number {
  let result = 0;
  for (const byte of bytes) result = (Math.imul(result, 31) + (byte ?? 0)) | 0;
  return result;
}

/** Everything that can be seen of a machine, in a form whose differences can be read. */
const state = (machine: MachineInterface) => ({
  moment: machine.now,
  cycle: machine.cycle,
  registers: machine.registers().map(({ name, value }) => `${name}=${value.toString(16)}`),
  events: machine.events(0, Number.MAX_SAFE_INTEGER).map((event) => {
    const { sequence, kind, step } = event;
    return `${sequence} ${kind} at ${step}, ${hash(Buffer.from(JSON.stringify(event)))}`;
  }),
  pending: machine.pendingExit?.sequence,
  stopped: machine.stopped,
  // Vectors and programs lie in the first, programs, stacks and tables at the ends of the two MiB.
  memory: [0x0, 0x7000, 0x10_0000, 0x1f_0000].map((start) =>
    hash(machine.readMemory("guest-physical", BigInt(start), 0x2000)),
  ),
});

/** Moments spread over the beginning of a run, at each of which an instruction starts. */
function momentsOf({ machine }: Debugger, count: number): number[] {
  const moments: number[] = [];
  for (let n = 0; n < count && !machine.stopped; n++) {
    machine.run({ steps: 2 + ((n * 7) % 23) });
    const reached = machine.now;
    moments.push(previousStart(machine, reached));
    machine.goTo(reached);
  }
  return moments;
}

describe.each(examples)("%s", (name) => {
  describe.each(techniquesFor(name))("under %s", (technique) => {
    it("a step back after a step restores everything", async () => {
      const target = await debug(name, technique);
      const { machine } = target;
      for (const moment of momentsOf(target, 8).reverse()) {
        machine.goTo(moment);
        const before = state(machine);
        target.stepIn();
        if (machine.now === moment) continue;
        await target.stepBack(true);
        expect(state(machine)).toEqual(before);
      }
    });

    it("a step back after a step over comes back to where that began", async () => {
      const target = await debug(name, technique);
      const { machine } = target;
      for (const moment of momentsOf(target, 8).reverse()) {
        machine.goTo(moment);
        const decoded = instructionAt(machine, machine.linearRip, machine.bits);
        if (!decoded || isReturn(decoded) || isInterruptReturn(decoded)) continue;
        const before = state(machine);
        const halt = await target.next();
        if (halt.kind === "end") continue;
        await target.stepBack(false);
        expect(state(machine)).toEqual(before);
      }
    });
  });
});
