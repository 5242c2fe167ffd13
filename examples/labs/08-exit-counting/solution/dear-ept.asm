; Lab 8, part 3: without EPT there is no unrestricted guest, so real mode is interpreted: nothing in it leaves the guest.

%pragma ringside mode real
%pragma ringside memory 4

        org 8000h
        bits 16

        mov cx, 200
        mov al, '.'
.again: out 0E9h, al
        loop .again
        cli
        hlt
