import { expect, test } from "vitest";
import { machineWith, outputOf } from "../machine/program.ts";

/** Reads and writes registers of the local APIC, once with a string instruction. */
const guest = `bits 32
        org 100000h
apic    equ 0FEE00000h
        mov dword [apic + 0F0h], 1FFh
        mov al, [apic + 30h]
        add al, '0'
        out 0E9h, al
        mov esi, letter
        mov edi, apic + 80h
        movsd
        mov al, [apic + 80h]
        out 0E9h, al
        cli
        hlt
letter: dd 'a'
`;

/** How the accesses to the device are seen: as exits with what was done about them. */
const accesses = {
  "bare-metal": [],
  "vtx-ept": ["FEE000F0h", "FEE00030h", "FEE00080h", "FEE00080h"].map(
    (at) => `EPT_VIOLATION: emulated the access to the device at guest-physical ${at}`,
  ),
  "trap-and-emulate": ["MOV", "MOV", "MOVSD", "MOV"].map((name) => `#PF: emulated ${name}`),
};

test.each(["bare-metal", "vtx-ept", "trap-and-emulate"] as const)("device memory under %s", (technique) => {
  const machine = machineWith(guest, { technique, memory: 2 });
  expect(machine.run({ steps: 1000 })).toMatchObject({ reason: "halted" });
  expect(outputOf(machine)).toBe("Da");
  let reason = "";
  const seen: string[] = [];
  for (const event of machine.events(0, 1000)) {
    if (event.kind === "exit") reason = event.reason;
    else if (event.kind === "entry" && /^(EPT_VIOLATION|#PF)$/.test(reason) && event.handled.startsWith("emulated"))
      seen.push(`${reason}: ${event.handled}`);
  }
  expect(seen).toEqual(accesses[technique]);
});
