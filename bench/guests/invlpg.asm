; Forgets a translation and uses it again.
%define PAGING
%include "start.inc"
        align 4096
begin:  mov ecx, 1000
        mov esi, 200000h
step:   invlpg [xsi]
        add eax, [xsi]
        add dword [xsi], 3
        dec ecx
        jnz step
        dec ebp
        jnz begin
        jmp finish
