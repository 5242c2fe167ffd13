; Hardware task switches: every way into a task and back, 32- and 16-bit TSSs, and what each bad TSS does in which task.
%define EXACT
%include "protected.inc"

TSS2    equ 0x24000
TSS3    equ 0x25000
TSS16   equ 0x26000
STACK2  equ 0x50000
STACK3  equ 0x48000

%macro tss 3 ; address, limit, access
        dw %2, (%1) & 0xffff
        db (%1) >> 16, %3, 0, 0
%endmacro
%macro task_gate 2 ; selector, access
        dw 0, %1
        db 0, %2
        dw 0
%endmacro

        align 8
more:
T2      equ 0x168
        tss TSS2, 0x67, 0x89
T3      equ 0x170
        tss TSS3, 0x67, 0x89
T16     equ 0x178
        tss TSS16, 0x2b, 0x81
G2      equ 0x180
        task_gate T2, 0x85
U2      equ 0x188
        tss TSS2, 0x67, 0xe9
GU2     equ 0x190
        task_gate T2, 0xe5
BRIEF   equ 0x198
        tss TSS2, 0x66, 0x89
BRIEF16 equ 0x1a0
        tss TSS16, 0x2a, 0x81
ABSENT  equ 0x1a8
        tss TSS2, 0x67, 0x09
BUSY    equ 0x1b0
        tss TSS2, 0x67, 0x8b
GABSENT equ 0x1b8
        task_gate T2, 0x05
GNULL   equ 0x1c0
        task_gate 0, 0x85
GLOCAL  equ 0x1c8
        task_gate T2 | 4, 0x85
GCODE   equ 0x1d0
        task_gate KCODE, 0x85
GBEYOND equ 0x1d8
        task_gate 0x400, 0x85
GBUSY   equ 0x1e0
        task_gate BUSY, 0x85
GTABS   equ 0x1e8
        task_gate ABSENT, 0x85
GBRIEF  equ 0x1f0
        task_gate BRIEF, 0x85
G16     equ 0x1f8
        task_gate T16, 0x85
CODE16B equ 0x200               ; 16-bit code and data for ring 0
        dq 0x00009b000000ffff
DATA16B equ 0x208
        dq 0x000093000000ffff
CODE1   equ 0x210               ; ring 1
        dq 0x00cfbb000000ffff
DATA1   equ 0x218
        dq 0x00cfb3000000ffff
more_end:
table:  dw 0x168 + more_end - more - 1
        dd GDT

; How a task that is entered goes on.
%macro show 1
        push %1
        call print_pushed
%endmacro
print_pushed:
        push eax
        mov eax, [esp + 8]
        call print32
        pop eax
        ret 4

; Prints all that a task begins with.
show_task:
        pushfd
        push eax
        say " {"
        pop eax
        show eax
        show ebx
        show ecx
        show edx
        show esi
        show edi
        show ebp
        popfd
        pushfd
        pushfd
        pop eax
        call print32
        lea eax, [esp + 8]
        call print32
        mov ax, cs
        call print16
        mov ax, ss
        call print16
        mov ax, ds
        call print16
        mov ax, es
        call print16
        mov ax, fs
        call print16
        mov ax, gs
        call print16
        str ax
        call print16
        sldt ax
        call print16
        mov eax, cr0
        and eax, ~0x60000000
        call print32
        mov eax, cr3
        call print32
        mov eax, dr7
        call print32
        mov ax, [TSS2]
        call print16
        mov ax, [TSS16]
        call print16
        call show_busy
        clts
        say " }"
        popfd
        ret
show_busy:
        mov al, [GDT + 0x2d]
        call print8
        mov al, [GDT + T2 + 5]
        call print8
        mov al, [GDT + T3 + 5]
        call print8
        mov al, [GDT + T16 + 5]
        call print8
        mov al, [GDT + U2 + 5]
        call print8
        ret

; A TSS as a switch has left it: EBX, ECX doublewords.
show_tss:
        say " <"
.next:  mov eax, [ebx]
        call print32
        add ebx, 4
        loop .next
        say " >"
        ret

; Sets up all tasks anew.
prepare:
        pushad
        mov esi, more
        mov edi, GDT + 0x168
        mov ecx, more_end - more
        rep movsb
        mov byte [GDT + 0x2d], 0x8b
        lgdt [table]
        mov edi, TSS2
        xor eax, eax
        mov ecx, 0x1a
        rep stosd
        mov edi, TSS16
        mov ecx, 0x0b
        rep stosd
        mov dword [TSS2 + 4], STACK2 - 0x800
        mov dword [TSS2 + 8], KDATA
        mov dword [TSS2 + 28], 0x1000
        mov dword [TSS2 + 32], second
        mov dword [TSS2 + 36], 0x200846
        mov dword [TSS2 + 40], 0x11111111
        mov dword [TSS2 + 44], 0x22222222
        mov dword [TSS2 + 48], 0x33333333
        mov dword [TSS2 + 52], 0x44444444
        mov dword [TSS2 + 56], STACK2
        mov dword [TSS2 + 60], 0x55555555
        mov dword [TSS2 + 64], 0x66666666
        mov dword [TSS2 + 68], 0x77777777
        mov dword [TSS2 + 72], KDATA
        mov dword [TSS2 + 76], KCODE
        mov dword [TSS2 + 80], KDATA
        mov dword [TSS2 + 84], UDATA
        mov dword [TSS2 + 88], 0x5b
        mov dword [TSS2 + 92], 0
        mov dword [TSS2 + 96], 0x30
        mov word [TSS2 + 102], 0x68
        mov word [TSS16 + 14], second16
        mov word [TSS16 + 16], 0x0846
        mov word [TSS16 + 18], 0x1111
        mov word [TSS16 + 20], 0x2222
        mov word [TSS16 + 22], 0x3333
        mov word [TSS16 + 24], 0x4444
        mov word [TSS16 + 26], 0x7000
        mov word [TSS16 + 28], 0x5555
        mov word [TSS16 + 30], 0x6666
        mov word [TSS16 + 32], 0x7777
        mov word [TSS16 + 34], KDATA
        mov word [TSS16 + 36], KCODE
        mov word [TSS16 + 38], DATA16B
        mov word [TSS16 + 40], UDATA
        mov word [TSS16 + 42], 0
        ; The task that takes faults of tasks.
        mov dword [TSS3 + 28], 0x1000
        mov eax, [third_entry]
        mov [TSS3 + 32], eax
        mov dword [TSS3 + 36], 2
        mov dword [TSS3 + 56], STACK3
        mov dword [TSS3 + 72], UDATA
        mov dword [TSS3 + 76], KCODE
        mov dword [TSS3 + 80], KDATA
        mov dword [TSS3 + 84], UDATA
        mov dword [TSS3 + 88], 0
        mov dword [TSS3 + 92], 0
        mov dword [TSS3 + 96], 0
        mov word [TSS3 + 100], 0
        mov word [TSS3 + 102], 0x68
        ; Distinct registers to find in a saved state.
        clts
        popad
        mov eax, 0xa0a0a0a0
        mov ebx, 0xb0b0b0b0
        mov ecx, 0xc0c0c0c0
        mov edx, 0xd0d0d0d0
        mov esi, 0xe0e0e0e0
        mov edi, 0xf0f0f0f0
        mov ebp, 0x90909090
        ret

has_code: db 0
is_fault: db 0
third_entry: dd third
; A fault comes again and again unless the task that faulted goes on elsewhere.
go_on:  cmp byte [is_fault], 0
        je .done
        mov eax, [resume_eip]
        mov [TSS + 32], eax
.done:  ret
second: call show_task
        cmp byte [has_code], 0
        je .return
        pop eax
        call print32
.return:
        call go_on
        pushfd
        test dword [esp], 0x4000
        lea esp, [esp + 4]
        jz .jump
        iretd
        say " again"
        jmp second
.jump:  jmp 0x28:0
        say " again"
        jmp second

; Runs in a 32-bit code segment on a 16-bit stack.
second16:
        movzx esp, sp
        call show_task
        cmp byte [has_code], 0
        je .return
        pop ax
        movzx eax, ax
        call print32
.return:
        call go_on
        pushfd
        test dword [esp], 0x4000
        lea esp, [esp + 4]
        jz .jump
        iretd
.jump:  jmp 0x28:0

; A fault in a task: what was pushed, and the state of the task that faulted; then back to the first task.
third:  say " fault"
        mov eax, esp
        call print32
        cmp esp, STACK3
        je .plain
        pop eax
        call print32
.plain: mov ax, [TSS3]
        call print16
        call show_busy
        mov ebx, TSS2 + 32
        mov ecx, 17
        cmp word [TSS3], 0x28
        jne .second
        mov ebx, TSS + 32
.second:
        call show_tss
        pushfd
        and dword [esp], ~0x4000
        popfd
        mov byte [GDT + 0x2d], 0x89
        jmp 0x28:0
        jmp third

%macro into 1+
        call print_line
        call prepare
        try %1
        call after
%endmacro
after:  call show_task
        mov ebx, TSS + 28
        mov ecx, 18
        call show_tss
        mov ebx, TSS2 + 28
        mov ecx, 19
        call show_tss
        mov ebx, TSS16
        mov ecx, 11
        call show_tss
        pushfd
        and dword [esp], ~0x4000
        popfd
        ret

; With one field of the new TSS changed.
%macro bad 3 ; offset, value, size
        call print_line
        mov eax, %1
        call print16
        mov eax, %2
        call print32
        call prepare
        mov %3 [TSS2 + %1], %2
        mov dword [resume_eip], %%back
        mov [resume_esp], esp
        call T2:0
%%back: call show_busy
        mov ax, [TSS]
        call print16
        pushfd
        and dword [esp], ~0x4000
        popfd
%endmacro

%macro gates 2 ; vector, selector of the TSS
        mov dword [IDT + (%1) * 8], (%2) << 16
        mov dword [IDT + (%1) * 8 + 4], 0xe500
%endmacro

main:   mov eax, 0x455
        mov dr7, eax
        say "ways"
        into jmp T2:0
        into call T2:0
        into jmp G2:0x12345
        into call G2:0x12345
        into jmp T16:0
        into call T16:0
        into jmp G16:0
        into call G16:0
        into jmp BUSY:0
        into call BUSY:0
        into jmp BRIEF:0
        into call BRIEF:0
        into jmp BRIEF16:0
        into jmp ABSENT:0
        into call ABSENT:0
        into jmp 0x28:0
        into jmp GABSENT:0
        into jmp GNULL:0
        into jmp GLOCAL:0
        into jmp GCODE:0
        into jmp GBEYOND:0
        into jmp GBUSY:0
        into jmp GTABS:0
        into jmp GBRIEF:0
        into call GBUSY:0
        into jmp T2 | 3:0
        into jmp U2 | 3:0
        into jmp GU2 | 3:0
        into jmp T2 | 4:0
        say 10
        say "events"
        gates 0x42, T2
        gates 0x43, T16
        gates 0x44, 0
        gates 0x45, T2 | 4
        gates 0x46, KCODE
        gates 0x47, BUSY
        gates 0x48, ABSENT
        gates 0x49, BRIEF
        gates 0x4a, 0x400
        gates 0x4b, T2
        mov byte [IDT + 0x4b * 8 + 5], 0x65
        gates 6, T2
        into int 0x42
        into int 0x43
        into int 0x44
        into int 0x45
        into int 0x46
        into int 0x47
        into int 0x48
        into int 0x49
        into int 0x4a
        into int 0x4b
        mov byte [is_fault], 1
        into ud2
        mov byte [has_code], 1
        gates 13, T2
        into db 0x2e, 0x8e, 0x1d, 0, 0, 0, 0x20 ; mov ds, [cs:20000000h]: #GP(selector) or what is there
        into int 0x81
        gates 13, T16
        into int 0x81
        mov byte [has_code], 0
        ; Returns without a task to return to.
        gates 10, T3
        gates 11, T3
        gates 12, T3
        gates 13, T3
        say 10
        say "links"
%macro link 1
        call print_line
        call prepare
        mov word [TSS], %1
        mov dword [resume_eip], %%back
        mov [resume_esp], esp
        pushfd
        or dword [esp], 0x4000
        popfd
        iretd
%%back: call show_busy
        pushfd
        and dword [esp], ~0x4000
        popfd
        mov esp, [resume_esp]
%endmacro
        mov dword [third_entry], third_link
        link 0
        link T2
        link BUSY
        link T2 | 4
        link KCODE
        link 0x400
        link 0x28
        mov dword [third_entry], third
        say 10
        say "faults"
        bad 76, 0, word
        ; Where code and stack are wrong both, Bochs looks at the stack first; the manual's table 8-1 begins with the code.
        bad 76, 0x48, word
        bad 76, 0x138, word
        bad 76, 0x78, word
        bad 76, 0x400, word
        bad 76, 0xc0, word
        bad 80, 0, word
        bad 80, KDATA | 3, word
        bad 80, UDATA, word
        bad 80, KCODE, word
        bad 80, 0x50, word
        bad 80, 0x70, word
        bad 80, 0x80, word
        bad 80, 0x400, word
        bad 84, 0x70, word
        bad 84, 0x38, word
        bad 84, 0x400, word
        bad 84, DATA1, word
        bad 84, 0x13b, word
        bad 84, KDATA | 3, word
        bad 84, 0x28, word
        bad 72, 0x70, word
        bad 88, 0x70, word
        bad 92, 0x70, word
        bad 92, 0x38, word
        bad 96, 0x28, word
        bad 96, 0xb8, word
        bad 96, 0x34, word
        bad 96, 0x400, word
        bad 96, KDATA, word
        ; Two at once: which is found first.
%macro two 4
        call print_line
        call prepare
        mov word [TSS2 + %1], %2
        mov word [TSS2 + %3], %4
        call T2:0
        call show_busy
        pushfd
        and dword [esp], ~0x4000
        popfd
%endmacro
        two 96, 0x28, 76, KDATA
        two 96, 0x28, 80, KCODE
        two 80, KCODE, 84, 0x70
        two 76, CODE16B, 34, 1
        two 72, 0x70, 84, 0x38
        two 88, 0x70, 92, 0x38
        two 84, 0x70, 88, 0x38
        two 72, 0x70, 88, 0x38
        ; Into virtual-8086 mode, and the debug trap.
        say 10
        say "traps"
        call prepare
        mov dword [TSS2 + 36], 0x20002
        mov dword [TSS2 + 32], virtual
        mov dword [TSS2 + 76], 0
        mov dword [TSS2 + 80], 0x5000
        mov dword [TSS2 + 56], 0x100
        mov dword [resume_eip], .virtual
        mov [resume_esp], esp
        mov word [IDT + 13 * 8 + 2], T3
        call T2:0
.virtual:
        call show_busy
        call print_line
        call prepare
        mov word [TSS2 + 100], 1
        gates 1, T3
        call T2:0
        call show_busy
        mov eax, dr6
        call print32
        jmp finish

third_link:
        say " link"
        cmp esp, STACK3
        je .plain
        pop eax
        call print32
.plain: mov ax, [TSS3]
        call print16
        call show_busy
        mov byte [GDT + 0x2d], 0x89
        mov eax, [resume_eip]
        mov [TSS + 32], eax
        pushfd
        and dword [esp], ~0x4000
        popfd
        jmp 0x28:0

        bits 16
virtual:
        hlt
        bits 32
