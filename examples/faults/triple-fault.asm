; A triple fault: the end of a guest that cannot handle its exceptions.
;
; The guest has no interrupt descriptor table. UD2 raises #UD; its delivery fails with #GP; that makes a double fault (#DF),
; and when that cannot be delivered either the processor gives up and shuts down. A PC resets then; under VT-x it is exit
; reason 2, and the VMM sees a guest that is beyond help. Step back from the end to see how it came to this.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends triple-fault

        org 100000h
        bits 32

        ud2
        hlt                             ; never reached
