; A loop in which each instruction needs the one before it.
%include "start.inc"
        align 4096
begin:  mov ecx, 100000
step:   add xax, xcx
        xor xax, 1234h
        rol xax, 3
        imul xax, xax, 5
        dec ecx
        jnz step
        dec ebp
        jnz begin
        jmp finish
