; Reloads CR3, as a switch between address spaces does, then touches four pages.
%define PAGING
%include "start.inc"
        align 4096
begin:  mov ecx, 1000
        mov esi, 200000h
step:   mov xdx, cr3
        mov cr3, xdx
        add eax, [xsi]
        add dword [xsi + 1000h], 3
        add eax, [xsi + 1000h]
        add [xsi + 3000h], eax
        dec ecx
        jnz step
        dec ebp
        jnz begin
        jmp finish
