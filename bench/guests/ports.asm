; Writes to port 80h.
%include "start.inc"
        align 4096
begin:  mov ecx, 1000
step:   out 80h, al
        add eax, ecx
        dec ecx
        jnz step
        dec ebp
        jnz begin
        jmp finish
