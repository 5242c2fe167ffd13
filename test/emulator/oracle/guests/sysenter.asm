; SYSENTER and SYSEXIT in protected and virtual-8086 mode, LMSW and SMSW, and what writes of control registers refuse.
%define EXACT
%include "protected.inc"

%macro user 2+
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        push dword UDATA
        push dword USTACK
        push dword %1
        push dword UCODE
        push dword %%code
        iretd
%%code: %2
        int 0x41
%%next:
%endmacro

%macro virtual 1+
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        push dword 0x5000
        push dword 0x8000
        push dword 0x23002
        push dword 0
        push dword %%code
        iretd
        bits 16
%%code: %1
        int 0x41
        bits 32
%%next:
%endmacro

%macro msr 3 ; number, low, high
        mov ecx, %1
        mov eax, %2
        mov edx, %3
        wrmsr
%endmacro

%macro control 2 ; CR4, then CR0 as they were; a value to write
        call print_line
        mov eax, %2
        try mov %1, eax
        mov eax, %1
        and eax, ~0x60000000
        call print32
        xor eax, eax
        mov cr4, eax
        mov eax, 0x11
        mov cr0, eax
%endmacro

; Where SYSENTER arrives: which segments, flags and stack.
arrived:
        pushfd
        pop eax
        push eax
        mov eax, esp
        add eax, 4
        call print32
        pop eax
        and eax, ~0x8d5
        call print32
        mov ax, cs
        call print16
        mov ax, ss
        call print16
        lar eax, [cs_selector]
        int 0x40
cs_selector: dw 8

arrived_user:
        pushfd
        pop eax
        and eax, ~0x8d5
        mov ebx, cs
        mov ecx, ss
        mov edx, esp
        int 0x41

main:   mov dword [resume_ring], 0
        say "sysenter"
        msr 0x174, 0, 0
        msr 0x175, 0x55000, 0
        msr 0x176, arrived, 0
        call print_line
        try sysenter
        user 0x3202, sysenter
        virtual sysenter
        mov edx, arrived_user
        mov ecx, 0x6f000
        try sysexit
        user 0x3202, sysexit
        virtual sysexit
        msr 0x174, KCODE, 0
        call print_line
        mov dword [resume_eip], .inner
        mov [resume_esp], esp
        push dword 0x40303
        popfd
        push dword 2
        popfd
        sysenter
.inner: call print_line
        user 0x40202, sysenter
        call print_line
        user 0x3202, sysenter
        call print_line
        virtual sysenter
        ; Back out: CS and SS are 10h and 18h above, at CPL 3.
        call print_line
        mov dword [resume_eip], .outer
        mov [resume_esp], esp
        mov edx, arrived_user
        mov ecx, 0x6f000
        sysexit
.outer: mov eax, ebx
        call print16
        user 0x2, sysexit
        msr 0x174, KCODE | 3, 0
        call print_line
        mov dword [resume_eip], .rpl
        mov [resume_esp], esp
        sysenter
.rpl:   say 10
        say "machine status"
        xor ebx, ebx
        call print_line
        mov eax, 0xfffe
        try lmsw ax
        smsw eax
        and eax, ~0x60000000
        call print32
        mov eax, 0
        try lmsw ax
        smsw ax
        call print16
        user 0x3002, smsw eax
        user 0x3002, lmsw ax
        mov word [esp - 16], 0x1f
        try lmsw [esp - 16]
        smsw ecx
        mov eax, ecx
        and eax, ~0x60000000
        call print32
        clts
        mov eax, 0x11
        mov cr0, eax
        say 10
        say "control"
        control cr0, 0x80000010
        control cr0, 0x20000011
        control cr0, 0x60000011
        control cr0, 0x00000001
        control cr0, 0x0005003f
        control cr0, 0x1ff8ffd1
        control cr4, 0x00000001
        control cr4, 0x000007ff & ~0x640
        control cr4, 0x00000800
        control cr4, 0x00001000
        control cr4, 0x00008000
        control cr4, 0x00020000
        control cr4, 0x00300000
        control cr4, 0x80000000
        control cr4, 0x02000000
        jmp finish
