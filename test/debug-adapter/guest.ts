import { lineOf } from "../support/dap-client.ts";

/** A guest that has a bit of everything a debugger must step over, into and back. */
export const guest = `%pragma ringside mode protected
%pragma ringside technique vtx-ept
        org 100000h
        bits 32
answer  equ 42
start:  mov eax, 1
        call double
        cpuid
        mov ecx, 4
        mov edi, buffer
        rep stosb
        mov esi, greeting
        call print
        mov ecx, 3
.again: inc edx
        loop .again
        cli
        hlt

double: push ebx
        add eax, eax
        pop ebx
        ret

print:  lodsb
        test al, al
        jz .end
        out 0E9h, al
        jmp print
.end:   ret

greeting: db "hi", 10, 0
buffer: times 4 db 0
`;

/** 1-based line of the guest that contains a text. */
export const at = (text: string): number => lineOf(guest, text);

/** Runs for ever. */
export const endless = `%pragma ringside mode protected
        org 100000h
        bits 32
start:  xor eax, eax
.again: inc eax
        jmp .again
`;

/** Raises #UD with a handler that counts and skips it, twice. */
export const faulting = `%pragma ringside technique bare-metal
        org 7C00h
        bits 16
start:  mov word [6*4], handler
        mov word [6*4+2], 0
        ud2
        inc bx
        ud2
        cli
        hlt
handler: push bp
        mov bp, sp
        add word [bp+2], 2
        inc cx
        pop bp
        iret
`;
