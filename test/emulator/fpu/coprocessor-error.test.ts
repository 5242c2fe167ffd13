import { describe, expect, it } from "vitest";
import { dword, run } from "../vmm/guest.ts";

/** A DOS program's way: exceptions come as IRQ 13, whose handler clears the latch at port F0h. */
const guest = (again: boolean): string => `
%pragma ringside mode real
        org 7C00h
        bits 16
        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7C00h
        mov word [75h * 4], handler
        mov [75h * 4 + 2], ax
        mov dword [500h], 0
        mov dword [504h], 0
%macro ports 2-*
  %rep %0 / 2
        mov al, %2
        out %1, al
    %rotate 2
  %endrep
%endmacro
        ports 20h, 11h, 21h, 8, 21h, 4, 21h, 1, 0A0h, 11h, 0A1h, 70h, 0A1h, 2, 0A1h, 1
        ports 21h, 0FBh, 0A1h, 0DFh
        sti
        fninit
        fldcw [unmasked]
        fld1
        fldz
        fdivp
        inc dword [508h]
        fld1
        fstp dword [50Ch]
        ${again ? "fdivp st1\n        fnop" : ""}
        cli
        hlt

handler: push ax
        out 0F0h, al
        fnstsw [500h]
        fxam                    ; waits, but the chip set says to ignore the exception
        fnclex
        inc dword [504h]
        mov al, 20h
        out 0A0h, al
        out 20h, al
        pop ax
        iret
unmasked: dw 37Bh
`;

describe("x87 exceptions without CR0.NE", () => {
  it("come as IRQ 13 before the next x87 instruction, which runs after the handler", () => {
    const { machine, stop } = run("bare-metal", guest(false));
    expect(stop.kind).toBe("stopped");
    expect(dword(machine, 0x500) & 0x80ff).toBe(0x8084);
    expect(dword(machine, 0x504)).toBe(1);
    expect(dword(machine, 0x50c)).toBe(0x3f80_0000);
  });

  it("come again for the next exception", () => {
    const { machine } = run("bare-metal", guest(true));
    expect(dword(machine, 0x504)).toBe(2);
  });
});
