import { describe, expect, it } from "vitest";
import type { Machine } from "../../../emulator/index.ts";
import type { Watch } from "../../../emulator/machine-interface.ts";
import { techniques } from "../../../isa/technique.ts";
import { assembled, machineWith } from "./program.ts";

const source = `%pragma ringside mode protected
        org 100000h
        bits 32
start:  mov ecx, 30000
        mov esi, other
.again: inc dword [counter]
        add eax, [counter + 2]
        mov [esi], ecx
        cmp ecx, 100
        jne .on
        mov byte [flag + 1], 1
        mov edi, flag
        mov al, 7
        push ecx
        mov ecx, 8
        rep stosb
        pop ecx
.on:    loop .again
        cli
        hlt
        align 4096
counter: dd 0
flag:   dq 0
        align 4096
other:  dd 0
`;

/** Flat protected mode without paging: linear and guest-physical addresses are the same. */
const symbol = (name: string): bigint => assembled(source).symbols.get(name)!.value!;

/** Techniques of guests that are not made for Xen. */
const ordinary = techniques.map(({ id }) => id).filter((id) => id !== "paravirtualization");

const watch = (space: Watch["space"], address: bigint, bytes: number, access: "r" | "w" | "rw"): Watch => ({
  space,
  address,
  bytes,
  reads: access !== "w",
  writes: access !== "r",
});

describe.each(ordinary)("watches under %s", (technique) => {
  const machineHere = (translate = true) => machineWith(source, { technique, translate });

  it.each(["linear", "guest-physical"] as const)(
    "stop after a write by %s address, and after none that is beside it",
    (space) => {
      const machine = machineHere();
      const watches = [watch(space, symbol("flag"), 2, "w")];
      const moments: string[] = [];
      for (;;) {
        const stop = machine.run({ steps: 10_000_000, watches });
        if (stop.kind !== "watch") {
          expect(stop.kind).toBe("stopped");
          break;
        }
        expect(stop.hits.map(({ watch: met, access }) => [met, access])).toEqual([[watches[0], "write"]]);
        moments.push(machine.readMemory("linear", symbol("flag"), 2).join());
      }
      // Once by the MOV, and by the first two repetitions of the STOSB.
      expect(moments).toEqual(["0,1", "7,1", "7,7"]);
    },
  );

  it("see reads only where reads are watched", () => {
    const machine = machineHere();
    const watches = [watch("linear", symbol("counter") + 4n, 1, "r")];
    const stop = machine.run({ steps: 10_000_000, watches });
    // The doubleword at counter + 2 reaches two bytes beyond the counter.
    expect(stop).toMatchObject({ kind: "watch", hits: [{ access: "read" }] });
    const writes = [watch("linear", symbol("counter") + 3n, 1, "w")];
    expect(machine.run({ steps: 10_000_000, watches: writes })).toMatchObject({ hits: [{ access: "write" }] });
  });

  it("change nothing about the run, and are gone where none are given", () => {
    const plain = machineHere();
    const watched = machineHere();
    plain.run({ steps: 5000 });
    const watches = [watch("linear", symbol("other"), 4, "rw"), watch("guest-physical", symbol("counter"), 4, "rw")];
    while (watched.now < 5000) watched.run({ steps: 5000 - watched.now, watches });
    const seen = ({ cycle, instructions, walkReferences }: Machine) => ({ cycle, instructions, walkReferences });
    expect(seen(watched)).toEqual(seen(plain));
    expect(watched.registers()).toEqual(plain.registers());
    expect(Buffer.from(watched.guestMemory).equals(Buffer.from(plain.guestMemory))).toBe(true);
    expect(watched.run({ steps: 1000 })).toEqual({ kind: "limit" });
  });
});

it("a watch of host-physical memory sees the guest's writes at the place the VMM has put them", () => {
  const machine = machineWith(source, { technique: "vtx-ept" });
  machine.run({ steps: 100 });
  const host = BigInt(`0x${machine.walk(symbol("flag")).host}`);
  expect(host).not.toBe(symbol("flag"));
  const stop = machine.run({ steps: 10_000_000, watches: [watch("host-physical", host, 1, "w")] });
  expect(stop).toMatchObject({ kind: "watch" });
  expect(machine.readMemory("linear", symbol("flag"), 2)).toEqual([7, 1]);
});
