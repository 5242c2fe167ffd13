; Real mode: divide errors and single steps through the interrupt vector table; STI and MOV SS hold both off.
        org 7C00h
        bits 16
RESULTS equ 9000h
        xor ax, ax
        mov ds, ax
        mov word [0], divide
        mov word [2], 0
        mov word [4], step
        mov word [6], 0
        mov word [10h], overflow
        mov word [12h], 0
        mov ax, 100
        mov bl, 0
        div bl                          ; #DE: the handler corrects BL and returns to it
        mov [RESULTS], ax
        pushf
        pop ax
        or ax, 100h
        push ax
        popf                            ; TF
        nop                             ; 1
        mov ax, ss                      ; 2
        mov ss, ax                      ; the trap after it waits
        nop                             ; 3
        int 4                           ; the handler runs without TF; 4: the instruction after IRET
        nop
        pushf                           ; 5
        pop ax                          ; 6
        and ax, 0FEFFh                  ; 7
        push ax                         ; 8
        popf                            ; 9
        nop
        mov ax, 7FFFh
        inc ax
        into
        cli
        hlt
divide: mov bl, 7
        inc word [RESULTS + 4]
        iret
step:   inc word [RESULTS + 8]
        iret
overflow:
        inc word [RESULTS + 12]
        pushf
        pop word [RESULTS + 16]
        and word [RESULTS + 16], 100h
        iret
