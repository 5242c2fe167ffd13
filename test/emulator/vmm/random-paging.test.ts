import { describe, expect, test } from "vitest";
import { boot, guestMemory, outcome, registersOf } from "./guest.ts";
import { randomPagingGuest, type WidePaging } from "./random-paging-guest.ts";

const steps = 400_000;
const seeds = Array.from({ length: 8 }, (_, seed) => seed);

/** What a guest can observe of a run: where it ended, its registers, its exceptions in order, its memory with all tables. */
function observed(
  technique: "bare-metal" | "vtx-shadow" | "vtx-ept" | "svm-shadow" | "trap-and-emulate",
  source: string,
  translate: boolean,
) {
  const machine = boot(technique, source, 1, translate);
  const { stop, events } = outcome(machine, machine.run({ steps }));
  const exceptions = events.flatMap((event) =>
    event.kind === "exception" ? [`${event.name} ${event.errorCode ?? ""} ${event.address ?? ""}`] : [],
  );
  const end = stop.kind === "stopped" ? stop.reason : stop.kind;
  return {
    end,
    exceptions,
    registers: registersOf(machine),
    instructions: machine.instructions,
    memory: Buffer.from(guestMemory(machine)),
  };
}

describe.each<WidePaging>(["pae", "four-level"])("a random guest that edits its page tables: %s", (paging) => {
  test.each(seeds)("seed %i is the same under shadow paging as on the bare machine, with both engines", (seed) => {
    const source = randomPagingGuest(seed, paging, 40, 6);
    const bare = observed("bare-metal", source, false);
    expect(["halted", "triple-fault"]).toContain(bare.end);
    for (const technique of ["vtx-shadow", "svm-shadow", "trap-and-emulate"] as const)
      for (const translate of [false, true]) {
        const shadowed = observed(technique, source, translate);
        expect(shadowed.exceptions, technique).toEqual(bare.exceptions);
        expect(shadowed.registers, technique).toEqual(bare.registers);
        expect(shadowed.end, technique).toBe(bare.end);
        expect(shadowed.instructions, technique).toBe(bare.instructions);
        expect(shadowed.memory.equals(bare.memory), technique).toBe(true);
      }
  });
});
