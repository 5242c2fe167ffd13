import { expect, test } from "vitest";
import { hosted, vmWith } from "./host.ts";
import { machineWith } from "./program.ts";

/** A timer that goes on for ever, but whose interrupts are masked, wakes nobody. */
const masked = `bits 32
        org 100000h
apic    equ 0FEE00000h
        mov al, 0FFh
        out 21h, al
        out 0A1h, al
        mov dword [apic + 0F0h], 1FFh
        mov dword [apic + 320h], 30040h
        mov dword [apic + 380h], 1000
        sti
        hlt
`;

test("a processor that only a masked timer could wake has halted for good", () => {
  const machine = machineWith(masked, { memory: 2 });
  expect(machine.run({ steps: 1_000_000 })).toMatchObject({ kind: "stopped", reason: "halted" });
});

test("and so has a vCPU under a scheduler with a clock of its own", () => {
  const machine = hosted({ pcpus: 1, scheduler: { name: "credit" } }, [vmWith("a", masked), vmWith("b", masked)]);
  expect(machine.run({ steps: 1_000_000 })).toMatchObject({ kind: "stopped", reason: "halted" });
});
