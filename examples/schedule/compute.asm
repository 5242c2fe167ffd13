; A processor that always has something to do.

%pragma ringside mode protected
%pragma ringside technique vtx-ept

        org 100000h
        bits 32

again:  inc dword [rounds]
        jmp again

        align 4
rounds: dd 0
