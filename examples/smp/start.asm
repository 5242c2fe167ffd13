; Several processors: how the others start, and a lock that they share.
;
; The boot processor sends INIT and a start-up message through its local APIC, which is the hypervisor's device model: under VT-x each
; access to its page is an EPT violation. The others wait for that message and begin in real mode; under VT-x with shadow paging
; the hypervisor interprets them there. Watch who is in the core: every event names its vCPU.
;
; LOCK XADD draws a ticket and leaves nobody the same one, whatever the other processors do at that time.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside processors 4
%pragma ringside ends halted
%pragma ringside output ....\n

%include "../schedule/start.inc"

PROCESSORS      equ 4

boot:
other:  mov eax, 1
        lock xadd [tickets], eax        ; EAX: how many were drawn before
.wait:  cmp eax, [serving]
        je .mine
        pause                           ; a hypervisor may notice that it spins (PAUSE-loop exiting)
        jmp .wait
.mine:  mov al, '.'
        out 0E9h, al
        inc dword [serving]             ; the next one, please: only the holder writes here

        test ebx, ebx                   ; APIC ID
        jnz .end
.all:   pause
        cmp dword [serving], PROCESSORS
        jb .all
        mov al, 10
        out 0E9h, al
.end:   cli
        hlt
        jmp .end

        align 4
tickets: dd 0
serving: dd 0
