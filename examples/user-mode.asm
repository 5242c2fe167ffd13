; User mode: a program in ring 3, system calls by INT 80h, and what happens when it oversteps.
;
; The kernel enters ring 3 with IRET: it puts on the stack what an interrupt from ring 3 would have left there. INT 80h
; comes back through a gate of DPL 3; the processor takes the kernel's stack from the task state segment. CLI in ring 3 is
; privileged (CPL > IOPL), so it raises #GP and the kernel ends the program.
;
; Under VT-x the rings are the guest's own and none of this leaves it. Under trap and emulate the guest kernel is not in
; ring 0, and every one of these transitions has to be made up by the VMM.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output hello from ring 3\nring 3 may not use CLI\n

KERNEL_CODE equ 08h
KERNEL_DATA equ 10h
USER_CODE   equ 18h | 3                 ; RPL 3
USER_DATA   equ 20h | 3
TASK        equ 28h

        org 8000h
        bits 32

        cli
        lgdt [gdt_register]
        jmp KERNEL_CODE:.reload
.reload:
        mov ax, KERNEL_DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 70000h
        lidt [idt_register]
        mov ax, TASK
        ltr ax

        mov ax, USER_DATA               ; SS and CS come from the stack, the others do not
        mov ds, ax
        mov es, ax
        push dword USER_DATA            ; SS
        push dword 60000h               ; ESP
        push dword 2                    ; EFLAGS: IOPL 0, interrupts disabled
        push dword USER_CODE            ; CS
        push dword user                 ; EIP
        iretd

user:   mov esi, text.user
.next:  lodsb
        test al, al
        jz .end
        int 80h                         ; system call: write the character in AL
        jmp .next
.end:   cli                             ; #GP(0), on purpose; ringside: ignore privilege-fault
        jmp $

system_call:
        push edx
        mov edx, 3F8h
        out dx, al
        pop edx
        iretd

general_protection:
        mov ax, KERNEL_DATA
        mov ds, ax
        mov esi, text.kernel
        mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   cli
        hlt

text:
.user:   db "hello from ring 3", 10, 0
.kernel: db "ring 3 may not use CLI", 10, 0

        align 8
gdt:    dq 0
        dq 00CF9B000000FFFFh            ; kernel code: DPL 0
        dq 00CF93000000FFFFh            ; kernel data
        dq 00CFFB000000FFFFh            ; user code: DPL 3
        dq 00CFF3000000FFFFh            ; user data
        dw 103, tss, 8900h, 0           ; available 32-bit task state segment
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt

        align 8
idt:    times 13 dq 0                   ; vectors 0 to 12: not present
        dw general_protection, KERNEL_CODE, 8E00h, 0
        times 80h - 14 dq 0
        dw system_call, KERNEL_CODE, 0EE00h, 0 ; DPL 3: may be called from ring 3
idt_register:
        dw idt_register - idt - 1
        dd idt

        align 4
tss:    dd 0
        dd 70000h, KERNEL_DATA          ; ESP0, SS0: the stack for ring 0
        times 22 dd 0
        dw 0, 104                       ; no I/O permission bitmap
