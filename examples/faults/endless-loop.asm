; An endless loop: a guest that never gives the processor back.
;
; Nothing in it is privileged and nothing exits, so no hypervisor that waits for the guest to trap would ever run again.
; That is resource control: a VMM needs a timer of its own that interrupts the guest. In Ringside press Pause; every state
; of the past can still be visited.

%pragma ringside technique vtx-ept
%pragma ringside ends limit

        org 7C00h
        bits 16

        xor eax, eax
forever:
        inc eax
        jmp forever
