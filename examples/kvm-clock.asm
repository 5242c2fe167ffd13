; A paravirtual clock: the time without an exit.
;
; A guest that reads a timer's registers leaves to its hypervisor each time. KVM instead writes, once, into the guest's memory
; what the time was at a value of the time-stamp counter, and how long its ticks are; the guest reads the counter, which does
; not exit, and works the rest out. CPUID says whether there is such a clock, an MSR where it is to be.
;
;     time = system_time + (((counter - timestamp) << shift) * multiplier >> 32)        in nanoseconds

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output the clock is on\na millisecond has passed\n

SIGNATURE       equ 40000000h           ; CPUID leaves
FEATURES        equ 40000001h
CLOCKSOURCE2    equ 1 << 3
SYSTEM_TIME_NEW equ 4B564D01h           ; MSR
ENABLE          equ 1
MILLISECOND     equ 1000000

        org 100000h
        bits 32

        mov eax, SIGNATURE
        cpuid
        cmp ebx, "KVMK"
        jne without
        mov eax, FEATURES
        cpuid
        test eax, CLOCKSOURCE2
        jz without

        mov ecx, SYSTEM_TIME_NEW        ; one exit, and the clock is in our memory
        mov eax, clock + ENABLE
        xor edx, edx
        wrmsr
        mov esi, text.on
        call print

        call time
        lea ebp, [eax + MILLISECOND]
again:  call time                       ; thousands of these, and no exit
        cmp eax, ebp
        js again
        mov esi, text.passed
        call print
        cli
        hlt

without:
        mov esi, text.without
        call print
        cli
        hlt

; EDX:EAX: nanoseconds since the start.
time:   mov ebx, [clock.version]
        test bl, 1                      ; odd: it is being written
        jnz time
        rdtsc
        sub eax, [clock.timestamp]
        sbb edx, [clock.timestamp + 4]
        mov cl, [clock.shift]
        shld edx, eax, cl
        shl eax, cl
        push edx
        mul dword [clock.multiplier]
        mov edi, edx
        pop eax
        mul dword [clock.multiplier]
        add eax, edi
        adc edx, 0
        add eax, [clock.system_time]
        adc edx, [clock.system_time + 4]
        cmp ebx, [clock.version]        ; written meanwhile?
        jne time
        ret

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:
.on:      db "the clock is on", 10, 0
.passed:  db "a millisecond has passed", 10, 0
.without: db "no such clock", 10, 0

        align 4
clock:
.version:     dd 0
              dd 0
.timestamp:   dq 0
.system_time: dq 0
.multiplier:  dd 0
.shift:       db 0
.flags:       db 0
              dw 0
