; CPUID, leaf 0. The processors differ, so that its results are no part of the checksum.
%include "start.inc"
        align 4096
begin:  mov edi, 1000
step:   xor eax, eax
        cpuid
        add esi, edi
        dec edi
        jnz step
        dec ebp
        jnz begin
        mov eax, esi
        jmp finish
