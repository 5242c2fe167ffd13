; Running off the end: a guest that forgot to stop.
;
; After its last instruction the processor goes on with whatever bytes come next. Here that is empty memory, and two zero
; bytes are an instruction as well: ADD [BX+SI], AL. Ringside stops a guest that executes memory nobody has put code into.

%pragma ringside technique vtx-ept
%pragma ringside ends ran-off-code

        org 7C00h
        bits 16

        mov ax, 1234h
        add ax, ax                      ; and then?
