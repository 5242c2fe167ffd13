import { describe, expect, test } from "vitest";
import { guestMemory, run } from "./guest.ts";
import { randomGuest } from "./random-guest.ts";

const techniques = [
  "vtx-ept",
  "vtx-shadow",
  "svm-npt",
  "svm-shadow",
  "trap-and-emulate",
  "binary-translation",
] as const;

/** What a guest can observe of a run: where it ended, its registers, its exceptions in order, its memory. */
function observed(technique: "bare-metal" | (typeof techniques)[number], source: string) {
  const { machine, stop, events } = run(technique, source, 300_000);
  const exceptions = events.flatMap((event) =>
    event.kind === "exception" ? [`${event.name} ${event.errorCode ?? ""} ${event.address ?? ""}`] : [],
  );
  const registers = machine
    .registers()
    .filter(({ group }) => group === "general")
    .map(({ name, value }) => `${name} ${value.toString(16)}`);
  const end = stop.kind === "stopped" ? stop.reason : stop.kind;
  return { end, exceptions, registers, instructions: machine.instructions, memory: Buffer.from(guestMemory(machine)) };
}

describe("a random guest observes the same under every monitor as on the bare machine", () => {
  test.each(Array.from({ length: 24 }, (_, seed) => seed))("seed %i", (seed) => {
    const source = randomGuest(seed, 60);
    const bare = observed("bare-metal", source);
    expect(["halted", "triple-fault"]).toContain(bare.end);
    for (const technique of techniques) {
      const hosted = observed(technique, source);
      expect(hosted.exceptions, technique).toEqual(bare.exceptions);
      expect(hosted.registers, technique).toEqual(bare.registers);
      expect(hosted.end, technique).toBe(bare.end);
      expect(hosted.instructions, technique).toBe(bare.instructions);
      expect(hosted.memory.equals(bare.memory), `${technique}: memory`).toBe(true);
    }
  });
});
