import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { instructionAt, isInterruptReturn, isReturn } from "../../debug-adapter/code.ts";
import { Debugger } from "../../debug-adapter/debugger.ts";
import { load } from "../../debug-adapter/launch.ts";
import type { MachineInterface } from "../../emulator/machine-interface.ts";

const folder = join(import.meta.dirname, "..", "..", "examples");
const examples = readdirSync(folder).filter((name) => name.endsWith(".asm"));

async function debug(name: string, technique: "bare-metal" | "vtx-ept"): Promise<Debugger> {
  const program = join(folder, name);
  const { machine, program: loaded } = await load({ program, technique, memory: 2 }, async (file) =>
    readFileSync(file, "utf8"),
  );
  return new Debugger(machine, loaded, {
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    advanced: () => {},
    log: () => {},
  });
}

/** Everything that can be seen of a machine. */
function state(machine: MachineInterface) {
  let hash = 0;
  for (const byte of machine.readMemory("guest-physical", 0n, 2 ** 21)) hash = (Math.imul(hash, 31) + (byte ?? 0)) | 0;
  return {
    moment: machine.now,
    cycle: machine.cycle,
    registers: machine.registers().map(({ name, value }) => `${name}=${value.toString(16)}`),
    events: machine.events(0, Number.MAX_SAFE_INTEGER),
    pending: machine.pendingExit,
    hash,
  };
}

/** Moments spread over the beginning of a run, at all of which an instruction starts. */
async function momentsOf(target: Debugger, count: number): Promise<number[]> {
  const { machine } = target;
  const moments: number[] = [];
  for (let n = 0; n < count; n++) {
    machine.run({ steps: 1 + ((n * 7) % 23) });
    if (machine.stopped) break;
    if (machine.pendingExit) target.stepIn();
    moments.push(machine.now);
  }
  return moments;
}

describe.each(examples)("%s", (name) => {
  describe.each(["bare-metal", "vtx-ept"] as const)("under %s", (technique) => {
    it("a step back after a step restores everything", async () => {
      const target = await debug(name, technique);
      const { machine } = target;
      for (const moment of (await momentsOf(target, 25)).reverse()) {
        machine.goTo(moment);
        const before = state(machine);
        target.stepIn();
        if (machine.now === moment) continue;
        await target.stepBack(true);
        // In the middle of a repeated instruction, a step back leads to its start.
        const decoded = instructionAt(machine, machine.linearRip, machine.bits);
        if (decoded?.repeat !== "none") machine.goTo(moment);
        expect(state(machine)).toEqual(before);
      }
    });

    it("a step back after a step over comes back to where that began", async () => {
      const target = await debug(name, technique);
      const { machine } = target;
      for (const moment of (await momentsOf(target, 15)).reverse()) {
        machine.goTo(moment);
        const decoded = instructionAt(machine, machine.linearRip, machine.bits);
        if (!decoded || isReturn(decoded) || isInterruptReturn(decoded) || decoded.repeat !== "none") continue;
        const before = state(machine);
        const halt = await target.next();
        if (halt.kind === "end") continue;
        await target.stepBack(false);
        expect(state(machine)).toEqual(before);
      }
    });
  });
});
