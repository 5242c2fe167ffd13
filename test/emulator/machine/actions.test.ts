import { describe, expect, test } from "vitest";
import { createMachine, type Machine } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { assembled, configurationOf } from "./program.ts";

/** Echoes what is typed, and counts. */
const echo = `bits 32
org 7C00h
poll:
  mov dx, 3FDh
  in al, dx
  test al, 1
  jnz got
  inc dword [counter]
  jmp poll
got:
  mov dx, 3F8h
  in al, dx
  out dx, al
  cmp al, '.'
  jne poll
  hlt
counter: dd 0
`;

const configuration = (technique: TechniqueId) => ({
  ...configurationOf(assembled(echo)),
  technique,
  memory: 1,
});

const seen = (machine: Machine) => ({
  now: machine.now,
  cycle: machine.cycle,
  registers: machine.registers().map(({ name, value }) => `${name}=${value}`),
  digest: machine.digest,
  events: machine.events(0, 1e6),
  stopped: machine.stopped,
});

/** Everything a person can do, at moments that are not the start. */
function handled(technique: TechniqueId): Machine {
  const machine = createMachine(configuration(technique));
  machine.run({ steps: 100 });
  machine.input("ab");
  machine.run({ steps: 333 });
  machine.setRegister("ECX", 0x1234n);
  machine.writeMemory("guest-physical", 0x8000n, Uint8Array.of(1, 2, 3));
  machine.press("x{enter}");
  machine.run({ steps: 500 });
  machine.input(".");
  machine.run({ steps: 50_000 });
  return machine;
}

describe.each(["bare-metal", "vtx-ept", "trap-and-emulate"] as const)("under %s", (technique) => {
  test("a new machine with the actions of another does the same", () => {
    const machine = handled(technique);
    expect(machine.stopped?.reason).toBe("halted");
    expect(machine.actions.map(({ what }) => what.kind)).toEqual([
      "input",
      "set-register",
      "write-memory",
      "press",
      "input",
    ]);
    const again = createMachine(configuration(technique), machine.actions);
    again.run({ steps: 60_000 });
    expect(seen(again)).toEqual(seen(machine));
  });

  test("the digest differs where memory or a device does", () => {
    const machine = handled(technique);
    const { digest } = machine;
    machine.writeMemory("guest-physical", 0xf_0000n, Uint8Array.of(1));
    expect(machine.digest.memory).not.toBe(digest.memory);
    expect(machine.digest.rest).toBe(digest.rest);
    machine.input("more");
    expect(machine.digest.rest).not.toBe(digest.rest);
  });
});
