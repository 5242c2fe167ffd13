; Access rights in 64-bit mode: every combination of P, R/W, U/S and XD in the top and the last entry, for 4-KiB, 2-MiB and
; 1-GiB pages, under every combination of CR0.WP, SMEP and SMAP; then every reserved bit of every level. Each access prints
; the error code of its page fault, or "--".
        bits 16
        org 0x7c00

PML4    equ 0x30000
PDPT    equ 0x31000
PD      equ 0x32000
PDPT2   equ 0x34000             ; of the address that is tested
PD2     equ 0x35000
PT2     equ 0x36000
GDT     equ 0x20000
IDT     equ 0x21000
TSS     equ 0x23000
KCODE   equ 0x08
KDATA   equ 0x10
UDATA   equ 0x1b
UCODE   equ 0x23
TASK    equ 0x28
KSTACK  equ 0x60000
USTACK  equ 0x470000
USER    equ 0x400000            ; a copy of the first 2 MiB's mapping, for users
FRAME   equ 0x800000
TESTED  equ 0x8000800000

start:  cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        mov ax, 0x2000
        mov es, ax
        xor di, di
        xor eax, eax
        mov cx, 0x4000
        rep stosd
        mov ax, 0x3000
        mov es, ax
        xor ax, ax
        xor di, di
        mov cx, 0x2000
        rep stosd
        mov dword [es:0], PDPT + 7
        mov dword [es:0x1000], PD + 7
        mov dword [es:0x2000], 0x83
        mov dword [es:0x2010], 0x87
        mov dword [es:0x2020], 0x800083
        mov eax, 0x20
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        mov eax, 0x900
        xor edx, edx
        wrmsr
        lgdt [gdt_at]
        mov eax, 0x80010011
        mov cr0, eax
        jmp KCODE:entry

        align 8
gdt:    dq 0
        dq 0x00af9b000000ffff
        dq 0x00cf93000000ffff
        dq 0x00cff3000000ffff
        dq 0x00affb000000ffff
        dq 0x0000890230000067
        dq 0
gdt_at: dw gdt_at - gdt - 1
        dd gdt
        dd 0
idt_at: dw 0x42 * 16 - 1
        dq IDT
resume_rip: dq 0
resume_rsp: dq 0
leaf:   dq 0                    ; address of the last entry, and what is in it but the rights
base:   dq 0
size:   dq 0
cr4_is: dq 0

        bits 64
print_digit:
        and al, 15
        add al, '0'
        cmp al, '9'
        jbe .out
        add al, 'a' - '0' - 10
.out:   out 0xe9, al
        ret
print8: push rax
        shr al, 4
        call print_digit
        pop rax
        jmp print_digit
print_space:
        mov al, ' '
        out 0xe9, al
        ret
print_line:
        mov al, 10
        out 0xe9, al
        ret

; Prints the error code of a page fault and goes on.
page_fault:
        pop rax
        call print8
        jmp resume
other_fault:
        mov al, '!'
        out 0xe9, al
resume: mov rsp, [resume_rsp]
        push qword 2
        popfq
        jmp [resume_rip]
user_done:
        mov al, '-'
        out 0xe9, al
        out 0xe9, al
        jmp resume

%macro try 1+
        mov qword [resume_rip], %%next
        mov [resume_rsp], rsp
        %1
        call done
%%next: push qword 2
        popfq
%endmacro
%macro user 1+
        mov qword [resume_rip], %%next
        mov [resume_rsp], rsp
        push UDATA
        push USTACK
        push 2
        push UCODE
        push %%code + USER
        iretq
%%code: %1
        int 0x41
%%next:
%endmacro
done:   mov al, '-'
        out 0xe9, al
        out 0xe9, al
        ret
alignment_check_on:
        push qword 0x40002
        popfq
        ret

; All accesses; R8 is the address.
accesses:
        call fresh
        try mov al, [r8 + 8]
        call fresh
        try mov [r8 + 8], al
        call fresh
        try call r8
        call fresh
        call alignment_check_on
        try mov al, [r8 + 8]
        call fresh
        call alignment_check_on
        try mov [r8 + 8], al
        call fresh
        user mov al, [r8 + 8]
        call fresh
        user mov [r8 + 8], al
        call fresh
        user call r8
        mov rbx, [leaf]
        mov al, [rbx]
        jmp print8

; Forgets translations, and clears A and D.
fresh:  mov rbx, [leaf]
        and qword [rbx], ~0x60
        mov rax, cr3
        mov cr3, rax
        jmp print_space

; Chooses where the last entry is: RCX 0, 1 or 2 for 4 KiB, 2 MiB and 1 GiB.
choose: mov [size], rcx
        mov qword [PDPT2], PD2 + 7
        mov qword [PD2 + 32], PT2 + 7
        mov qword [leaf], PT2
        mov qword [base], FRAME
        jrcxz .done
        mov qword [leaf], PD2 + 32
        mov qword [base], FRAME + 0x80
        dec rcx
        jrcxz .done
        mov qword [leaf], PDPT2
        mov qword [base], 0x80
.done:  ret

entry:  mov ax, KDATA
        mov ss, ax
        mov ds, ax
        mov es, ax
        mov rsp, KSTACK
        mov qword [TSS + 4], KSTACK - 0x1000
        mov edi, IDT
        mov ecx, 0x42
        mov eax, other_fault
.gate:  mov [rdi], ax
        mov word [rdi + 2], KCODE
        mov dword [rdi + 4], 0xee00
        add edi, 16
        loop .gate
        mov eax, page_fault
        mov [IDT + 14 * 16], ax
        mov eax, user_done
        mov [IDT + 0x41 * 16], ax
        lidt [idt_at]
        mov ax, TASK
        ltr ax
        ; The program for users too, and a RET in the page that is tested.
        mov esi, 0x7c00
        mov edi, 0x400000 + 0x7c00
        mov ecx, image_end - 0x7c00
        mov qword [PD + 16], 0x400087
        mov rax, cr3
        mov cr3, rax
        rep movsb
        mov byte [FRAME], 0xc3
        mov r8, TESTED

        xor ebp, ebp                    ; bit 0 WP, 1 SMEP, 2 SMAP, 3 NXE
.control:
        mov eax, 0x80000011
        test ebp, 1
        jz .wp
        or eax, 0x10000
.wp:    mov cr0, rax
        mov eax, 0x20
        test ebp, 2
        jz .smep
        or eax, 0x100000
.smep:  test ebp, 4
        jz .smap
        or eax, 0x200000
.smap:  mov cr4, rax
        mov ecx, 0xc0000080
        mov eax, 0x100
        test ebp, 8
        jz .nxe
        or eax, 0x800
.nxe:   xor edx, edx
        wrmsr
        xor ecx, ecx
.size:  call choose
        xor r12d, r12d                  ; rights of the top entry
.top:   xor r13d, r13d                  ; rights of the last entry
.leaf:  call print_line
        mov eax, ebp
        call print_digit
        mov al, [size]
        call print_digit
        mov eax, r12d
        call print_digit
        mov eax, r13d
        call print_digit
        ; R12: R/W, U/S, XD. R13: R/W, U/S, XD, and P where bit 3 is 0.
        mov eax, r12d
        call rights
        mov rdx, PDPT2 + 1
        or rax, rdx
        mov [PML4 + 8], rax
        mov eax, r13d
        call rights
        or rax, [base]
        test r13d, 8
        jnz .absent
        or rax, 1
.absent:
        mov rbx, [leaf]
        mov [rbx], rax
        call accesses
        inc r13d
        cmp r13d, 9
        jb .leaf
        inc r12d
        cmp r12d, 8
        jb .top
        mov rcx, [size]
        inc rcx
        cmp rcx, 3
        jb .size
        inc ebp
        cmp ebp, 16
        jb .control

        ; Reserved bits: of each entry on the path, without and with NXE.
        mov eax, 0x20
        mov cr4, rax
        mov ebp, 0
.nx:    mov ecx, 0xc0000080
        mov eax, 0x100
        test ebp, ebp
        jz .set
        or eax, 0x800
.set:   xor edx, edx
        wrmsr
        xor ecx, ecx
.page:  call choose
        mov rax, PDPT2 + 7
        mov [PML4 + 8], rax
        mov rax, [base]
        or rax, 7
        mov rbx, [leaf]
        mov [rbx], rax
        mov r14, PML4 + 8
        call bits_of
        mov r14, PDPT2
        call bits_of
        cmp qword [size], 2
        je .next
        mov r14, PD2 + 32
        call bits_of
        cmp qword [size], 1
        je .next
        mov r14, PT2
        call bits_of
.next:  mov rcx, [size]
        inc rcx
        cmp rcx, 3
        jb .page
        inc ebp
        cmp ebp, 2
        jb .nx
        mov al, 0
        out 0xf4, al
        mov esi, .word
        mov ecx, 8
        mov edx, 0x8900
.letter:
        lodsb
        out dx, al
        loop .letter
        jmp $
.word:  db "Shutdown"

; The bits of rights 0 R/W, 1 U/S, 2 XD.
rights: mov edx, eax
        and eax, 3
        shl eax, 1
        test edx, 4
        jz .done
        bts rax, 63
.done:  ret

; Each bit of the entry at R14 set by itself, but for those that lead elsewhere in memory. PS of other than the last is one.
bits_of:
        call print_line
        mov r15, [r14]
        xor r13d, r13d
.bit:   cmp r13d, 7
        je .next
        cmp r13d, 21
        jb .low
        cmp r13d, 40
        jb .next
.low:   cmp r13d, 12
        jb .try
        cmp r13d, 40
        jae .try
        ; Of large pages bits 20:13 are reserved; elsewhere they are part of the address.
        cmp r13d, 12
        je .next
        mov rbx, [leaf]
        cmp r14, rbx
        jne .next
        cmp qword [size], 0
        je .next
.try:   mov rax, r15
        bts rax, r13
        mov [r14], rax
        mov rax, cr3
        mov cr3, rax
        call print_space
        try mov al, [r8 + 8]
.next:  inc r13d
        cmp r13d, 64
        jb .bit
        ; PS, where it maps no page.
        mov rbx, [leaf]
        cmp r14, rbx
        je .done
        cmp r14, PML4 + 8
        jne .done
        mov rax, r15
        bts rax, 7
        mov [r14], rax
        mov rax, cr3
        mov cr3, rax
        call print_space
        try mov al, [r8 + 8]
.done:  mov [r14], r15
        ret
image_end:
