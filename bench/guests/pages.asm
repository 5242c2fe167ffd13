; Touches a word in each of some 4000 pages of 4 KiB, with paging on.
%define PAGING
%include "start.inc"
        align 4096
begin:  mov esi, 180000h
touch:  add [xsi], esi
        add eax, [xsi]
        add esi, 4096 + 64
        cmp esi, 1000000h
        jb touch
        dec ebp
        jnz begin
        jmp finish
