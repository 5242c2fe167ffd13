; Segment limits: accesses of every size at every place around the limits of segments of every kind, stacks that wrap or
; end, code that runs into its limit, and alignment checks.
%define EXACT
%include "protected.inc"

TSS2    equ 0x24000

%macro segment_at 4 ; base, limit (20 bits), access, flags
        dw (%2) & 0xffff, (%1) & 0xffff
        db ((%1) >> 16) & 0xff, %3, (((%2) >> 16) & 0xf) | (%4), (%1) >> 24
%endmacro

        align 8
more:
UP      equ 0x168
        segment_at 0x30000, 0x123, 0x93, 0x40
UPBIG   equ 0x170
        segment_at 0x30000, 1, 0x93, 0xc0       ; 8 KiB
UP16    equ 0x178
        segment_at 0x30000, 0xffff, 0x93, 0
DOWN    equ 0x180
        segment_at 0x30000, 0x100, 0x97, 0x40
DOWN16  equ 0x188
        segment_at 0x30000, 0x100, 0x97, 0
DOWNBIG equ 0x190
        segment_at 0x30000, 1, 0x97, 0xc0
ZERO    equ 0x198
        segment_at 0x30000, 0, 0x93, 0x40
NOTHING equ 0x1a0
        segment_at 0x30000, 0xfffff, 0x97, 0xc0 ; expands down from the top
READ    equ 0x1a8
        segment_at 0x30000, 0x123, 0x91, 0x40
CODE    equ 0x1b0
        segment_at 0x30000, 0x123, 0x9b, 0x40
CODE16B equ 0x1b8
        segment_at 0x30000, 0x1ff, 0x9b, 0
STACK16 equ 0x1c0
        segment_at 0x50000, 0xffff, 0x93, 0
SMALL16 equ 0x1c8
        segment_at 0x50000, 0x7fff, 0x93, 0
SMALL32 equ 0x1d0
        segment_at 0x50000, 0x7fff, 0x93, 0x40
DOWNST  equ 0x1d8
        segment_at 0x50000, 0xfff, 0x97, 0x40
TASK    equ 0x1e0
        segment_at TSS2, 0x67, 0x89, 0
more_end:
table:  dw 0x168 + more_end - more - 1
        dd GDT

; Everything at the address in EBX of FS.
accesses:
        try mov al, [fs:ebx]
        try mov ax, [fs:ebx]
        try mov eax, [fs:ebx]
        try mov [fs:ebx], al
        try mov [fs:ebx], ax
        try mov [fs:ebx], eax
        try bound ecx, [fs:ebx]
        try lgs eax, [fs:ebx]
        try cmpxchg8b [fs:ebx]
        try add [fs:ebx], ecx
        try bt [fs:ebx], ecx
        try sgdt [fs:ebx]
        ret

%macro around 2-*
        mov eax, %1
        mov fs, eax
%rotate 1
%rep %0 - 1
        call print_line
        mov eax, fs
        call print16
        mov ebx, %1
        mov eax, ebx
        call print32
        xor ecx, ecx
        call fill
        call accesses
%rotate 1
%endrep
%endmacro

; What is read there as a pointer or a bound must do no harm.
fill:   push edi
        push ecx
        mov edi, 0x2ff00
        mov ecx, 0x4440
        mov eax, 0
        rep stosd
        pop ecx
        pop edi
        ret

%macro stack 3+ ; SS, ESP
        call print_line
        mov eax, %2
        call print32
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        mov ebp, esp
        mov edx, %1
        mov ss, edx
        mov esp, %2
        %3
        mov ecx, esp
        mov edx, KDATA
        mov ss, edx
        mov esp, [ss:resume_esp]
        mov eax, ecx
        call print32
%%next: mov edx, KDATA
        mov ss, edx
        mov esp, [resume_esp]
%endmacro

main:   mov esi, more
        mov edi, GDT + 0x168
        mov ecx, more_end - more
        rep movsb
        lgdt [table]
        mov dword [TSS2 + 32], stack_task
        mov dword [TSS2 + 36], 2
        mov dword [TSS2 + 56], 0x48000
        mov dword [TSS2 + 72], UDATA
        mov dword [TSS2 + 76], KCODE
        mov dword [TSS2 + 80], KDATA
        mov dword [TSS2 + 84], UDATA
        mov dword [TSS2 + 102], 0x68
        around UP, 0x11a, 0x11c, 0x11d, 0x11e, 0x11f, 0x120, 0x121, 0x122, 0x123, 0x124, 0xfffffffe, 0xffffffff
        around UPBIG, 0x1ff8, 0x1ffc, 0x1ffd, 0x1fff, 0x2000
        around UP16, 0xfff8, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0x10000
        around DOWN, 0xfc, 0xff, 0x100, 0x101, 0x102, 0x7000
        around DOWN16, 0xff, 0x100, 0x101, 0xfff8, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0x10000
        around DOWNBIG, 0x1ffe, 0x1fff, 0x2000, 0x2001
        around ZERO, 0, 1
        around NOTHING, 0, 0x1000, 0xfffffff0
        around READ, 0, 0x123, 0x124
        around CODE, 0, 0x123, 0x124
        around 0, 0, 1
        ; Stacks. A fault of the stack cannot be delivered on it: it goes to a task.
        say 10
        say "stacks"
        mov dword [IDT + 12 * 8], TASK << 16
        mov dword [IDT + 12 * 8 + 4], 0x8500
        mov dword [IDT + 8 * 8], TASK << 16
        mov dword [IDT + 8 * 8 + 4], 0x8500
%macro all_stacks 1+
        stack STACK16, 0x1000, %1
        stack STACK16, 0, %1
        stack STACK16, 1, %1
        stack STACK16, 2, %1
        stack STACK16, 3, %1
        stack STACK16, 0xfffe, %1
        stack STACK16, 0xffff, %1
        stack STACK16, 0x12340000, %1
        stack SMALL16, 0x8000, %1
        stack SMALL16, 0x8002, %1
        stack SMALL16, 0x7fff, %1
        stack SMALL16, 0, %1
        stack SMALL32, 0x8000, %1
        stack SMALL32, 0x8002, %1
        stack SMALL32, 0x7ffe, %1
        stack SMALL32, 0, %1
        stack DOWNST, 0x1004, %1
        stack DOWNST, 0x1002, %1
        stack DOWNST, 0x1000, %1
%endmacro
        all_stacks push eax
        all_stacks push ax
        ; Of a segment register either two bytes are written or four; Bochs writes two, and here it is four.
        all_stacks pop eax
        all_stacks pop ax
        all_stacks pushad
        all_stacks popaw
        all_stacks enter 8, 0
        all_stacks enter 8, 3
        all_stacks mov eax, [esp]
        all_stacks mov [esp + 0x7ffe], ax
        all_stacks pushfd
        say 10
        jmp finish

; The task of stack faults: tells the error code and where it happened, and goes back to the first task's next test.
stack_task:
        say " stack fault"
        pop eax
        call print32
        mov eax, [TSS + 32]
        call print32
        mov eax, [TSS + 56]
        call print32
        mov eax, [TSS + 36]
        and eax, ~0x8d5
        call print32
        mov eax, [resume_eip]
        mov [TSS + 32], eax
        mov dword [TSS + 80], KDATA
        mov eax, [resume_esp]
        mov [TSS + 56], eax
        iretd
        jmp stack_task
