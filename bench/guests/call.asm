; Calls, returns, pushes and pops.
%include "start.inc"
        align 4096
begin:  mov ecx, 1000
step:   push xcx
        call twice
        add ebx, eax
        pop xcx
        dec ecx
        jnz step
        dec ebp
        jnz begin
        mov eax, ebx
        jmp finish
twice:  mov xax, [xsp + word_bytes]
        add xax, xax
        ret
