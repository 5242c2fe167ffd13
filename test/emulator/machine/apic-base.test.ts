import { describe, expect, test } from "vitest";
import { machineWith, outputOf } from "./program.ts";

/** Switches the local APIC off: CPUID does not show it, its page reads as ones, and the 8259 interrupts directly. Then on again. */
const program = `bits 32
        org 100000h
apic    equ 0FEE00000h
        mov dword [apic + 350h], 10000h         ; LINT0 masked: the 8259 is not heard
        mov ecx, 1Bh
        rdmsr
        and ah, ~8
        wrmsr
        call feature
        mov eax, [apic + 20h]
        inc eax
        call digit
        mov dword [idt + 20h * 8], (handler - $$) + 80000h
        mov dword [idt + 20h * 8 + 4], 00108E00h
        lidt [idtr]
        mov esi, commands
        mov ecx, (ends - commands) / 2
.next:  lodsw
        movzx edx, al
        mov al, ah
        out dx, al
        loop .next
        sti
        hlt
        cli
        mov ecx, 1Bh
        rdmsr
        or ah, 8
        wrmsr
        call feature
        mov eax, [apic + 350h]
        shr eax, 16
        call digit
        cli
        hlt

feature: mov eax, 1
        cpuid
        mov eax, edx
        shr eax, 9
        and eax, 1
digit:  add al, '0'
        out 0E9h, al
        ret

handler: push eax
        mov al, 'T'
        out 0E9h, al
        mov al, 20h
        out 20h, al
        pop eax
        iret

        ; 8259 at vector 20h with IRQ 0 only; channel 0 of the timer once.
commands: db 20h, 11h, 21h, 20h, 21h, 4, 21h, 1, 21h, 0FEh, 43h, 30h, 40h, 10h, 40h, 0
ends:
        align 8
idt:    times 33 dq 0
idtr:   dw $ - idt - 1
        dd idt`;

describe("IA32_APIC_BASE", () => {
  test.each(["bare-metal", "trap-and-emulate", "binary-translation", "vtx-ept"] as const)(
    "switches the local APIC on %s",
    (technique) => {
      const machine = machineWith(program, { technique });
      expect(machine.run({ steps: 100_000 })).toMatchObject({ kind: "stopped", reason: "halted" });
      expect(outputOf(machine)).toBe("00T11");
    },
  );
});
