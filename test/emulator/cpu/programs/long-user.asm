; 64-bit user mode: SYSCALL, SYSRET, SWAPGS, a page fault from ring 3, no-execute, a double fault on an IST stack.
%pragma ringside mode long
        org 100000h
        bits 64
RESULTS equ 9000h
PAGES   equ 200000h
        mov esp, 80000h
        lgdt [gdt_register]
        lidt [idt_register]
        mov ax, 30h
        ltr ax
        mov ecx, 0C0000080h             ; EFER: SCE, LME, LMA, NXE
        mov eax, 0D01h
        xor edx, edx
        wrmsr
        mov ecx, 0C0000081h             ; STAR
        xor eax, eax
        mov edx, 00180008h
        wrmsr
        mov ecx, 0C0000082h             ; LSTAR
        mov eax, kernel
        xor edx, edx
        wrmsr
        mov ecx, 0C0000084h             ; FMASK: IF, TF
        mov eax, 300h
        wrmsr
        mov ecx, 0C0000102h             ; KERNEL_GS_BASE
        mov eax, RESULTS
        wrmsr
; Own tables: 0–2 MiB and 2–4 MiB for the kernel, 4–6 MiB for the user, 6–8 MiB for the user but not executable.
        mov rax, PAGES + 1007h
        mov [PAGES], rax
        mov rax, PAGES + 2007h
        mov [PAGES + 1000h], rax
        mov qword [PAGES + 2000h], 83h
        mov qword [PAGES + 2008h], 200083h
        mov qword [PAGES + 2010h], 400087h
        mov rax, 8000000000600087h
        mov [PAGES + 2018h], rax
        mov eax, PAGES
        mov cr3, rax
        mov rsi, user
        mov rdi, 400000h
        mov ecx, user_end - user
        rep movsb
        mov byte [600000h], 0C3h        ; RET, not executable
        push qword 23h                  ; SS
        push qword 410000h              ; RSP
        push qword 202h
        push qword 2Bh                  ; CS
        push qword 400000h
        iretq

; Runs at 400000h in ring 3.
user:   mov edi, 1
        syscall
        mov edi, 2
        mov rax, [100000h]              ; #PF 5: a kernel page
        mov edi, 3
        mov byte [100000h], 1           ; #PF 7
        mov eax, 600000h
        call rax                        ; #PF 15h
        nop
        mov edi, 4
        syscall
user_end:

kernel: swapgs
        mov [gs:0], rcx                 ; where SYSCALL came from
        mov [gs:8], r11
        mov eax, cs
        mov [gs:16], rax
        cmp edi, 4
        je .last
        swapgs
        o64 sysret
.last:  mov eax, 400000h + user_end - user
        sub [RESULTS], rax
        mov rsp, 0FFFF000000000000h     ; not canonical: pushing faults
.fault: ud2                             ; #UD, whose delivery faults (#SS), whose delivery faults (#GP): #DF

; Ring 0 through an interrupt gate. Page faults are counted at +128, error codes and addresses follow.
page_fault:
        push rax
        push rbx
        mov rbx, [RESULTS + 128]
        mov rax, [rsp + 16]
        mov [RESULTS + 136 + rbx * 8], rax
        mov rax, cr2
        mov [RESULTS + 176 + rbx * 8], rax
        inc qword [RESULTS + 128]
        movzx eax, byte [lengths + rbx]
        add [rsp + 24], rax
        cmp ebx, 2
        jne .back
        mov rax, [rsp + 48]             ; RSP of the user: where the CALL left its return address
        mov rax, [rax]
        mov [rsp + 24], rax
        add qword [rsp + 48], 8
.back:  pop rbx
        pop rax
        add rsp, 8
        iretq
lengths: db 8, 8, 0

double: mov [RESULTS + 216], rsp
        mov rax, [rsp]
        mov [RESULTS + 224], rax        ; error code
        mov rax, [rsp + 8]
        sub rax, kernel.fault
        mov [RESULTS + 232], rax        ; the UD2
        mov rax, [rsp + 32]
        mov [RESULTS + 240], rax        ; RSP as it was
        hlt

        align 8
gdt:    dq 0
        dq 00209B0000000000h            ; 08 kernel code
        dq 0000930000000000h            ; 10 kernel data
        dq 00CFFB000000FFFFh            ; 18 user code, 32 bits
        dq 0000F30000000000h            ; 20 user data
        dq 0020FB0000000000h            ; 28 user code, 64 bits
        dw 67h, task - 100000h          ; 30 TSS
        db 10h, 89h, 0, 0
        dq 0
gdt_register:
        dw gdt_register - gdt - 1
        dq gdt
%define gate(handler, ist) dw handler - 100000h, 08h, 8E00h + ist, 10h, 0, 0, 0, 0
idt:    times 12 dq 0
        gate(page_fault, 0)
        times 2 dq 0
        gate(double, 1)
        times 10 dq 0
        gate(page_fault, 0)
idt_register:
        dw idt_register - idt - 1
        dq idt
task:   dd 0
        dq 80000h, 0, 0, 0              ; RSP0–2
        dq 90000h                       ; IST1
        times 6 dq 0
        dq 0
        dw 0, 68h
