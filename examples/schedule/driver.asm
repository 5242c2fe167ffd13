; A driver's virtual machine: it sleeps until its timer interrupts it, does a little, and sleeps again.
;
; How long it takes from the interrupt until it runs is the scheduler's affair: it is what a person feels at the keyboard. The
; timer counts 20 ms of virtual time; a dot is printed each time.

%pragma ringside mode protected
%pragma ringside technique vtx-ept

%include "timer.inc"

start:  mov dword [TIMER], PERIODIC | VECTOR
        mov dword [INITIAL_COUNT], 20 * MILLISECOND
sleep:  sti
        hlt
        jmp sleep

tick:   mov al, "."
        out 0E9h, al
        mov dword [END_OF_INTERRUPT], 0
        iretd
