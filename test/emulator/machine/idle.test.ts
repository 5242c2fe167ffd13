import { describe, expect, test } from "vitest";
import type { Machine } from "../../../emulator/index.ts";
import { hosted, vmWith } from "./host.ts";
import { machineWith } from "./program.ts";

/** A program of these parts, the 8259s being masked, the local APIC on, and its EBX the page of registers of the I/O APIC. */
const program = (...parts: readonly string[]) => `bits 32
        org 100000h
apic    equ 0FEE00000h
        mov al, 0FFh
        out 21h, al
        out 0A1h, al
        mov dword [apic + 0F0h], 1FFh
        mov ebx, 0FEC00000h
        ${parts.join("\n        ")}
`;
const wait = `sti
        hlt`;

/** The timer of the local APIC, with an entry of its local vector table: 20000h is periodic, 10000h masked. */
const timer = (entry: string) => `mov dword [apic + 320h], ${entry}
        mov dword [apic + 380h], 1000`;

const taskPriority = (priority: string) => `mov dword [apic + 80h], ${priority}`;

/** The PIT as a periodic timer, at input 2 of the I/O APIC, which sends vector 4Fh. */
const pit = (destination: string) => `mov dword [ebx], 15h
        mov dword [ebx + 10h], ${destination}
        mov dword [ebx], 14h
        mov dword [ebx + 10h], 4Fh
        mov al, 34h
        out 43h, al
        mov al, 0
        out 40h, al
        mov al, 10h
        out 40h, al`;

/** An interrupt descriptor table with a gate for a vector: its handler is at the label `handler`. */
const gate = (vector: number) => `lidt [idtr]
        mov edi, 200000h + ${vector} * 8
        mov eax, handler
        mov [edi], ax
        mov [edi + 2], cs
        mov word [edi + 4], 8E00h
        shr eax, 16
        mov [edi + 6], ax
        jmp start
idtr:   dw 2047
        dd 200000h
start:`;

const forEver = "no device is going to raise one: the guest waits for ever.";
const below = (vector: string, priority: string) =>
  `the local APIC holds back vectors below ${vector} (its processor priority, PPR, is ${priority}), and no device is going to raise`;

/** Programs that sleep for good though a timer goes on, and what is said of them. */
const sleepers: readonly (readonly [what: string, program: string, text: string])[] = [
  ["a masked timer", program(timer("30040h"), wait), forEver],
  [
    "a timer that the task priority holds back",
    program(taskPriority("40h"), timer("20040h"), wait),
    below("50h", "40h"),
  ],
  ["the same with one shot", program(taskPriority("40h"), timer("40h"), wait), below("50h", "40h")],
  [
    "a timer that an interrupt in service holds back",
    program(gate(0x40), timer("20040h"), wait, "handler: sti", "hlt"),
    below("50h", "40h"),
  ],
  ["an input that the task priority holds back", program(taskPriority("4Ah"), pit("0"), wait), below("50h", "4Ah")],
  [
    "a timer below the highest task priority",
    program(taskPriority("0FFh"), timer("200FEh"), wait),
    "the local APIC holds back every vector (its processor priority, PPR, is FFh): the guest waits for ever.",
  ],
  ["an input that goes to no processor", program(pit("3000000h"), wait), forEver],
  [
    "a timer, interrupts being disabled",
    program("cli", timer("20040h"), "hlt"),
    "(IF = 0): nothing can wake the guest",
  ],
];

const techniques = ["bare-metal", "trap-and-emulate", "binary-translation", "vtx-ept", "svm-npt"] as const;

describe.each(sleepers)("a processor with nothing to wait for but %s has halted for good", (_, source, text) => {
  const halted = { kind: "stopped", reason: "halted", text: expect.stringContaining(text) };
  const ended = (machine: Machine) => machine.run({ steps: 1_000_000 });

  test.each(techniques)("under %s", (technique) => {
    expect(ended(machineWith(source, { memory: 4, technique }))).toMatchObject(halted);
  });

  test("and as two VMs under a scheduler with a clock of its own", () => {
    const machine = hosted({ pcpus: 1, scheduler: { name: "credit" } }, [vmWith("a", source), vmWith("b", source)]);
    expect(ended(machine)).toMatchObject(halted);
  });
});

/** Programs with an endless loop of waits, each of which a timer ends. */
const woken: readonly (readonly [what: string, program: string])[] = [
  [
    "a timer above the task priority",
    program(
      gate(0x50),
      taskPriority("4Fh"),
      timer("20050h"),
      wait,
      "jmp $ - 1",
      "handler:",
      "mov dword [apic + 0B0h], 0",
      "iret",
    ),
  ],
  [
    "an input above the task priority",
    program(
      gate(0x4f),
      taskPriority("3Fh"),
      pit("0"),
      wait,
      "jmp $ - 1",
      "handler:",
      "mov dword [apic + 0B0h], 0",
      "iret",
    ),
  ],
];

test.each(woken)("a processor that waits for %s goes on", (_, source) => {
  expect(machineWith(source, { memory: 4 }).run({ steps: 2000 })).toEqual({ kind: "limit" });
});
