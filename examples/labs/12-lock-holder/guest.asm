; The guest of lab 12: four virtual CPUs that work by themselves, and then under a lock that they share.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside memory 4

%ifndef ROUNDS
%define ROUNDS 20
%endif
WORK    equ 30000                       ; iterations of two cycles: 500 microseconds
HOLD    equ 15000                       ; 250 microseconds
CPUS    equ 4
APIC    equ 0FEE00000h
TRAMPOLINE equ 7000h

        org 8000h
        bits 32

        mov esi, trampoline             ; the other processors start in real mode, at TRAMPOLINE
        mov edi, TRAMPOLINE
        mov ecx, trampoline_end - trampoline
        rep movsb
        mov dword [APIC + 0F0h], 1FFh
        mov dword [APIC + 300h], 0C4500h
        mov dword [APIC + 300h], 0C4600h + TRAMPOLINE / 1000h
        mov esp, 80000h
        xor ebx, ebx
        call rounds
.wait:  pause
        cmp dword [finished], CPUS
        jb .wait
        mov esi, text.right
        cmp dword [counter], CPUS * ROUNDS
        je .say
        mov esi, text.wrong
.say:   mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   cli
        hlt
        jmp .end

bits 16
trampoline:
        cli
        xor ax, ax
        mov ds, ax
        o32 lgdt [TRAMPOLINE + gdtr - trampoline]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 8:protected
        align 8
gdt:    dq 0, 00CF9A000000FFFFh, 00CF92000000FFFFh
gdtr:   dw 23
        dd TRAMPOLINE + gdt - trampoline
trampoline_end:

bits 32
protected:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov dword [APIC + 0F0h], 1FFh
        mov ebx, [APIC + 20h]
        shr ebx, 24
        mov esp, ebx
        shl esp, 12
        add esp, 90000h
        call rounds
.sleep: cli
        hlt
        jmp .sleep

; EBX is the number of this processor, from 0; it is its APIC ID, too.
rounds: mov ebp, ROUNDS
.again: mov ecx, WORK
        call spin
        call acquire                    ; EBX is kept; EAX, ECX, EDX, ESI and EDI are free
        mov edi, [counter]              ; not atomic: the lock's task
        mov ecx, HOLD
        call spin
        inc edi
        mov [counter], edi
        call release
        dec ebp
        jnz .again
        lock inc dword [finished]
        ret

spin:   dec ecx
        jnz spin
        ret

        align 4
counter: dd 0
finished: dd 0
text:
.right: db "done", 10, 0
.wrong: db "lost updates", 10, 0

%include "lock.asm"
