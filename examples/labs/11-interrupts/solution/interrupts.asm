; Lab 11, solved.

WINDOW  equ 4                           ; interrupt-window exiting

setup:  mov eax, 2008h                  ; #BP, #GP
        put EXCEPTION_BITMAP, rax
        ret

on_interrupt:
        inc dword [pending]

; Injects a tick if one is due and the guest can take it; else asks to be told when it can.
on_window:
        cmp dword [pending], 0
        je .no_window
        get rax, ENTRY_INTERRUPTION
        test eax, eax                   ; bit 31: something is to be injected already
        js .window
        get rax, GUEST_RFLAGS
        test eax, 200h
        jz .window
        get rax, GUEST_INTERRUPTIBILITY
        test al, 3                      ; behind STI, behind MOV SS
        jnz .window
        mov eax, 80000000h + TIMER      ; valid, external interrupt
        put ENTRY_INTERRUPTION, rax
        dec dword [pending]
        jnz .window
.no_window:
        get rax, PRIMARY_CONTROLS
        and eax, ~WINDOW
        put PRIMARY_CONTROLS, rax
        ret
.window:
        get rax, PRIMARY_CONTROLS
        or eax, WINDOW
        put PRIMARY_CONTROLS, rax
        ret

on_halt:
        call vmx_skip
        xor eax, eax                    ; what STI has blocked was HLT
        put GUEST_INTERRUPTIBILITY, rax
        cmp dword [pending], 0
        jne on_window
        mov eax, 1                      ; the guest waits, as its processor would
        put GUEST_ACTIVITY, rax
        ret

on_exception:
        get rbx, EXIT_INTERRUPTION
        get rcx, EXIT_ERROR_CODE
        get rax, EXIT_LENGTH
; Injects the event in EBX, in the format that all four fields share; error code ECX, length of the instruction EAX.
again:  put ENTRY_LENGTH, rax
        put ENTRY_ERROR_CODE, rcx
        and ebx, ~1000h                 ; bit 12 is not for entries
        put ENTRY_INTERRUPTION, rbx
        ret

on_violation:
        get rbx, IDT_VECTORING
        test ebx, ebx
        jns .nothing
        get rcx, IDT_ERROR_CODE
        get rax, EXIT_LENGTH
        jmp again
.nothing:
        ret

        align 4
pending: dd 0
