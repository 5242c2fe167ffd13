; 64-bit mode: paging with NX and reserved bits, events and their frames, canonical addresses, segments, SYSCALL,
; compatibility mode; and bit instructions that the other oracle does not know.
        bits 16
        org 0x7c00

PML4    equ 0x30000
PDPT    equ 0x31000
PD      equ 0x32000
PT      equ 0x33000
GDT     equ 0x20000
IDT     equ 0x21000
TSS     equ 0x23000
KCODE   equ 0x08
KDATA   equ 0x10
UCODE32 equ 0x1b
UDATA   equ 0x23
UCODE   equ 0x2b
KCODE32 equ 0x30
TASK    equ 0x40
KSTACK  equ 0x60000
USTACK  equ 0x70000
USER    equ 0x800000            ; 0-4 MiB again, for users
TESTED  equ 0x600000
GIGA    equ 0x40000000
PHYSICAL equ 0x28000

start:  cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        ; Tables at 20000h-33FFFh, through ES.
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
        mov cx, 0x1000
        rep stosd
        mov dword [es:0], PDPT + 7
        mov dword [es:0xff8], PDPT + 7
        mov dword [es:0x1000], PD + 7
        mov dword [es:0x2000], 0x83
        mov dword [es:0x2008], 0x200083
        mov dword [es:0x2018], PT + 7
        mov dword [es:0x2020], 0x87
        mov dword [es:0x2028], 0x200087
        mov eax, 0x20
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        mov eax, 0x901
        xor edx, edx
        wrmsr
        lgdt [boot_gdt]
        mov eax, 0x80010011
        mov cr0, eax
        jmp KCODE:entry

        align 8
boot_gdt:
        dw descriptors_end - descriptors - 1
        dd descriptors
gdt_at: dw descriptors_end - descriptors + 0x1f
        dq GDT
idt_at: dw 0x81 * 16 - 1
        dq IDT
        align 16
scratch: dq 0, 0
resume_rip: dq 0
resume_rsp: dq 0

        bits 64
%macro try 1+
        mov qword [resume_rip], %%next
        mov [resume_rsp], rsp
        %1
        call print_ok
%%next:
%endmacro

; Runs instructions at CPL 3 with the flags given, then INT 41h.
%macro user 2+
        mov qword [resume_rip], %%next
        mov [resume_rsp], rsp
        push UDATA
        push USTACK + USER
        push %1
        push UCODE
        push %%code + USER
        iretq
%%code: %2
        int 0x41
%%next:
%endmacro

; Runs 32-bit instructions in compatibility mode at CPL 3.
%macro compatible 1+
        mov qword [resume_rip], %%next
        mov [resume_rsp], rsp
        push UDATA
        push USTACK + USER
        push 2
        push UCODE32
        push %%code + USER
        iretq
        bits 32
%%code: %1
        int 0x41
        bits 64
%%next:
%endmacro

%macro say 1
        call print_text
        db %1, 0
%endmacro

print_text:
        xchg rsi, [rsp]
        push rax
.next:  lodsb
        test al, al
        jz .done
        out 0xe9, al
        jmp .next
.done:  pop rax
        xchg rsi, [rsp]
        ret

print_ok:
        say " ok"
        ret
print_line:
        say 10
        ret

print64:
        push rcx
        mov ecx, 16
        jmp print_digits
print32:
        push rcx
        mov ecx, 8
        shl rax, 32
        jmp print_digits
print16:
        push rcx
        mov ecx, 4
        shl rax, 48
        jmp print_digits
print8: push rcx
        mov ecx, 2
        shl rax, 56
print_digits:
        push rax
        mov al, ' '
        out 0xe9, al
        pop rax
.next:  rol rax, 4
        push rax
        and al, 15
        add al, '0'
        cmp al, '9'
        jbe .digit
        add al, 'a' - '0' - 10
.digit: out 0xe9, al
        pop rax
        dec ecx
        jnz .next
        pop rcx
        ret

        align 16
%assign number 0
stubs:
%rep 0x81
%if (number = 8) | ((number >= 10) & (number <= 14)) | (number = 17)
        db 0x90, 0x90
%else
        push byte 0
%endif
        push number
        jmp near caught
        align 16, db 0x90
%assign number number + 1
%endrep

; The stack: vector, error code, RIP, CS, RFLAGS, RSP, SS.
caught: push rax
        cld
        say " ["
        mov eax, [rsp + 8]
        call print8
        ; Of error codes about the IDT only the low bits: QEMU counts in 16 bytes what the manual counts in 8.
        mov eax, [rsp + 16]
        test al, 2
        jz .error
        cmp dword [rsp + 8], 14
        je .error
        and eax, 7
.error: cmp dword [rsp + 8], 14
        jne .code
        ; A reserved bit means that the entry is present (P = 1), which QEMU leaves out.
        test al, 8
        jz .code
        or al, 1
.code:  call print32
        mov rax, [rsp + 24]
        call print64
        mov eax, [rsp + 32]
        call print16
        mov eax, [rsp + 40]
        and eax, ~0x108d5
        call print32
        mov rax, [rsp + 48]
        call print64
        mov eax, [rsp + 56]
        call print16
        mov rax, rsp
        call print32
        ; SS stays if the level stays; QEMU makes it null where the IST gives the stack.
        mov eax, ss
        test byte [rsp + 32], 3
        jz .same_level
        call print16
.same_level:
        cmp dword [rsp + 8], 14
        jne .resume
        mov rax, cr2
        call print64
.resume:
        say " ]"
        mov eax, KDATA
        mov ss, eax
        mov rsp, [resume_rsp]
        push 2
        popfq
        jmp [resume_rip]

        align 8
descriptors:
        dq 0
        dq 0x00af9b000000ffff   ; 08
        dq 0x00cf93000000ffff   ; 10
        dq 0x00cffb000000ffff   ; 18 32-bit user code
        dq 0x00cff3000000ffff   ; 20
        dq 0x00affb000000ffff   ; 28
        dq 0x00cf9b000000ffff   ; 30 32-bit kernel code
        dq 0x00cf9f000000ffff   ; 38 conforming code of 32 bits
        dq 0x0000890230000067   ; 40 TSS
        dq 0
        dq 0x000082024000001f   ; 50 LDT
        dq 0
        dw landed, KCODE        ; 60 call gate, DPL 3
        dw 0xec00, 0
        dq 0
        dw landed, KCODE32      ; 70 call gate to 32-bit code
        dw 0xec00, 0
        dq 0
        dq 0                    ; 80
        dq 0x00af1b000000ffff   ; 88 code, not present
        dq 0x00cf13000000ffff   ; 90 data, not present
        dq 0, 0, 0              ; 98
        dq 0x00cf91000000ffff   ; b0 data, read only
        dq 0x00af9f000000ffff   ; b8 conforming 64-bit code
descriptors_end:

landed: int 0x40

entry:  mov eax, KDATA
        mov ss, eax
        mov ds, eax
        mov es, eax
        mov fs, eax
        mov gs, eax
        mov esp, KSTACK
        mov esi, descriptors
        mov edi, GDT
        mov ecx, descriptors_end - descriptors
        rep movsb
        mov dword [TSS + 4], KSTACK - 0x1000
        mov dword [TSS + 0x24], KSTACK - 0x2008
        mov dword [TSS + 0x2c], KSTACK - 0x3008
        mov word [TSS + 0x66], 0x68
        mov edi, IDT
        mov eax, stubs
        mov ecx, 0x81
.gate:  mov [edi], ax
        mov word [edi + 2], KCODE
        mov word [edi + 4], 0xee00
        mov word [edi + 6], 0
        mov qword [edi + 8], 0
        add eax, 16
        add edi, 16
        loop .gate
        mov byte [IDT + 0x45 * 16 + 4], 1               ; 45: IST 1
        mov byte [IDT + 0x46 * 16 + 4], 2               ; 46: IST 2
        mov byte [IDT + 0x47 * 16 + 5], 0x6e            ; 47: not present
        mov word [IDT + 0x48 * 16 + 2], KCODE32         ; 48: to 32-bit code
        mov byte [IDT + 0x49 * 16 + 5], 0xe6            ; 49: 16-bit gate
        mov word [IDT + 0x4b * 16 + 2], 0xb8            ; 4b: to conforming code
        mov byte [IDT + 0x21 * 16 + 5], 0x8e            ; 21: DPL 0
        lgdt [gdt_at]
        lidt [idt_at]
        mov eax, TASK
        ltr ax
        mov eax, 0x50
        lldt ax

        call events
        call addresses
        call segments
        call pages
        call system_calls
        call bit_instructions
        mov al, 0
        out 0xf4, al
        ; Ends Bochs.
        mov esi, .word
        mov ecx, 8
        mov edx, 0x8900
.letter:
        lodsb
        out dx, al
        loop .letter
        jmp $
.word:  db "Shutdown"

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
