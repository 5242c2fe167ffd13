; Double scheduling: a guest that schedules threads is itself scheduled.
;
; Two threads take turns of 10 ms, as measured by the time-stamp counter, which goes on while the hypervisor lets another VM run. Then a
; turn passes in which nothing was executed, and if turns of host and guest fall together the same thread loses each time. KVM
; tells how much time was stolen (STEAL_TIME); a guest that subtracts it is fair again. It does so if CPUID shows the feature.
;
; A letter is 50,000 rounds of thread A or B.

%pragma ringside mode protected
%pragma ringside technique vtx-ept

VECTOR          equ 40h
APIC            equ 0FEE00000h
SPURIOUS        equ APIC + 0F0h
TIMER           equ APIC + 320h
INITIAL_COUNT   equ APIC + 380h
DIVIDE          equ APIC + 3E0h
END_OF_INTERRUPT equ APIC + 0B0h
PERIODIC        equ 20000h
BY_1            equ 0Bh
TICK            equ 119318              ; cycles of a millisecond
TURN            equ 10 * TICK
ROUNDS          equ 50000
KVM_FEATURES    equ 40000001h
STEAL_TIME      equ 5                   ; bit of these
STEAL_TIME_MSR  equ 4B564D03h
CYCLES_PER_NS   equ 512467767           ; times 2^32

        org 100000h
        bits 32

        mov esp, stack
        lidt [idtr]
        mov eax, KVM_FEATURES
        cpuid
        bt eax, STEAL_TIME
        jnc .timer
        mov ecx, STEAL_TIME_MSR
        mov eax, steal + 1              ; bit 0: on
        xor edx, edx
        wrmsr
.timer: mov dword [SPURIOUS], 1FFh
        mov dword [DIVIDE], BY_1
        mov dword [TIMER], PERIODIC | VECTOR
        mov dword [INITIAL_COUNT], TICK
        call clock
        mov [began], eax
        sti

; Both threads are this loop; the one whose turn it is counts.
run:    mov ebx, [thread]
        inc dword [count + 4 * ebx]
        cmp dword [count + 4 * ebx], ROUNDS
        jb run
        mov dword [count + 4 * ebx], 0
        lea eax, [ebx + 'A']
        out 0E9h, al
        jmp run

; Each millisecond: is the turn over?
tick:   pushad
        call clock
        mov edx, eax
        sub edx, [began]
        cmp edx, TURN
        jb .end
        mov [began], eax
        xor dword [thread], 1
.end:   mov dword [END_OF_INTERRUPT], 0
        popad
        iret

; EAX: cycles that this guest could use, modulo 2^32. Where nothing is known of stolen time, it is 0.
clock:  mov eax, [steal]                ; nanoseconds; the low half is enough for four seconds
        mov ecx, CYCLES_PER_NS
        mul ecx
        mov ecx, edx
        rdtsc
        sub eax, ecx
        ret

        align 64
steal:  times 64 db 0                   ; struct kvm_steal_time
began:  dd 0
thread: dd 0
count:  dd 0, 0
        align 8
idt:    times VECTOR dq 0
        dw tick - $$, 8, 8E00h, 10h     ; at 100000h + its offset here
idtr:   dw $ - idt - 1
        dd idt
        times 256 db 0
stack:
