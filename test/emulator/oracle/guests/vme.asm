; Virtual-8086 mode extensions and protected-mode virtual interrupts: INT n by the redirection bitmap, CLI, STI, PUSHF, POPF
; and IRET with VIF and VIP.
%define EXACT
%include "protected.inc"

VIF     equ 0x80000
VIP     equ 0x100000

; Runs 16-bit code in virtual-8086 mode with the flags given, then INT 41h, or what stops it before.
%macro virtual 2+
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        push dword 0x4444
        push dword 0x3333
        push dword 0x2222
        push dword 0x1111
        push dword 0x5000
        push dword 0x8000
        push dword 0x20002 | (%1)
        push dword 0
        push dword %%code
        iretd
        bits 16
%%code: %2
        int 0x41
        bits 32
%%next:
%endmacro

%macro user 2+
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        push dword UDATA
        push dword USTACK
        push dword 2 | (%1)
        push dword UCODE
        push dword %%code
        iretd
%%code: %2
        int 0x41
%%next:
%endmacro

; With every combination that matters of IOPL, IF, VIF and VIP.
%macro each 1+
        call print_line
        virtual 0x0000, %1
        virtual 0x0200, %1
        virtual 0x3000, %1
        virtual 0x3200, %1
        virtual VIF, %1
        virtual VIP, %1
        virtual VIP | VIF, %1
        virtual VIP | VIF | 0x3200, %1
%endmacro
%macro each_user 1+
        call print_line
        user 0x0000, %1
        user 0x0200, %1
        user 0x3000, %1
        user 0x3200, %1
        user VIF, %1
        user VIF | 0x200, %1
        user VIP, %1
        user VIP | 0x3000, %1
        user VIP | VIF, %1
        user VIP | VIF | 0x3000, %1
%endmacro

%macro all 0
        each cli
        each sti
        each call virtual_flags
        each call virtual_popf_0
        each call virtual_popf_if
        each call virtual_popf_tf
        each call virtual_popf_all
        each pushfd
        each call virtual_popfd
        each call virtual_iret_0
        each call virtual_iret_if
        each call virtual_iret_tf
        each call virtual_iret_all
        each call virtual_iretd
        each int 0x20
        each int 0x28
        each int3
        each into
        each call virtual_long
%endmacro

main:   ; Handlers of the program's own, at the bottom of memory: AX tells which one ran, CX the flags it began with.
        mov edi, 0
        mov ecx, 0x100
        mov eax, own_handler
        rep stosd
        ; The bitmap: 20h and 3 are the program's, 28h and 41h are not.
        mov word [TSS + 0x66], 0x88
        mov byte [GDT + 0x28], 0xa8
        mov byte [GDT + 0x28 + 5], 0x89
        mov ax, 0x28
        ltr ax
        mov edi, TSS + 0x68
        mov ecx, 8
        mov eax, -1
        rep stosd
        mov byte [TSS + 0x68 + 0x20 / 8], 0xfe
        mov byte [TSS + 0x68], 0xf7
        mov edi, TSS + 0x88
        mov ecx, 9
        mov eax, -1
        rep stosd
        say "plain"
        all
        mov eax, 1
        mov cr4, eax
        say 10
        say "extended"
        all
        ; The bitmap beyond the segment, and before it.
        say 10
        say "bitmap"
        mov word [TSS + 0x66], 0x10
        each int 0x20
        mov word [TSS + 0x66], 0xc8
        each int 0x20
        mov word [TSS + 0x66], 0x88
        say 10
        say "protected"
        each_user cli
        each_user sti
        mov eax, 2
        mov cr4, eax
        each_user cli
        each_user sti
        each_user int 0x20
        each_user call protected_flags
        each_user call protected_popf
        ; What CPL 0 itself makes of VIF and VIP.
        push dword VIF | VIP | 2
        popfd
        pushfd
        pop eax
        call print32
        push dword 2
        popfd
        try cli
        try sti
        cli
        xor eax, eax
        mov cr4, eax
        jmp finish

protected_flags:
        pushfd
        pop eax
        mov eax, 0x1234
        ret
protected_popf:
        push dword 0x203ed7 | VIF | VIP
        popfd
        ret

        bits 16
own_handler:
        mov bp, sp
        mov cx, [bp + 4]
        mov [0x7f0], cx
        push cx
        pushf
        pop cx
        mov [0x7f2], cx
        pop cx
        iret
virtual_flags:
        pushf
        pop dx
        test dx, 0x200
        jz .clear
        test dx, 0x1000
        jz .set
        int 0x43
.set:   int 0x44
.clear: test dx, 0x1000
        jz .both
        int 0x45
.both:  ret
virtual_popf_0:
        push word 2
        popf
        ret
virtual_popf_if:
        push word 0x202
        popf
        ret
virtual_popf_tf:
        push word 0x102
        popf
        ret
virtual_popf_all:
        push word 0x7ed7
        popf
        ret
virtual_popfd:
        push dword 0x247ed7
        popfd
        ret
virtual_iret_0:
        push word 2
        jmp virtual_iret
virtual_iret_if:
        push word 0x202
        jmp virtual_iret
virtual_iret_tf:
        push word 0x102
        jmp virtual_iret
virtual_iret_all:
        push word 0x7ed7
virtual_iret:
        push word 0
        push word .back
        iret
.back:  ret
virtual_iretd:
        push dword 0x247ed7
        push dword 0
        push dword .back
        iretd
.back:  ret
virtual_long:
        int 0x20
        mov dx, [0x7f0]
        mov dx, [0x7f2]
        ret
