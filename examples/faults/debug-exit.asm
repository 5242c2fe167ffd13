; Ending with a code: the debug-exit port.
;
; Test guests tell their verdict by writing a byte to port F4h. The run ends at that instruction, and the code is in the
; reason that is shown.

%pragma ringside technique vtx-ept
%pragma ringside ends debug-exit

        org 7C00h
        bits 16

        mov al, 42
        out 0F4h, al
        jmp $                           ; never reached
