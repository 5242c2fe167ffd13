; An interpreter of bytecode: an indirect jump for each instruction that it interprets.
%include "start.inc"
        align 4096
begin:  mov esi, program
        xor ebx, ebx            ; the accumulator
        mov ecx, 1000           ; the counter
dispatch:
        movzx eax, byte [xsi]
        inc xsi
        jmp [handlers + xax * word_bytes]

        align word_bytes
handlers:
        dx_ op_add, op_xor, op_rotate, op_double, op_memory, op_loop, op_end

op_add: add ebx, ecx
        jmp dispatch
op_xor: xor ebx, 5A5Ah
        jmp dispatch
op_rotate:
        rol ebx, 5
        jmp dispatch
op_double:
        lea ebx, [xbx + xbx + 1]
        jmp dispatch
op_memory:
        add [data], ebx
        jmp dispatch
op_loop:
        dec ecx
        jz dispatch
        mov esi, program
        jmp dispatch
op_end: add edi, ebx
        dec ebp
        jnz begin
        mov eax, edi
        jmp finish

program:
        db 0, 2, 1, 3, 0, 4, 1, 2, 0, 3, 5, 6
