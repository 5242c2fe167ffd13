; The sieve of Eratosthenes over 4 MiB, a byte for each number; the checksum is how many primes there are, each round added.
%define size 400000h
%include "start.inc"
        align 4096
begin:  mov edi, data
        xor ecx, ecx
clear:  mov [xdi + xcx], ebx
        add ecx, 4
        cmp ecx, size
        jb clear
        mov ecx, 2
prime:  cmp byte [xcx + data], 0
        jne composite
        mov eax, ecx
        imul eax, eax
mark:   mov byte [xax + data], 1
        add eax, ecx
        cmp eax, size
        jb mark
composite:
        inc ecx
        cmp ecx, 2048
        jb prime
        mov ecx, 2
count:  cmp byte [xcx + data], 1
        adc esi, 0
        inc ecx
        cmp ecx, size
        jb count
        dec ebp
        jnz begin
        mov eax, esi
        jmp finish
