; Processors that share a ticket lock: who asks first is served first.
;
; Each works for a while by itself, then for a while under the lock. Who waits spins with PAUSE, as the manuals want it. On
; processors of its own that is well: the next in line is never far. On shared ones the hypervisor may have taken the
; processor from the very vCPU that holds the lock, or from the one whose turn it is; then all others spin for as long as it does
; not run.
;
; A dot is printed for every 100 rounds of all together. With PARAVIRTUAL defined (paravirtual-lock.asm) who has spun for a while
; halts, and who releases the lock has the hypervisor wake the next in line.

%pragma ringside mode protected
%pragma ringside technique vtx-ept

%include "start.inc"

ALONE           equ 500                 ; rounds of a loop
HELD            equ 1000
DOT             equ 100
PATIENCE        equ 500                 ; spins before a vCPU halts
KICK_CPU        equ 5                   ; KVM's hypercall: EBX flags, ECX the APIC ID

boot:
other:  mov ecx, ALONE
.work:  dec ecx
        jnz .work

        call acquire
        mov ecx, HELD
.hold:  dec ecx
        jnz .hold
        dec dword [left]
        jnz .next
        mov dword [left], DOT
        mov al, "."
        out 0E9h, al
.next:  call release
        jmp other

; Draws a ticket and waits for its turn.
acquire:
        mov eax, 1
        lock xadd [tickets], eax
%ifdef PARAVIRTUAL
        mov edx, eax
        and edx, 3Fh
        mov [waiter + edx], bl          ; who is to be woken for this ticket
%endif
        mov edx, PATIENCE
.wait:  cmp eax, [serving]
        je .mine
        pause
        inc dword [spins + 4 * ebx]
%ifdef PARAVIRTUAL
        dec edx
        jnz .wait
        hlt                             ; with interrupts off only a kick ends it; one that came before is kept
        mov edx, PATIENCE
%endif
        jmp .wait
.mine:  ret

release:
        inc dword [serving]
%ifdef PARAVIRTUAL
        mov eax, [serving]
        cmp eax, [tickets]
        je .nobody                      ; nobody waits
        push ebx
        and eax, 3Fh
        movzx ecx, byte [waiter + eax]
        xor ebx, ebx
        mov eax, KICK_CPU
        vmcall
        pop ebx
.nobody:
%endif
        ret

        align 4
left:   dd DOT
tickets: dd 0
serving: dd 0
spins:  times 16 dd 0                   ; of each processor
waiter: times 64 db 0
