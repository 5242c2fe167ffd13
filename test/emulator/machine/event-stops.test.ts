import { describe, expect, test } from "vitest";
import type { EventKind, Machine, MachineEvent } from "../../../emulator/index.ts";
import { type Technique, techniques } from "../../../isa/technique.ts";
import { timerTicks } from "../vmm/setup.ts";
import { machineWith } from "./program.ts";

/** Ports in a loop that is soon translated, a timer that interrupts, a page fault, a text on the screen. */
const source = `%pragma ringside mode protected
        org 100000h
        bits 32
start:  lidt [idtr]
${timerTicks(512)}
        sti
        mov ecx, 3000
.again: mov al, 'a'
        test cl, 7Fh
        jnz .on
        out 0E9h, al
        in al, 61h
        push ecx
        cpuid
        pop ecx
.on:    inc edx
        loop .again
        ud2
        mov word [0B8000h], 0741h
        mov ecx, 40
.wait:  hlt
        loop .wait
        cli
        hlt
timer:  push eax
        mov al, 20h
        out 20h, al
        pop eax
        iret
invalid: add dword [esp], 2
        iret
        align 8
idt:    times 6 dq 0
        dw invalid - $$, 8, 8E00h, 10h
        times 25 dq 0
        dw timer - $$, 8, 8E00h, 10h
idtr:   dw $ - idt - 1
        dd idt
`;

/** After which steps events are recorded, by kind: found by single steps. */
function recordedAt(machine: Machine): ReadonlyMap<EventKind, ReadonlySet<number>> {
  const found = new Map<EventKind, Set<number>>();
  for (let seen = 0; machine.step().kind !== "stopped"; seen = machine.lastSequence)
    for (const { kind } of machine.events(seen, Number.MAX_SAFE_INTEGER)) {
      if (!found.has(kind)) found.set(kind, new Set());
      found.get(kind)!.add(machine.now);
    }
  return found;
}

function stopsOf(machine: Machine, kinds: readonly EventKind[]): number[] {
  const found: number[] = [];
  const stopOnEvent = { kinds: new Set(kinds), accept: () => true };
  while (machine.run({ steps: 1_000_000, stopOnEvent }).kind === "event") found.push(machine.now);
  return found;
}

const sets: readonly (readonly EventKind[])[] = [
  ["io"],
  ["exception", "interrupt", "inject"],
  ["exit"],
  ["entry", "shadow"],
  ["translate", "chain", "adapt", "invalidate"],
  ["output", "screen"],
];
/** Techniques of guests that are not made for Xen, and what is not recorded under all of them. */
const ordinary = techniques.filter(({ kernel }) => kernel !== "hypercalls");
const happens: Readonly<Record<string, (technique: Technique) => boolean>> = {
  screen: () => true,
  interrupt: () => true,
  inject: ({ kernel }) => kernel !== "native",
  exit: ({ kernel }) => kernel !== "native",
  entry: ({ kernel }) => kernel !== "native",
  shadow: ({ memory }) => memory === "shadow",
  translate: ({ kernel }) => kernel === "translated",
  chain: ({ kernel }) => kernel === "translated",
};

describe.each(ordinary)("runs that end after events, under $id", (row) => {
  const { id: technique } = row;
  const stepped = machineWith(source, { technique, translate: false });
  const recorded = recordedAt(stepped);

  test.each(sets)("end at the boundary after the step that records them, and nowhere else: %s …", (...kinds) => {
    const machine = machineWith(source, { technique });
    const moments = new Set(kinds.flatMap((kind) => [...(recorded.get(kind) ?? [])]));
    expect(stopsOf(machine, kinds)).toEqual([...moments].sort((a, b) => a - b));
    expect(machine.events(0, Number.MAX_SAFE_INTEGER)).toEqual(stepped.events(0, Number.MAX_SAFE_INTEGER));
  });

  test.each(Object.entries(happens))("meet %s where it can happen", (kind, expected) => {
    expect(recorded.has(kind as EventKind)).toBe(expected(row));
  });

  test("end only after those that are accepted", () => {
    const machine = machineWith(source, { technique });
    const accept = (event: MachineEvent) => event.kind === "io" && event.port === 0x20 && event.value === 0x20;
    const stop = machine.run({ steps: 1_000_000, stopOnEvent: { kinds: new Set(["io"]), accept } });
    const event = stop.kind === "event" ? machine.events(stop.sequence - 1, 1)[0] : undefined;
    expect(event).toMatchObject({ kind: "io", port: 0x20, value: 0x20, device: expect.any(String) });
  });
});
