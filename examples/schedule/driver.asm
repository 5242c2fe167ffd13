; A driver's virtual machine: it sleeps until its timer interrupts it, does a little, and sleeps again.
;
; How long it takes from the interrupt until it runs is the scheduler's affair: it is what a person feels at the keyboard. The
; local APIC's timer counts 20 ms of virtual time; a dot is printed each time.

%pragma ringside mode protected
%pragma ringside technique vtx-ept

APIC            equ 0FEE00000h
SPURIOUS        equ APIC + 0F0h
END_OF_INTERRUPT equ APIC + 0B0h
TIMER           equ APIC + 320h
INITIAL_COUNT   equ APIC + 380h
DIVIDE          equ APIC + 3E0h
PERIODIC        equ 20000h
VECTOR          equ 40h
PERIOD          equ 2386364             ; cycles in 20 ms, at 119.3182 MHz

        org 100000h
        bits 32

        mov esp, 200000h
        mov eax, tick                   ; an interrupt gate for the vector
        mov [gate], ax
        shr eax, 16
        mov [gate + 6], ax
        mov [gate + 2], cs
        lidt [idtr]
        mov dword [SPURIOUS], 1FFh
        mov dword [DIVIDE], 1011b       ; by 1
        mov dword [TIMER], PERIODIC | VECTOR
        mov dword [INITIAL_COUNT], PERIOD
sleep:  sti
        hlt
        jmp sleep

tick:   mov al, "."
        out 0E9h, al
        mov dword [END_OF_INTERRUPT], 0
        iretd

        align 8
idt:    times VECTOR dq 0
gate:   dw 0, 0, 8E00h, 0
idtr:   dw $ - idt - 1
        dd idt
