; Virtual-8086 mode: entered by IRETD; INT n at IOPL 3 goes through the IDT to ring 0; HLT is privileged there.
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
        mov es, ax
        mov esp, 70000h
        lidt [idt_register]
        mov ax, 18h
        ltr ax
        push dword 0                    ; GS
        push dword 0                    ; FS
        push dword 1234h                ; DS
        push dword 5678h                ; ES
        push dword 5000h                ; SS
        push dword 100h                 ; SP
        push dword 23002h               ; VM, IOPL 3
        push dword 800h                 ; CS
        push dword old - 8000h          ; IP
        iretd

        bits 16
old:    mov ax, 0ABCDh
        mov cx, ds
        push word 4321h
        int 40h
        mov bx, 0BEEFh
        hlt                             ; #GP(0)

        bits 32
; Stack: EIP CS EFLAGS ESP SS ES DS FS GS.
service:
        mov ebp, esp
        push eax
        push ecx
        mov ax, 10h
        mov ds, ax
        pop dword [RESULTS + 4]
        pop dword [RESULTS]
        mov eax, [ebp]
        sub eax, old - 8000h
        mov [RESULTS + 8], eax          ; IP after INT
        mov eax, [ebp + 4]
        mov [RESULTS + 12], eax         ; CS
        mov eax, [ebp + 8]
        mov [RESULTS + 16], eax         ; EFLAGS
        mov eax, [ebp + 12]
        mov [RESULTS + 20], eax         ; SP
        mov eax, [ebp + 24]
        mov [RESULTS + 24], eax         ; DS
        movzx eax, word [50000h + 0FEh]
        mov [RESULTS + 28], eax         ; what it pushed
        iretd
protection:
        mov ax, 10h
        mov ds, ax
        pop dword [RESULTS + 32]        ; error code
        pop dword [RESULTS + 36]        ; IP of HLT
        sub dword [RESULTS + 36], old - 8000h
        mov [RESULTS + 40], ebx
        cli
        hlt

        align 8
gdt:    dq 0
        dq 00CF9B000000FFFFh
        dq 00CF93000000FFFFh
        dw 67h, task
        db 0, 89h, 0, 0
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
idt:    times 13 dq 0
        dw protection, 08h, 8E00h, 0
        times 40h - 14 dq 0
        dw service, 08h, 0EE00h, 0
idt_register:
        dw idt_register - idt - 1
        dd idt
task:   dd 0, 6F000h, 10h
        times 22 dd 0
        dw 0, 68h
