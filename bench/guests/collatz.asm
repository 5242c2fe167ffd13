; Lengths of Collatz sequences: branches that nothing predicts.
%include "start.inc"
        align 4096
begin:  inc xbx
        and ebx, 0FFFFh
        lea xax, [xbx + 2]
step:   inc xdx
        test al, 1
        jz even
        lea xax, [xax + xax * 2 + 1]
even:   shr xax, 1
        cmp xax, 1
        ja step
        dec ebp
        jnz begin
        mov eax, edx
        jmp finish
