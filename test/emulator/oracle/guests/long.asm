; 64-bit mode: paging with NX and reserved bits, events and their frames, canonical addresses, segments, SYSCALL,
; compatibility mode; and bit instructions that the other oracle does not know.
%include "long.inc"

main:   call events
        call addresses
        call segments
        call pages
        call system_calls
        call bit_instructions
        ret

%macro everywhere 1+
        call print_line
        try %1
        user 0x3002, %1
%endmacro

events: xor ebx, ebx
        everywhere div rbx
        everywhere int3
        everywhere ud2
        everywhere int 0x40
        everywhere int 0x21
        everywhere int 0x45
        everywhere int 0x46
        everywhere int 0x47
        everywhere int 0x48
        everywhere int 0x49
        everywhere int 0x4b
        everywhere int 0x81
        everywhere int 0xff
        user 2, cli
        user 2, hlt
        user 2, mov rax, cr0
        user 2, mov rax, cr8
        user 2, swapgs
        user 2, rdmsr
        user 2, o64 sysret
        user 2, in al, 0x80
        user 0x3002, call set_flags
        user 0x2, call set_flags
        user 0x102, nop
        user 0x102, int 0x40
        ; Encodings that 64-bit mode does not have.
        call print_line
%macro gone 1
        try db %1, 0, 0, 0, 0, 0, 0
%endmacro
%assign op 0
%rep 0xff
%if (op = 0x06) | (op = 0x07) | (op = 0x0e) | (op = 0x16) | (op = 0x17) | (op = 0x1e) | (op = 0x1f)
        gone op
%elif (op = 0x27) | (op = 0x2f) | (op = 0x37) | (op = 0x3f) | (op = 0x60) | (op = 0x61) | (op = 0x82)
        gone op
%elif (op = 0x9a) | (op = 0xce) | (op = 0xd4) | (op = 0xd5) | (op = 0xd6) | (op = 0xea)
        gone op
%endif
%assign op op + 1
%endrep
        ; Stack alignment of frames.
        sub rsp, 3
        try int 0x40
        add rsp, 3
        ; What control registers refuse.
        call print_line
        mov eax, 15
        try mov cr8, rax
        mov rax, cr8
        call print64
        xor eax, eax
        mov cr8, rax
        mov ecx, 0xc0000080
        rdmsr
        call print32
        sgdt [scratch]
        mov rax, [scratch]
        call print64
        mov rax, [scratch + 8]
        call print16
        ret

set_flags:
        push 0x243ed7
        popfq
        ret

; Addresses that are not canonical, and returns to them.
addresses:
        call print_line
        mov rbx, 0x800000000000
        mov rcx, 0x7fffffffffff
        mov rsi, rbx
        mov edi, PHYSICAL
        try mov al, [rbx]
        try mov [rbx], al
        try mov eax, [rcx - 3]
        try mov rax, [rbx * 2]
        try movsb
        ; Not jumps, where QEMU raises #GP at the target, nor RSP and RBP, where it raises #GP and not #SS.
        try invlpg [rbx]
        ; The high half is the same memory.
        mov rax, 0xffffff8000000000
        mov rax, [rax + GDT + 8]
        call print64
        mov rdx, 0x1234567890abcdef
        mov rax, rdx
        lock cmpxchg16b [scratch]
        try cmpxchg16b [scratch + 8]
        user 2, mov al, [rbx]
        ret

%macro transfer 2+
        mov qword [resume_rip], %%next
        mov [resume_rsp], rsp
        mov eax, %1
        %2
%%next:
%endmacro

segments:
        mov dword [scratch], landed
        mov edi, 0
.next:  call print_line
        mov eax, edi
        call print16
        lar eax, edi
        jnz .no_access
        and eax, 0x00f0ff00
        call print32
        cmp eax, eax
.no_access:
        lsl eax, edi
        jnz .no_limit
        call print32
.no_limit:
        mov eax, edi
        try mov ds, eax
        mov eax, edi
        try mov fs, eax
        mov eax, edi
        mov ecx, KDATA
        mov qword [resume_rip], .no_stack
        mov [resume_rsp], rsp
        mov ss, eax
        mov eax, ss
        mov ss, ecx
        call print16
.no_stack:
        mov ss, ecx
        mov [scratch + 4], di
        try jmp far dword [scratch]
        try call far dword [scratch]
        mov eax, edi
        push rax
        push landed
        try retfq
        add rsp, 16
        ; IRETQ to the same and to an outer level.
        push UDATA
        push KSTACK - 0x800
        push 2
        mov eax, edi
        push rax
        push landed
        try iretq
        ; A null SS: QEMU also accepts it on the way to compatibility mode.
        mov eax, edi
        and al, 0xf0
        cmp eax, 0x30
        je .outer
        mov dword [rsp + 32], 0
        try iretq
.outer: mov dword [rsp + 32], UDATA
        mov qword [rsp], landed + USER
        or dword [rsp + 8], 3
        try iretq
        add rsp, 40
        add edi, 8
        cmp edi, 0xe0
        jb .next
        ; LTR and LLDT take descriptors of 16 bytes.
        mov edi, 0
.task:  call print_line
        mov eax, edi
        try lldt ax
        cmp edi, 0
        je .no_task
        mov eax, edi
        try ltr ax
.no_task:
        add edi, 4
        cmp edi, 0xe0
        jb .task
        ; Bases of FS and GS.
        call print_line
        mov ecx, 0xc0000101
        mov eax, GDT
        xor edx, edx
        wrmsr
        mov ecx, 0xc0000102
        mov eax, descriptors + 8
        wrmsr
        mov rax, [gs:8]
        call print64
        swapgs
        mov rax, [gs:8]
        call print64
        rdmsr
        call print32
        mov eax, KDATA
        mov gs, eax
        mov ecx, 0xc0000101
        rdmsr
        call print32
        user 2, mov eax, cs
        compatible mov eax, cs
        compatible mov eax, [dword 0x1000000]
        compatible push es
        compatible inc eax
        compatible jmp UCODE:landed + USER
        compatible call 0x63:0
        ; Not SYSCALL and SYSENTER, which the makers of processors see differently here.
        compatible aaa
        compatible db 0x67, 0x8b, 0x07
        compatible int 0x45
        ret

; A page with every combination of P, R/W, U/S and NX; then reserved bits and large pages.
%macro access 1+
        mov rax, cr3
        mov cr3, rax
        try %1
%endmacro
%macro user_access 1+
        mov rax, cr3
        mov cr3, rax
        user 2, %1
%endmacro

user_target: dq TESTED + 8

all_accesses:
        access mov al, [TESTED]
        access mov [TESTED + 16], al
        mov rax, cr3
        mov cr3, rax
        try call .target
        user_access mov al, [TESTED]
        user_access mov [TESTED + 16], al
        user_access jmp [user_target + USER]
        ret
.target:
        push TESTED
        ret

pages:  mov byte [PHYSICAL], 0xc3
        mov word [PHYSICAL + 8], 0x42cd
        xor edi, edi
.next:  mov eax, edi
        and eax, 7
        mov edx, edi
        shr edx, 3
        and edx, 1
        shl rdx, 63
        or rax, rdx
        add rax, PHYSICAL
        mov [PT], rax
        call print_line
        call print64
        call all_accesses
        mov rax, [PT]
        inc edi
        cmp edi, 16
        jb .next
        ; Reserved bits, at every level.
        mov rdx, 1 << 51
        mov qword [PT], PHYSICAL + 7
        or [PT], rdx
        call print_line
        call all_accesses
        mov qword [PT], PHYSICAL + 7
        or [PD + 24], rdx
        call print_line
        call all_accesses
        mov qword [PD + 24], 0x402087
        call print_line
        call all_accesses
        mov qword [PD + 24], PT + 7
        ; NX in upper levels, and NX without EFER.NXE.
        bts qword [PD + 24], 63
        call print_line
        call all_accesses
        mov ecx, 0xc0000080
        rdmsr
        and eax, ~0x800
        wrmsr
        call print_line
        call all_accesses
        rdmsr
        or eax, 0x800
        wrmsr
        btr qword [PD + 24], 63
        ; A page of 1 GiB.
        mov qword [PDPT + 8], 0x87
        mov rax, cr3
        mov cr3, rax
        try mov rax, [GIGA + GDT + 8]
        mov [GIGA + PHYSICAL + 32], al
        mov rax, [PDPT + 8]
        call print64
        user 2, mov al, [GIGA + PHYSICAL]
        or dword [PDPT + 8], 0x2000
        mov rax, cr3
        mov cr3, rax
        try mov rax, [GIGA]
        mov qword [PDPT + 8], 0
        ; SMEP and SMAP.
        mov eax, 0x300020
        mov cr4, rax
        call print_line
        call all_accesses
        stac
        try mov al, [TESTED]
        clac
        try mov al, [TESTED]
        mov eax, 0x20
        mov cr4, rax
        ret

system_calls:
        call print_line
        say "syscall"
        mov ecx, 0xc0000081
        xor eax, eax
        mov edx, (KCODE) | (0x18 << 16)
        wrmsr
        mov ecx, 0xc0000082
        mov eax, .called
        xor edx, edx
        wrmsr
        mov ecx, 0xc0000084
        mov eax, 0x3400
        wrmsr
        user 0x3602, syscall
        user 0x2, syscall
        ; Back by SYSRET, to 64-bit and to compatibility mode.
        mov qword [resume_rip], .returned
        mov [resume_rsp], rsp
        mov ecx, landed + USER
        mov r11d, 0x203702
        and r11d, ~0x100
        o64 sysret
.returned:
        mov qword [resume_rip], .returned32
        mov ecx, landed + USER
        mov r11d, 0x3202
        sysret
.returned32:
        mov ecx, 0xc0000080
        rdmsr
        and eax, ~1
        wrmsr
        try syscall
        try sysret
        user 2, syscall
        ret
.called:
        mov rax, rcx
        call print64
        mov rax, r11
        call print32
        mov eax, ss
        call print16
        int 0x40

values: dq 0, 1, 2, 0x80, 0x8000, 0x7fff, 0x80000000, 0x8000000000000000, 0xffffffffffffffff, 0x123456789abcdef0
        dq 0x100000000, 0x10000, 0xffff0000, 0x0000ffff00000000
values_end:

; Prints the destination and the flags that the manual defines.
%macro bit_instruction 3+
        mov rax, 0xa5a5a5a5a5a5a5a5
        push 0x8d7
        popfq
        %3
        pushfq
        call print64
        pop rax
        and eax, %2
        call print16
        mov rax, 0x5a5a5a5a5a5a5a5a
        push 2
        popfq
        %3
        pushfq
        call print64
        pop rax
        and eax, %2
        call print16
%endmacro

bit_instructions:
        mov edi, values
.next:  mov rbx, [rdi]
        call print_line
        mov rax, rbx
        call print64
        bit_instruction "popcnt", 0x8d5, popcnt ax, bx
        bit_instruction "popcnt", 0x8d5, popcnt eax, ebx
        bit_instruction "popcnt", 0x8d5, popcnt rax, rbx
        bit_instruction "popcnt", 0x8d5, popcnt rax, [rdi]
        bit_instruction "lzcnt", 0x41, lzcnt ax, bx
        bit_instruction "lzcnt", 0x41, lzcnt eax, ebx
        bit_instruction "lzcnt", 0x41, lzcnt rax, rbx
        bit_instruction "tzcnt", 0x41, tzcnt ax, bx
        bit_instruction "tzcnt", 0x41, tzcnt eax, ebx
        bit_instruction "tzcnt", 0x41, tzcnt rax, [rdi]
        bit_instruction "movbe", 0x8d5, movbe ax, [rdi]
        bit_instruction "movbe", 0x8d5, movbe eax, [rdi]
        bit_instruction "movbe", 0x8d5, movbe rax, [rdi]
        mov rax, rbx
        movbe [scratch], ax
        movbe [scratch + 2], eax
        movbe [scratch + 6], rax
        mov rax, [scratch]
        call print64
        mov rax, [scratch + 8]
        call print64
        add edi, 8
        cmp edi, values_end
        jb .next
        ret
