; Rings 3, 1 and 0: IRET outwards, a call gate with parameters inwards, an interrupt gate, and what privilege refuses.
%pragma ringside mode protected
        org 8000h
        bits 32
RESULTS equ 9000h
        lgdt [gdt_register]
        jmp 08h:.reload
.reload:
        mov ax, 10h
        mov ss, ax
        mov ds, ax
        mov esp, 70000h
        lidt [idt_register]
        mov ax, 38h
        ltr ax
        push dword 33h                  ; ring 3
        push dword 60000h
        push dword 2
        push dword 2Bh
        push dword user
        iretd

user:   mov ax, 33h
        mov ds, ax
        mov es, ax
        push dword 11h
        push dword 22h
        call 40h:0                      ; call gate to ring 1, two parameters
        mov [RESULTS + 16], esp         ; both released by RETF 8
        mov eax, ds
        mov [RESULTS + 20], eax
        cli                             ; #GP: counted and skipped
        mov eax, [RESULTS + 24]
        in al, 60h                      ; #GP: no I/O bitmap
        mov ax, 10h
        mov es, ax                      ; #GP(10h)
        int 41h                         ; #GP(20Ah): the gate's DPL is 0
        pushf
        pop dword [RESULTS + 40]
        push dword 3202h
        popf                            ; IF and IOPL silently stay
        pushf
        pop dword [RESULTS + 44]
        int 40h                         ; ends

middle: mov eax, cs
        mov [ss:RESULTS], eax           ; ring 1
        mov eax, [esp + 8]
        mov [ss:RESULTS + 4], eax
        mov eax, [esp + 12]
        mov [ss:RESULTS + 8], eax
        mov eax, [esp + 16]             ; the caller's ESP
        mov [ss:RESULTS + 12], eax
        retf 8

; Ring 0. Counts in +24, error codes from +28; skips the instruction by a table of lengths.
protection:
        push eax
        push ebx
        mov eax, [esp + 8]
        mov ebx, [RESULTS + 24]
        mov [RESULTS + 48 + ebx * 4], eax
        movzx eax, byte [lengths + ebx]
        add [esp + 12], eax
        inc dword [RESULTS + 24]
        pop ebx
        pop eax
        add esp, 4
        iretd
lengths: db 1, 2, 2, 2

ends:   mov eax, cs
        mov [RESULTS + 28], eax
        mov eax, [esp + 4]
        mov [RESULTS + 32], eax         ; the ring it came from
        mov [RESULTS + 36], esp
        hlt

        align 8
gdt:    dq 0
        dq 00CF9B000000FFFFh            ; 08 ring 0
        dq 00CF93000000FFFFh            ; 10
        dq 00CFBB000000FFFFh            ; 18 ring 1
        dq 00CFB3000000FFFFh            ; 20
        dq 00CFFB000000FFFFh            ; 28 ring 3
        dq 00CFF3000000FFFFh            ; 30
        dw 67h, task                    ; 38
        db 0, 89h, 0, 0
        dw middle, 19h, 0EC02h, 0       ; 40 call gate: ring 1, DPL 3, two parameters
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
idt:    times 13 dq 0
        dw protection, 08h, 8E00h, 0
        times 40h - 14 dq 0
        dw ends, 08h, 0EE00h, 0
        dw ends, 08h, 8E00h, 0
idt_register:
        dw idt_register - idt - 1
        dd idt
task:   dd 0, 6F000h, 10h, 6E000h, 21h
        times 20 dd 0
        dw 0, 68h
