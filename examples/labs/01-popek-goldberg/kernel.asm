; Lab 1: a small kernel that starts, looks around, and waits for its timer. On the bare machine every line that it prints is true.
; In ring 1, under trap and emulate, it is lied to. Make it tell the truth under both, without printing what it has not found out.
;
; What it reports, line by line, is said in the lab's text. What the boot parameters are, the grader may change.

%pragma ringside mode protected
%pragma ringside technique trap-and-emulate
%pragma ringside memory 4

%ifndef TASK
%define TASK 28h                        ; selector of the kernel's task state segment
%endif
%ifndef WANTED
%define WANTED 3                        ; ticks to wait for
%endif
%ifndef CR0_BITS
%define CR0_BITS 8                      ; TS: the FPU holds what belongs to another task
%endif

KERNEL_CODE equ 08h
KERNEL_DATA equ 10h
USER_CODE   equ 18h | 3
TIMER       equ 20h                     ; vector of IRQ 0
COM1        equ 3F8h

        org 8000h
        bits 32

start:  cli
        lgdt [gdt_register]
        lidt [idt_register]
        mov word [gdt + TASK], 67h      ; a task state segment of 104 bytes, at tss
        mov word [gdt + TASK + 2], tss
        mov word [gdt + TASK + 4], 8900h
        mov ax, TASK
        ltr ax
        mov eax, cr0
        or eax, CR0_BITS
        mov cr0, eax
        call ticks_so_far               ; interrupts are off, and stay off
        mov [first], eax

        call report_ring
        call report_interrupts
        call report_descriptors
        call report_vector
        call report_fpu
        call report_task
        call report_user_code
        call report_frame
        call KERNEL_CODE:report_caller
        call wait_for_ticks
        mov esi, text.end
        call print
        cli
        hlt

; "ring: 0": the kernel's own privilege level.
report_ring:
        mov esi, text.ring
        call print
        mov ax, cs
        and al, 3
        call print_digit
        jmp end_line

; "interrupts: 0": whether they are enabled. They are not yet.
report_interrupts:
        mov esi, text.interrupts
        call print
        pushfd
        pop eax
        shr eax, 9
        and al, 1
        call print_digit
        jmp end_line

; "code segment: DPL 0": from the kernel's entry in the descriptor table that is in force.
report_descriptors:
        mov esi, text.descriptors
        call print
        sgdt [table_register]
        mov ebx, [table_register + 2]
        mov al, [ebx + KERNEL_CODE + 5]
        shr al, 5
        and al, 3
        call print_digit
        jmp end_line

; "timer: handled": whether the gate of its vector, in the table that is in force, leads to the handler.
report_vector:
        mov esi, text.vector
        call print
        sidt [table_register]
        mov ebx, [table_register + 2]
        movzx eax, word [ebx + TIMER * 8]
        mov esi, text.handled
        cmp eax, tick
        je print
        mov esi, text.unknown
        jmp print

; "fpu: TS 1, NE 0": bits of the machine status word.
report_fpu:
        mov esi, text.fpu
        call print
        smsw bx
        mov eax, ebx
        shr eax, 3
        and al, 1
        call print_digit
        mov esi, text.ne
        call print
        mov eax, ebx
        shr eax, 5
        and al, 1
        call print_digit
        jmp end_line

; "task: 28": the selector in the task register.
report_task:
        mov esi, text.task
        call print
        str ax
        call print_byte
        jmp end_line

; "user code: present": whether a process could be started.
report_user_code:
        mov esi, text.user_code
        call print
        mov ecx, USER_CODE
        lar eax, ecx
        mov esi, text.unknown
        jnz print
        test eax, 8000h
        jz print
        mov esi, text.present
        jmp print

; "frame: CS 08": the selector in a frame as a task switch would make it, to go on later by IRET.
report_frame:
        mov esi, text.frame
        call print
        pushfd
        push cs
        push dword .later
        mov eax, [esp + 4]
        call print_byte
        add esp, 12
        jmp end_line
.later: ret

; "caller: ring 0": which ring called this service, by the return address that the far call has left.
report_caller:
        mov esi, text.caller
        call print
        mov eax, [esp + 4]
        and al, 3
        call print_digit
        call end_line
        retf

; "...": sets up the timer, and waits for its ticks. Counting them is a critical section, entered with interrupts on or off.
wait_for_ticks:
        mov esi, timer_setup
.setup: lodsw
        movzx edx, ah
        out dx, al
        cmp esi, timer_setup_end
        jb .setup
        sti
.again: call ticks_so_far
        sub eax, [first]
        cmp eax, WANTED
        jae .end
        hlt                             ; until the next tick
        jmp .again
.end:   jmp end_line

; EAX = the number of ticks. Leaves interrupts as they were.
ticks_so_far:
        pushfd
        cli
        mov eax, [ticks]
        popfd
        ret

tick:   push eax
        inc dword [ticks]
        mov al, '.'
        call print_character
        mov al, 20h                     ; end of interrupt
        out 20h, al
        pop eax
        iretd

; Prints AL as two hexadecimal digits.
print_byte:
        push eax
        shr al, 4
        call .nibble
        pop eax
        and al, 0Fh
.nibble:
        cmp al, 10
        jb print_digit
        add al, 'A' - '0' - 10
print_digit:
        add al, '0'
print_character:
        push edx
        mov edx, COM1
        out dx, al
        pop edx
        ret
end_line:
        mov al, 10
        jmp print_character

; Prints the text at ESI.
print:  lodsb
        test al, al
        jz .end
        call print_character
        jmp print
.end:   ret

text:
.ring:  db "ring: ", 0
.interrupts: db "interrupts: ", 0
.descriptors: db "code segment: DPL ", 0
.vector: db "timer: ", 0
.handled: db "handled", 10, 0
.unknown: db "unknown", 10, 0
.fpu:   db "fpu: TS ", 0
.ne:    db ", NE ", 0
.task:  db "task: ", 0
.user_code: db "user code: ", 0
.present: db "present", 10, 0
.frame: db "frame: CS ", 0
.caller: db "caller: ring ", 0
.end:   db "done", 10, 0

; What goes to which port: interrupt controllers with IRQ 0 at vector 20h and nothing else let through, timer at 100 Hz.
timer_setup:
        db 11h, 20h, 11h, 0A0h, TIMER, 21h, TIMER + 8, 0A1h, 4, 21h, 2, 0A1h, 1, 21h, 1, 0A1h, 0FEh, 21h, 0FFh, 0A1h
        db 34h, 43h, 11932 & 0FFh, 40h, 11932 >> 8, 40h
timer_setup_end:

        align 8
ticks:  dd 0
first:  dd 0                            ; ticks before it began to wait
table_register: times 6 db 0

        align 8
idt:    times TIMER dq 0
        dw tick, KERNEL_CODE, 8E00h, 0
idt_register:
        dw idt_register - idt - 1
        dd idt
        align 4
tss:    times 104 db 0

        align 4096                      ; every write to the page of a descriptor table traps
gdt:    dq 0
        dq 00CF9B000000FFFFh            ; kernel code
        dq 00CF93000000FFFFh            ; kernel data
        dq 00CFFB000000FFFFh            ; user code
        dq 00CFF3000000FFFFh            ; user data
        times 8 dq 0                    ; one of them becomes the task state segment's
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
