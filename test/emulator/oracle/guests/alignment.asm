; Alignment checks: accesses of every size at every place, at CPL 3, in virtual-8086 mode and at CPL 0, with CR0.AM and
; EFLAGS.AC set and clear.
%define EXACT
%include "protected.inc"

DATA    equ 0x30000

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

%macro virtual 2+
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        push dword 0x3000
        push dword 0x3000
        push dword 0x3000
        push dword 0x3000
        push dword 0x5000
        push dword 0x8000
        push dword 0x23002 | (%1)
        push dword 0
        push dword %%code
        iretd
        bits 16
%%code: %2
        int 0x41
        bits 32
%%next:
%endmacro

AC      equ 0x40000

%macro each 1+
%assign place DATA
%rep 9
        call print_line
        user AC | 0x3002, %1
%assign place place + 1
%endrep
        user 0x3002, %1
        push dword AC | 2
        popfd
        try %1
        push dword 2
        popfd
%endmacro

main:   mov eax, 0x40011
        mov cr0, eax
        xor ecx, ecx
        xor edx, edx
        each mov al, [place]
        each mov ax, [place]
        each mov eax, [place]
        each mov [place], ax
        each mov [place], eax
        each add [place], ecx
        each xchg [place], ecx
        each cmpxchg8b [place]
        each push dword [place]
        each push word [place]
        each les eax, [place]
        each bound ecx, [place]
        each sgdt [place]
        each sldt [place]
        each bt dword [place], 9
        each movzx eax, word [place]
        each lea eax, [place]
        ; Stacks.
%assign off 0
%rep 5
        call print_line
        mov dword [DATA + 0x100], off
        user AC | 0x3002, call pushes
        call print_line
        user AC | 0x3002, call words
        call print_line
        user AC | 0x3002, call pops
        call print_line
        user AC | 0x3002, call calls
        call print_line
        user AC | 0x3002, call many
%assign off off + 1
%endrep
        ; String instructions.
        call print_line
        mov esi, DATA + 1
        mov edi, DATA + 0x20
        user AC | 0x3002, lodsd
        mov esi, DATA + 1
        mov edi, DATA + 0x20
        user AC | 0x3002, movsd
        mov esi, DATA
        mov edi, DATA + 0x21
        mov ecx, 3
        user AC | 0x3002, rep movsd
        mov eax, ecx
        call print32
        ; Virtual-8086 mode.
        call print_line
        virtual AC, mov ax, [1]
        virtual AC, mov ax, [2]
        virtual AC, mov eax, [2]
        virtual 0, mov ax, [1]
        ; A page fault and an alignment check at once, and the limit of a segment before both.
        call print_line
        mov eax, 0x11
        mov cr0, eax
        user AC | 0x3002, mov eax, [DATA + 1]
        jmp finish

pushes: pop ebx
        sub esp, [DATA + 0x100]
        push ebx
        add esp, 4
        jmp ebx
words:  pop ebx
        sub esp, [DATA + 0x100]
        push bx
        add esp, 2
        jmp ebx
pops:   pop ebx
        sub esp, [DATA + 0x100]
        pop ecx
        jmp ebx
calls:  pop ebx
        sub esp, [DATA + 0x100]
        call .next
.next:  pop ecx
        jmp ebx
many:   pop ebx
        sub esp, [DATA + 0x100]
        pushad
        add esp, 32
        enter 4, 1
        jmp ebx
