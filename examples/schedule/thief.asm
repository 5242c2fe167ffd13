; A thief of credit: it sleeps whenever the host's tick comes.
;
; A scheduler that charges whoever runs at the tick for all of the time since the last one can be cheated by a guest that knows the
; time: it computes between the ticks and halts around them. For its first 30 ms it behaves, so that it is taken for one that
; always wants to run.

%pragma ringside mode protected
%pragma ringside technique vtx-ept

HOST_TICK       equ 10                  ; ms
MARGIN          equ 1                   ; ms before and after the tick
HONEST          equ 30                  ; ms

%include "timer.inc"

start:  mov dword [TIMER], VECTOR       ; one shot
        sti
honest: rdtsc
        cmp eax, HONEST * MILLISECOND
        jb honest

steal:  rdtsc                           ; what is left of the host's period
        mov ecx, HOST_TICK * MILLISECOND
        div ecx
        sub ecx, edx
        cmp ecx, MARGIN * MILLISECOND
        ja steal
        add ecx, MARGIN * MILLISECOND
        mov [INITIAL_COUNT], ecx
        hlt
        jmp steal

tick:   mov dword [END_OF_INTERRUPT], 0
        iretd
