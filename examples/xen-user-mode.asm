; Kernel and user mode of a 64-bit guest under Xen: both at CPL 3.
;
; In 64-bit mode segments have no limits that could keep ring 1 out of Xen, and paging knows only two levels. So Xen keeps ring
; 0, and the guest's kernel shares ring 3 with its processes; what keeps them apart is that each has page tables of its own,
; and Xen changes the base when it changes between them. SYSCALL always enters Xen: from user mode it is a system call, which
; Xen passes on to the kernel; from the kernel it is a hypercall.

%pragma ringside mode xen
%pragma ringside technique paravirtualization
%pragma ringside ends shutdown
%pragma ringside output user: CPL 3, the page of the kernel is not there\nkernel: CPL 3, the page is there\n

SET_TRAP_TABLE    equ 0
SET_CALLBACKS     equ 4
STACK_SWITCH      equ 3
UPDATE_VA_MAPPING equ 14
CONSOLE_IO        equ 18
IRET_PAGE         equ hypercalls + 23 * 32
MMUEXT_OP         equ 26
SCHED_OP          equ 29

USER_CODE         equ 0E033h            ; the same selectors for both
USER_STACK        equ 0E02Bh
PT_BASE           equ 88                ; offsets in start_info
MFN_LIST          equ 104
SECRET            equ 8000000000h       ; only the kernel's top table maps this: 512 GiB
VALID             equ 7                 ; present, writable, user

        org 100000h
        bits 64

        mov r12, rsi                    ; start_info
        lea rdi, [rel upcall]           ; event, failsafe, system call
        mov rsi, rdi
        lea rdx, [rel system_call]
        mov eax, SET_CALLBACKS
        syscall
        lea rdi, [rel traps]
        mov eax, SET_TRAP_TABLE
        syscall
        mov edi, USER_STACK
        lea rsi, [rel kernel_stack]
        mov eax, STACK_SWITCH
        syscall

; The user's top table: slot 0, with the program, as the kernel's. Before it can be one, the guest must not map it writable.
        mov rbx, [r12 + PT_BASE]
        mov rax, [rbx]
        mov [rel user_table], rax
        lea rdi, [rel user_table]
        mov edx, VALID & ~2
        call remap
        mov dword [rel operation], 15   ; NEW_USER_BASEPTR
        lea rdi, [rel user_table]
        call operate

; The kernel's top table gets the same tables in slot 1 as well: all the memory once more, at 512 GiB.
        mov rdi, rbx
        call machine
        add rax, 8
        mov [rel update], rax           ; machine address of slot 1
        mov rax, [rbx]
        mov [rel update.value], rax
        lea rdi, [rel update]
        mov esi, 1
        xor edx, edx
        mov r10d, 7FF0h
        mov eax, 1                      ; mmu_update
        syscall

        push USER_STACK                 ; to user mode: iret's frame
        lea rax, [rel user_stack]
        push rax
        push 202h
        push USER_CODE
        lea rax, [rel user]
        push rax
        push 0
        jmp IRET_PAGE

user:   lea rsi, [rel text.user]
        syscall                         ; print, please
        mov rbx, SECRET
        mov al, [rbx]                   ; #PF: goes by Xen to the kernel
        hlt                             ; ringside: ignore paravirtual-operation

system_call:                            ; on the stack: RCX, R11, RIP, CS, RFLAGS, RSP, SS
        call print
        pop rcx
        pop r11
        push 0
        jmp IRET_PAGE

page_fault:                             ; RCX, R11, error code, RIP, …
        lea rsi, [rel text.absent]
        call print
        mov rbx, SECRET
        mov al, [rbx]                   ; the kernel's own tables have it
        lea rsi, [rel text.kernel]
        call print
        mov edi, 2
        lea rsi, [rel zero]
        mov eax, SCHED_OP
        syscall

upcall: ud2

; Machine address of the page at RDI.
machine:
        mov rax, [r12 + MFN_LIST]
        shr rdi, 12
        mov rax, [rax + rdi * 8]
        shl rax, 12
        ret

; The page at RDI with the flags RDX in its entry.
remap:  push rdi
        call machine
        pop rdi
        or rdx, rax
        mov rsi, rdx
        mov edx, 2
        mov eax, UPDATE_VA_MAPPING
        syscall
        ret

; mmuext_op with the frame of the page at RDI.
operate:
        call machine
        shr rax, 12
        mov [rel operation.frame], rax
        lea rdi, [rel operation]
        mov esi, 1
        xor edx, edx
        mov r10d, 7FF0h
        mov eax, MMUEXT_OP
        syscall
        ret

; Prints the text at RSI, which begins with its length.
print:  movzx edx, byte [rsi]
        inc rsi
        xchg rsi, rdx
        xor edi, edi
        mov eax, CONSOLE_IO
        syscall
        ret

zero:   dd 0
        align 8
operation:
        dq 0
.frame: dq 0, 0
update: dq 0
.value: dq 0
traps:  db 14, 0
        dw USER_CODE
        dd 0
        dq page_fault
        dq 0, 0

text:
.user:  db .user_end - .user - 1, "user: CPL 3, "
.user_end:
.absent: db .absent_end - .absent - 1, "the page of the kernel is not there", 10
.absent_end:
.kernel: db .kernel_end - .kernel - 1, "kernel: CPL 3, the page is there", 10
.kernel_end:

        ; where the hypercall page is to be, in the way of the kernels before ELF notes
        db "GUEST_OS=example,XEN_VER=xen-3.0,HYPERCALL_PAGE=0x101,LOADER=generic", 0
        align 4096
hypercalls:
        times 4096 db 0
user_table:
        times 4096 db 0
        times 1024 db 0
kernel_stack:
        times 1024 db 0
user_stack:
