; Code that changes itself while it runs.
;
; The guest overwrites the immediate of one of its own instructions, and the processor must execute what is in memory
; now. On a real processor the pipeline is snooped; for a binary translator or an emulator it is one of the hard parts:
; everything kept from the old bytes (decoded instructions, translated code) has to be thrown away at the store.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output 0123456789\n

        org 100000h
        bits 32

        mov ecx, 10
        mov edx, 3F8h
again:
patch:  mov al, '0'                     ; the byte after the opcode is about to change
        out dx, al
        inc byte [patch + 1]            ; writes into the instruction above
        loop again

        mov byte [newline], 0B0h        ; the NOP NOP below become MOV AL, 10
        mov byte [newline + 1], 10
newline:
        nop
        nop
        out dx, al
        cli
        hlt
