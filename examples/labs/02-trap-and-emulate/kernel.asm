; Lab 2: a kernel and its process, in ring 1 and ring 3. It does what kernels do: takes system calls, prints, keeps statistics, waits for
; the timer. Each privileged instruction of it is an exit. It must go on doing the same; how often it traps is up to you.

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
        mov ax, USER_DATA
        mov ds, ax
        mov es, ax
        push dword USER_DATA
        push dword 60000h
        push dword 202h                 ; interrupts enabled
        push dword USER_CODE
        push dword process
        iretd

; INT 80h: EAX 0 prints the character in EBX, 1 sleeps until EBX ticks have passed, 2 ends.
system_call:
        pushad
        call fpu_off                    ; the process may have used the FPU
        inc dword [calls]
        cmp eax, 1
        jb .print
        je .sleep
        call fpu_on
        mov esi, text.calls
        call print
        mov eax, [calls]
        call print_number
        cli
        hlt
.print: mov al, bl
        call print_character
        jmp .end
.sleep: cmp [ticks], ebx
        jae .end
        sti
        hlt
        cli
        jmp .sleep
.end:   call fpu_on
        popad
        iretd

; CR0.TS keeps the FPU from being used by somebody else.
fpu_off:
        push eax
        mov eax, cr0
        or eax, 8
        mov cr0, eax
        pop eax
        ret
fpu_on: clts
        ret

tick:   push eax
        call fpu_off
        inc dword [ticks]
        mov al, 20h                     ; end of interrupt
        out 20h, al
        call fpu_on
        pop eax
        iretd

; One character, undisturbed by interrupts, when the serial port is ready for it.
print_character:
        push edx
        push eax
        cli
        mov edx, COM1 + 5
.wait:  in al, dx
        test al, 20h
        jz .wait
        pop eax
        mov edx, COM1
        out dx, al
        pop edx
        ret

print:  lodsb
        test al, al
        jz .end
        call print_character
        jmp print
.end:   ret

; EAX, below 1000, in decimal, and a line feed.
print_number:
        mov ecx, 100
        xor edx, edx
        div ecx
        add al, '0'
        call print_character
        mov eax, edx
        mov cl, 10
        div cl
        add ax, '00'
        call print_character
        mov al, ah
        call print_character
        mov al, 10
        jmp print_character

; The process, in ring 3.
process:
        mov edi, LINES
.line:  mov esi, text.line
.next:  movzx ebx, byte [esi]
        inc esi
        test ebx, ebx
        jz .end
        xor eax, eax
        int 80h
        jmp .next
.end:   inc byte [text.line_number]
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

        align 8
gdt:    dq 0
        dq 00CF9B000000FFFFh            ; kernel code
        dq 00CF93000000FFFFh            ; kernel data
        dq 00CFFB000000FFFFh            ; user code
        dq 00CFF3000000FFFFh            ; user data
        dw 103, tss, 8900h, 0
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
idt:    times TIMER dq 0
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
calls:  dd 0
ticks:  dd 0

; Before you change anything: what becomes of these when the kernel executes them in ring 1? 1: it runs and does what it does on the
; bare machine. 2: it traps, and the hypervisor does it. 3: it does not trap, and does something else.
answers:
.cli:   db 0                            ; CLI
.popfd: db 0                            ; POPFD, with another IF
.cr0:   db 0                            ; MOV EAX, CR0
.smsw:  db 0                            ; SMSW EAX
.mov_ds: db 0                           ; MOV EAX, DS
.mov_cs: db 0                           ; MOV EAX, CS
.lgdt:  db 0                            ; LGDT
.sgdt:  db 0                            ; SGDT
.int:   db 0                            ; INT 80h
.out:   db 0                            ; OUT
; And how many exits has one system call that prints a character, from INT 80h to the instruction behind it?
.exits: db 0
