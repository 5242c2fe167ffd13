; Code that is executed only a few times: copies of one block of instructions, each run four times and never again.
%include "start.inc"
begin:  mov edi, data
copy:   push xdi
        mov esi, block
        mov ecx, (block_end - block + 3) / 4
        rep movsd
        pop xdi
        mov ebx, 4
run:    call xdi
        dec ebx
        jnz run
        add edi, (block_end - block + 4095) / 4096 * 4096
        dec ebp
        jnz copy
        jmp finish

; Instructions as compilers make them, on EAX, ECX, EDX, ESI and a few words of memory.
block:
%assign n 0
%rep 200
        mov ecx, [70000h + (n % 61) * 4]
        lea edx, [xcx + xax * 2 + n]
        add eax, edx
        mov [70000h + (n % 53) * 4], eax
        cmp eax, edx
        jb skip_%[n]
        xor eax, n * 8191
        push xdx
        shr edx, n % 31 + 1
        pop xcx
skip_%[n]:
        movzx esi, dl
        sub eax, esi
        test ecx, 1 << (n % 32)
        jne next_%[n]
        rol eax, n % 31 + 1
next_%[n]:
        inc eax
  %assign n n + 1
%endrep
        ret
block_end:
