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

/** Prints a long text with one instruction. */
const repeated = `bits 32
        org 100000h
        mov edi, 200000h
        mov ecx, 3000
        xor eax, eax
fill:   lea edx, [eax + ' ']
        mov [edi], dl
        inc edi
        inc eax
        cmp eax, 90
        jne next
        xor eax, eax
next:   loop fill
        mov esi, 200000h
        mov ecx, 3000
        mov edx, 0E9h
        rep outsb
        cli
        hlt
`;

/** Iterations that a VMM makes at one exit, and at how many. */
const atOnce = [
  ["vtx-ept", [1024, 1024, 952]],
  ["vtx-shadow", [1024, 1024, 952]],
  ["svm-npt", [1024, 1024, 952]],
  ["trap-and-emulate", [1024, 1024, 952]],
  ["binary-translation", [1024, 1024, 952]],
] as const;

test.each(atOnce)("a long REP OUTSB under %s leaves again for the rest", (technique, parts) => {
  const machine = machineWith(repeated, { technique, memory: 4 });
  const seen: number[] = [];
  let exit = 0;
  let printed = 0;
  for (let at = 0, stop = machine.step(); stop.kind !== "stopped"; stop = machine.step()) {
    for (const event of machine.events(at, Number.MAX_SAFE_INTEGER)) {
      if (event.kind === "exit") exit = printed;
      if (event.kind === "output") printed++;
      if (event.kind === "entry" && printed > exit) seen.push(printed - exit);
    }
    at = machine.lastSequence;
  }
  expect(outputOf(machine)).toBe(String.fromCharCode(...Array.from({ length: 3000 }, (_, n) => 32 + (n % 90))));
  expect(seen).toEqual(parts);
  const bare = machineWith(repeated, { memory: 4 });
  bare.run({ steps: 1e6 });
  expect(machine.instructions).toBe(bare.instructions);
  for (const name of ["ESI", "ECX", "EFLAGS"]) expect(machine.register(name)).toBe(bare.register(name));
});
