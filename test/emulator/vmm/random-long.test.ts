import { describe, expect, test } from "vitest";
import type { TechniqueId } from "../../../isa/technique.ts";
import { boot, guestMemory, outcome } from "./guest.ts";
import { randomLongGuest } from "./random-long-guest.ts";

/** What a guest can observe of a run: where it ended, its registers as it believes them to be, its exceptions, its memory. */
function observed(technique: TechniqueId, source: string, translate: boolean) {
  const machine = boot(technique, source, 1, translate);
  const { stop, events } = outcome(machine, machine.run({ steps: 400_000 }));
  const exceptions = events.flatMap((event) =>
    event.kind === "exception" ? [`${event.name} ${event.errorCode ?? ""} ${event.address ?? ""}`] : [],
  );
  const registers = machine
    .registers()
    .filter(({ name }) => !name.includes("(real)") && name !== "IA32_TIME_STAMP_COUNTER")
    .map(({ name, value }) => `${name} ${value.toString(16)}`);
  const end = stop.kind === "stopped" ? stop.reason : stop.kind;
  return { end, exceptions, registers, instructions: machine.instructions, memory: Buffer.from(guestMemory(machine)) };
}

describe("a random 64-bit guest observes the same as on the bare machine", () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))("seed %i", (seed) => {
    const source = randomLongGuest(seed, 80);
    const bare = observed("bare-metal", source, false);
    expect(["halted", "triple-fault"]).toContain(bare.end);
    for (const [technique, translate] of [
      ["trap-and-emulate", false],
      ["trap-and-emulate", true],
      ["vtx-shadow", true],
    ] as const) {
      const hosted = observed(technique, source, translate);
      expect(hosted.exceptions, technique).toEqual(bare.exceptions);
      expect(hosted.registers, technique).toEqual(bare.registers);
      expect(hosted.end, technique).toBe(bare.end);
      expect(hosted.instructions, technique).toBe(bare.instructions);
      expect(hosted.memory.equals(bare.memory), `${technique}: memory`).toBe(true);
    }
  });
});

test("a 64-bit guest under trap and emulate repeats from any moment", () => {
  const machine = boot("trap-and-emulate", randomLongGuest(3, 60), 1, true);
  const first = outcome(machine, machine.run({ steps: 400_000 })).events;
  const end = machine.now;
  for (const moment of [0, 1, 900, Math.floor(end / 2), end - 200, end - 3]) {
    machine.goTo(moment);
    expect(outcome(machine, machine.run({ steps: 400_000 })).events).toEqual(first);
    expect(machine.now).toBe(end);
  }
});
