; Copies 256 KiB by REP MOVS and fills 64 KiB by REP STOS. A step is one iteration.
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
%if BITS == 64
        rep movsq
%else
        rep movsd
%endif
        mov eax, ebp
        mov edi, data + 2 * size + 4096
        mov ecx, 4000h
        rep stosd
        mov esi, data + 100
        mov edi, data + 2 * size + 5003
        mov ecx, 1000
        rep movsb
        inc dword [data]
        dec ebp
        jnz round
        mov esi, data + size + 64
        mov ecx, 2 * size / 4
        xor eax, eax
sum:    add eax, [xsi]
        rol eax, 1
        add esi, 4
        dec ecx
        jnz sum
        jmp finish
