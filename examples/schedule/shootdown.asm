; TLB shoot-down to a vCPU that does not run.
;
; The boot processor changes a mapping again and again; each time the other one has to forget it. An interrupt asks for that, and the boot
; processor waits for the answer. Where the hypervisor has taken the other's physical CPU, nobody answers before it has one again.
;
; KVM can help (PV_TLB_FLUSH): the byte `preempted` of the other's steal time says that it does not run, and bit 1, set there by
; compare and exchange, has its TLB flushed before it runs again. A dot is 10 rounds.

%pragma ringside mode protected
%pragma ringside technique vtx-ept

%include "start.inc"

WORK            equ 2000                ; rounds of a loop between two changes
DOT             equ 10
VECTOR          equ 40h
DESTINATION     equ APIC + 310h
END_OF_INTERRUPT equ APIC + 0B0h
KVM_FEATURES    equ 40000001h
STEAL_TIME      equ 5                   ; bits of these
PV_TLB_FLUSH    equ 9
STEAL_TIME_MSR  equ 4B564D03h
PREEMPTED       equ steal + 16
NO_CPU          equ 1                   ; bits of that byte
FLUSH           equ 2
PAGE            equ 400000h

boot:   mov eax, KVM_FEATURES
        cpuid
        and eax, 1 << STEAL_TIME | 1 << PV_TLB_FLUSH
        xor eax, 1 << STEAL_TIME | 1 << PV_TLB_FLUSH
        setz [lazy]
.start: pause
        cmp byte [ready], 1             ; until the other can be interrupted
        jne .start
.round: mov ecx, WORK
.work:  dec ecx
        jnz .work
        invlpg [PAGE]                   ; here
        cmp byte [lazy], 0
        je .ask
        mov al, [PREEMPTED]
        test al, NO_CPU
        jz .ask
        mov dl, al
        or dl, FLUSH
        lock cmpxchg [PREEMPTED], dl
        je .done                        ; it did not run, and does not before it has forgotten
.ask:   mov dword [DESTINATION], 1 << 24
        mov dword [COMMAND], 4000h | VECTOR
        inc dword [asked]
        mov eax, [asked]
.wait:  pause
        cmp [answered], eax
        jb .wait
.done:  dec dword [left]
        jnz .round
        mov dword [left], DOT
        mov al, '.'
        out 0E9h, al
        jmp .round

other:  lidt [idtr]
        mov ecx, STEAL_TIME_MSR
        mov eax, steal + 1              ; bit 0: on
        xor edx, edx
        wrmsr
        mov byte [ready], 1
        sti
.work:  inc dword [rounds]
        jmp .work

flush:  invlpg [PAGE]
        lock inc dword [answered]
        mov dword [END_OF_INTERRUPT], 0
        iret

        align 64
steal:  times 64 db 0                   ; struct kvm_steal_time
left:   dd DOT
asked:  dd 0
answered: dd 0
rounds: dd 0
lazy:   db 0
ready:  db 0
        align 8
idt:    times VECTOR dq 0
        dw flush - $$, 8, 8E00h, 10h    ; at 100000h + its offset here
idtr:   dw $ - idt - 1
        dd idt
