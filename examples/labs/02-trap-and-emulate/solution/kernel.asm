; Lab 2, solved: what is left is what a system call must cost: INT, one string I/O instruction, IRETD.
;
; One system call prints a line. TS is set once, when the process has not used the FPU yet, and cleared at its first use.
; Behind an interrupt gate CLI has nothing to do. Descriptors have pages of their own.

%pragma ringside mode protected
%pragma ringside technique trap-and-emulate
%pragma ringside memory 4

%ifndef LINES
%define LINES 6                         ; lines that the process prints
%endif
%ifndef WANTED
%define WANTED 2                        ; timer ticks that it sleeps for at the end
%endif

KERNEL_CODE equ 08h
KERNEL_DATA equ 10h
USER_CODE   equ 18h | 3
USER_DATA   equ 20h | 3
TASK        equ 28h
TIMER       equ 20h                     ; vector of IRQ 0
COM1        equ 3F8h

        org 8000h
        bits 32

start:  cli
        lgdt [gdt_register]
        lidt [idt_register]
        mov ax, TASK
        ltr ax
        mov esp, 70000h
        mov esi, timer_setup
.setup: lodsw
        movzx edx, ah
        out dx, al
        cmp esi, timer_setup_end
        jb .setup
        mov eax, cr0                    ; TS: the FPU is not this process's
        or eax, 8
        mov cr0, eax
        mov ax, USER_DATA
        mov ds, ax
        mov es, ax
        push dword USER_DATA
        push dword 60000h
        push dword 202h                 ; interrupts enabled
        push dword USER_CODE
        push dword process
        iretd

; INT 80h: EAX 0 prints the string at EBX, 1 sleeps until EBX ticks have passed, 2 ends.
system_call:
        pushad
        inc dword [calls]
        cmp eax, 1
        jb .print
        je .sleep
        mov esi, text.calls
        call print
        mov eax, [calls]
        call print_number
        cli
        hlt
.print: mov esi, ebx
        call print
        jmp .end
.sleep: cmp [ticks], ebx
        jae .end
        sti
        hlt
        cli
        jmp .sleep
.end:   popad
        iretd

; #NM: the process uses the FPU, for the first time.
fpu_used:
        clts
        iretd

tick:   push eax
        inc dword [ticks]
        mov al, 20h                     ; end of interrupt
        out 20h, al
        pop eax
        iretd

; The string at ESI, in one instruction.
print:  mov ecx, -1
.length:
        inc ecx
        cmp byte [esi + ecx], 0
        jne .length
        mov edx, COM1
        rep outsb
        ret

; EAX, below 1000, in decimal, and a line feed.
print_number:
        mov cl, 100
        div cl
        add al, '0'
        mov [text.number], al
        movzx eax, ah
        mov cl, 10
        div cl
        add ax, '00'
        mov [text.number + 1], ax
        mov esi, text.number
        jmp print

; The process, in ring 3.
process:
        mov edi, LINES
.line:  mov ebx, text.line
        xor eax, eax
        int 80h
        inc byte [text.line_number]
        dec edi
        jnz .line
        mov eax, 1
        mov ebx, WANTED
        int 80h
        mov eax, 2
        int 80h

; What goes to which port: interrupt controllers with IRQ 0 at vector 20h and nothing else let through, timer at 100 Hz.
timer_setup:
        db 11h, 20h, 11h, 0A0h, TIMER, 21h, TIMER + 8, 0A1h, 4, 21h, 2, 0A1h, 1, 21h, 1, 0A1h, 0FEh, 21h, 0FFh, 0A1h
        db 34h, 43h, 11932 & 0FFh, 40h, 11932 >> 8, 40h
timer_setup_end:

text:
.line:  db "line "
.line_number: db "1", 10, 0
.calls: db "system calls: ", 0
.number: db "000", 10, 0

calls:  dd 0
ticks:  dd 0

        align 4096                      ; every write to this page traps
gdt:    dq 0
        dq 00CF9B000000FFFFh            ; kernel code
        dq 00CF93000000FFFFh            ; kernel data
        dq 00CFFB000000FFFFh            ; user code
        dq 00CFF3000000FFFFh            ; user data
        dw 103, tss, 8900h, 0
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
idt:    times 7 dq 0
        dw fpu_used, KERNEL_CODE, 8E00h, 0
        times TIMER - 8 dq 0
        dw tick, KERNEL_CODE, 8E00h, 0
        times 80h - TIMER - 1 dq 0
        dw system_call, KERNEL_CODE, 0EE00h, 0
idt_register:
        dw idt_register - idt - 1
        dd idt
        align 4
tss:    dd 0
        dd 70000h, KERNEL_DATA          ; ESP0, SS0
        times 22 dd 0
        dw 0, 104

; Before you change anything: what becomes of these when the kernel executes them in ring 1? 1: it runs and does what it does on the
; bare machine. 2: it traps, and the hypervisor does it. 3: it does not trap, and does something else.
answers:
.cli:   db 2                            ; CLI
.popfd: db 3                            ; POPFD, with another IF
.cr0:   db 2                            ; MOV EAX, CR0
.smsw:  db 3                            ; SMSW EAX
.mov_ds: db 1                           ; MOV EAX, DS
.mov_cs: db 3                           ; MOV EAX, CS
.lgdt:  db 2                            ; LGDT
.sgdt:  db 3                            ; SGDT
.int:   db 2                            ; INT 80h
.out:   db 2                            ; OUT
; And how many exits has one system call that prints a character, from INT 80h to the instruction behind it?
.exits: db 10
