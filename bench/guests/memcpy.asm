; Copies 256 KiB by a loop of loads and stores.
%define size 40000h
%include "start.inc"
begin:  mov edi, data
        mov ecx, size / 4
fill:   imul eax, eax, 69069
        inc eax
        mov [xdi], eax
        add edi, 4
        dec ecx
        jnz fill
        jmp round
        align 4096
round:  mov esi, data
        mov edi, data + size + 64
        mov ecx, size / word_bytes
copy:   mov xax, [xsi]
        mov [xdi], xax
        add xsi, word_bytes
        add xdi, word_bytes
        dec ecx
        jnz copy
        inc dword [data]
        dec ebp
        jnz round
        mov esi, data + size + 64
        mov ecx, size / 4
        xor eax, eax
sum:    add eax, [xsi]
        rol eax, 1
        add esi, 4
        dec ecx
        jnz sum
        jmp finish
