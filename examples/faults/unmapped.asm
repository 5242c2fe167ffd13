; A page fault nobody handles, in 64-bit mode: it ends as a triple fault.
;
; The access is to an address that is canonical but not mapped. #PF cannot be delivered without an interrupt descriptor
; table, so it turns into #DF, and that into shutdown. CR2 still holds the address.

%pragma ringside mode long
%pragma ringside technique vtx-ept
%pragma ringside ends triple-fault

        org 100000h
        bits 64

        mov rax, 123456789000h
        mov rbx, [rax]
        hlt                             ; never reached
