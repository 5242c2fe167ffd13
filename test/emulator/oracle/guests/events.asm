; Exceptions and software interrupts at CPL 0, CPL 3 and in virtual-8086 mode; IRET and RETF to every kind of frame.
%include "protected.inc"

bounds: dd 10, 20
bounds_word: dw 1, 2
twice:  dd 0x1b

; Runs instructions at CPL 3 with the flags given, then INT 41h.
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

; Runs one instruction everywhere: at CPL 0, and at CPL 3 with IOPL 0 and 3.
%macro everywhere 1+
        call print_line
        try %1
        user 0x0002, %1
        user 0x3002, %1
%endmacro

%macro both 2
        call print_line
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        %1
        %2
        call print_ok
%%next: user 0x2, %1
        user 0x3202, %2
%endmacro

; Runs a 16-bit instruction in virtual-8086 mode with the flags given, then INT 41h.
%macro virtual 2+
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        push dword 0x4444
        push dword 0x3333
        push dword 0x2222
        push dword 0x1111
        push dword 0x5000
        push dword 0x8000
        push dword 0x20000 | (%1)
        push dword 0
        push dword %%code
        iretd
        bits 16
%%code: %2
        int 0x41
        bits 32
%%next:
%endmacro

%macro in_virtual 1+
        call print_line
        virtual 0x0002, %1
        virtual 0x3002, %1
        virtual 0x3202, %1
%endmacro

print_debug:
        mov eax, dr6
        call print32
        xor eax, eax
        mov dr6, eax
        ret

main:   mov eax, 15
        xor ebx, ebx
        ; Gates of every kind.
        mov edi, IDT + 0x50 * 8
        mov byte [edi + 5], 0x6e                ; 50: not present
        mov word [edi + 8 + 2], 0               ; 51: no segment
        mov word [edi + 16 + 2], KDATA          ; 52: data
        mov byte [edi + 24 + 5], 0xe2           ; 53: no gate
        mov byte [edi + 32 + 5], 0xef           ; 54: trap gate
        mov word [edi + 40 + 2], 0x48           ; 55: to conforming code
        mov word [edi + 48 + 2], UCODE          ; 56: to an outer level
        mov word [edi + 56 + 2], 0x78           ; 57: to code that is not present
        mov word [edi + 64 + 2], 0x400          ; 58: beyond the table
        everywhere div bl
        everywhere div ebx
        everywhere int3
        everywhere into
        everywhere bound eax, [bounds]
        everywhere bound ebx, [bounds]
        everywhere bound ax, [bounds_word]
        everywhere ud2
        everywhere db 0x0f, 0xff, 0xc0
        everywhere db 0xf0, 0x01, 0xc0
        everywhere lock inc dword [bounds]
        everywhere db 0xf0, 0x3b, 0x05, 0, 0, 2, 0
        everywhere db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
        everywhere db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
%assign number 0x20
%rep 0x80 - 0x20
        everywhere int number
%assign number number + 8
%if number >= 0x80
%exitrep
%endif
%endrep
        everywhere int 0x50
        everywhere int 0x51
        everywhere int 0x52
        everywhere int 0x53
        everywhere int 0x54
        everywhere int 0x55
        everywhere int 0x56
        everywhere int 0x57
        everywhere int 0x58
        everywhere int 0x80
        everywhere int 0x81
        everywhere int 0xff
        ; Privileged and sensitive instructions.
        everywhere cli
        everywhere sti
        everywhere cli
        user 0x2, hlt
        everywhere clts
        everywhere invlpg [bounds]
        everywhere mov eax, cr0
        try mov eax, cr1
        everywhere mov eax, dr0
        everywhere mov cr2, eax
        everywhere lgdt [gdt_at]
        everywhere lidt [idt_at]
        everywhere lldt bx
        user 0x3002, ltr bx
        everywhere lmsw ax
        mov eax, 0x11
        mov cr0, eax
        user 0x3002, rdmsr
        user 0x3002, wrmsr
        user 0x3002, wbinvd
        user 0x3002, invd
        everywhere sgdt [bounds]
        everywhere sidt [bounds]
        everywhere sldt ax
        everywhere str ax
        everywhere smsw ax
        everywhere rdtsc
        everywhere in al, 0x80
        everywhere out 0x80, al
        everywhere cpuid
        mov eax, 0x11
        mov cr0, eax
        ; What POPF changes.
        call print_line
%assign iopl 0
%rep 4
        user 0x2 | (iopl << 12), push dword 0x257fd7 & ~0x100
        user 0x2 | (iopl << 12), call set_flags
        user 0x202 | (iopl << 12), call clear_flags
        user 0x202 | (iopl << 12), call set_flags_word
%assign iopl iopl + 1
%endrep
        call set_flags
        pushfd
        pop eax
        call print32
        push dword 2
        popfd
        ; CR4.TSD, CR4.UMIP.
        call print_line
        mov eax, 0x804
        mov cr4, eax
        everywhere rdtsc
        everywhere sgdt [bounds]
        everywhere sldt ax
        everywhere smsw ax
        everywhere str [bounds]
        xor eax, eax
        mov cr4, eax
        call debug
        call double_faults
        call frames
        call io_bitmap
        call virtual_mode
        jmp finish

set_flags:
        push dword 0x257fd7 & ~0x4100
        popfd
        ret
clear_flags:
        push dword 2
        popfd
        ret
set_flags_word:
        push word 0x3ed5
        popfw
        ret

debug:  call print_line
        say "debug"
        xor ebx, ebx
        call print_debug
        ; A single step, and one that MOV SS holds back.
        mov dword [resume_eip], .stepped
        mov [resume_esp], esp
        pushfd
        or dword [esp], 0x100
        popfd
        nop
        nop
.stepped:
        call print_debug
        mov ecx, ss
        mov dword [resume_eip], .held
        mov [resume_esp], esp
        pushfd
        or dword [esp], 0x100
        popfd
        mov ss, ecx
        nop
        nop
.held:  call print_debug
        user 0x102, nop
        call print_debug
        mov esi, bounds
        mov edi, twice
        mov ecx, 1
        user 0x102, rep lodsb
        call print_debug
        mov ecx, 3
        user 0x102, rep lodsb
        mov eax, ecx
        call print32
        call print_debug
        user 0x3102, div bl
        call print_debug
        user 0x3002, push dword 0x3102
        call print_debug
        user 0x102, int 0x40
        call print_debug
        user 0x102, into
        call print_debug
        mov eax, 0x400
        mov dr7, eax
        try mov eax, dr4
        mov eax, 8
        mov cr4, eax
        try mov eax, dr4
        try mov dr5, eax
        xor eax, eax
        mov cr4, eax
        mov eax, 0x11
        mov cr0, eax
        ret

; Events whose own delivery fails: what follows which class (SDM Vol. 3, table 6-5).
%macro broken 2+ ; vector, instruction
        mov byte [IDT + %1 * 8 + 5], 0x0e
        try %2
        user 0x3002, %2
        mov byte [IDT + %1 * 8 + 5], 0x8e
%endmacro

double_faults:
        call print_line
        say "double"
        xor ebx, ebx
        broken 0, div ebx
        broken 6, ud2
        broken 13, int 0xff
        broken 13, mov ds, [far_selector]
        broken 11, int 0x50
        broken 11, int 0x57
        broken 5, bound ebx, [bounds]
        broken 3, int3
        ; #NP of a gate that leads to a segment that is not there, and of a table that ends.
        mov word [IDT + 2], 0x78
        try div ebx
        user 0x3002, div ebx
        mov word [IDT + 2], 0
        try div ebx
        mov word [IDT + 2], KCODE
        mov word [IDT + 6 * 8 + 2], KDATA
        try ud2
        user 0x3002, ud2
        mov word [IDT + 6 * 8 + 2], KCODE
        ret
far_selector: dw 0x400

; IRET to CS:landed with every pair of selectors, and what becomes of the data segments.
selectors:
        dw 0, 0x08, 0x0b, 0x10, 0x1b, 0x18, 0x3b, 0x48, 0x4b, 0x7b, 0x78, 0x88, 0x13b, 0x13a, 0x142, 0x143, 0x400, 0xc0
selectors_end:
stacks: dw 0, 3, 0x10, 0x13, 0x20, 0x23, 0x5b, 0x1b, 0x403
stacks_end:

; Leaves for SI:landed with the stack EDI:USTACK by the instruction given.
%macro leaving 2+
        movzx eax, word [edi]
        push eax
        push dword USTACK
%if %1 = 1
        push dword 0x3202
%endif
        movzx eax, word [esi]
        push eax
        push dword landed
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        %2
%%next: add esp, %1 * 4 + 16
%endmacro

frames: mov esi, selectors
.code:  mov edi, stacks
        call print_line
        movzx eax, word [esi]
        call print16
.stack: leaving 1, iretd
        leaving 0, retf
        add edi, 2
        cmp edi, stacks_end
        jb .stack
        add esi, 2
        cmp esi, selectors_end
        jb .code
        ; Segments of an inner level are lost on the way out; those of the outer one stay.
        call print_line
        mov eax, KDATA
        mov fs, eax
        mov es, eax
        mov eax, 0x4b
        mov gs, eax
        mov dword [resume_eip], .seen
        mov [resume_esp], esp
        push dword UDATA
        push dword USTACK
        push dword 0x3002
        push dword UCODE
        push dword .user
        iretd
.user:  mov eax, es
        call print16
        mov eax, fs
        call print16
        mov eax, gs
        call print16
        mov eax, ds
        call print16
        mov eax, ss
        call print16
        int 0x41
.seen:  mov eax, gs
        call print16
        ; Arguments are released on both stacks.
        mov dword [resume_eip], .released
        mov [resume_esp], esp
        push dword UDATA
        push dword USTACK - 0x100
        push dword 1
        push dword 2
        push dword UCODE
        push dword landed
        retf 8
.released:
        ; 16-bit frames, and flags that IRET sets at CPL 0 and 3.
        mov dword [resume_eip], .word
        mov [resume_esp], esp
        push word 0x3002
        push word KCODE
        push word landed
        iretw
.word:  mov dword [resume_eip], .flags
        mov [resume_esp], esp
        push dword 0x247ed7
        push dword KCODE
        push dword landed
        iretd
.flags: user 0x2, call .iret
        user 0x2202, call .iret
        user 0x3202, call .iret
        ret
.iret:  push dword 0x243ed7
        push dword UCODE
        push dword landed
        iretd

io_bitmap:
        call print_line
        say "io"
        mov edi, TSS + 0x68
        mov ecx, 0x21
        mov al, 0xff
        rep stosb
        mov byte [TSS + 0x68 + 0x80 / 8], 0xf4  ; 80h, 81h, 83h
        mov byte [GDT + 0x28], 0x88             ; ports 0 to FFh
        mov byte [GDT + 0x28 + 5], 0x89
        mov ax, 0x28
        ltr ax
        user 0x2, in al, 0x80
        user 0x2, in al, 0x82
        user 0x2, in ax, 0x80
        user 0x2, in ax, 0x81
        user 0x2, in eax, 0x80
        user 0x2, in al, 0x83
        user 0x2, in ax, 0x83
        user 0x1002, out 0x80, al
        user 0x1002, out 0x84, al
        user 0x2, in al, 0xff
        mov edx, 0x100
        user 0x2, in al, dx
        mov edx, 0xffff
        user 0x2, in al, dx
        mov edx, 0x81
        user 0x2, out dx, al
        user 0x2, out dx, ax
        mov esi, bounds
        user 0x2, outsb
        mov edx, 0x82
        user 0x2, outsb
        ret

virtual_mode:
        xor ebx, ebx
        mov eax, 15
        in_virtual nop
        in_virtual div bx
        in_virtual int3
        in_virtual int 0x40
        in_virtual int 0x20
        in_virtual int 0x90
        in_virtual into
        in_virtual ud2
        in_virtual cli
        in_virtual sti
        in_virtual hlt
        in_virtual call virtual_flags
        in_virtual call virtual_popf
        in_virtual call virtual_popfd
        in_virtual call virtual_iret
        in_virtual mov eax, cr0
        in_virtual mov cr0, eax
        in_virtual clts
        in_virtual smsw ax
        in_virtual lmsw ax
        in_virtual sgdt [0x7f00]
        in_virtual lgdt [gdt_at]
        in_virtual sldt ax
        in_virtual lldt ax
        in_virtual lar ax, bx
        in_virtual verr bx
        in_virtual arpl ax, bx
        in_virtual in al, 0x80
        in_virtual in al, 0x82
        in_virtual out 0x81, al
        in_virtual call virtual_load
        in_virtual jmp 0x10:virtual_far - 0x100
        in_virtual call virtual_retf
        in_virtual rdmsr
        in_virtual invlpg [bx]
        in_virtual wbinvd
        in_virtual db 0xf0, 0x90
        in_virtual rdtsc
        ret

        bits 16
virtual_flags:
        pushf
        pop ax
        mov ax, 15
        ret
virtual_popf:
        push word 0x7ed7
        popf
        ret
virtual_popfd:
        push dword 0x247ed7
        popfd
        ret
virtual_iret:
        push word 0x3ed7
        push word 0
        push word .back
        iret
.back:  ret
virtual_load:
        mov ax, 0x1234
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        ret
virtual_retf:
        push word 0x20
        push word virtual_far - 0x200
        retf
virtual_far:
        int 0x41
