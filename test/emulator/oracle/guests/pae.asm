; PAE paging in 32-bit mode: NX at two levels, 2 MiB pages, SMEP and SMAP.
%include "protected.inc"

PDPT    equ 0x30000
PD      equ 0x31000
PT      equ 0x33000             ; 2-4 MiB: the page tested
USER    equ 0x800000
TESTED  equ 0x200000
PHYSICAL equ 0x28000

user_target: dd TESTED + 0x10

%macro user 1+
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        push dword UDATA
        push dword USTACK + USER
        push dword 0x3002
        push dword UCODE
        push dword %%code + USER
        iretd
%%code: %1
        int 0x41
%%next:
%endmacro

flush:  mov eax, cr3
        mov cr3, eax
        ret

%macro access 1+
        call flush
        try %1
%endmacro
%macro user_access 1+
        call flush
        user %1
%endmacro

all_accesses:
        call print_line
        mov eax, [PT + 4]
        call print32
        mov eax, [PT]
        call print32
        access mov al, [TESTED + 1]
        access mov [TESTED + 1], al
        call flush
        mov dword [resume_eip], .called
        mov [resume_esp], esp
        call TESTED
        call print_ok
.called:
        user_access mov al, [TESTED + 1]
        user_access mov [TESTED + 1], al
        user_access jmp [user_target + USER]
        mov eax, [PT]
        call print8
        mov eax, [PD + 8]
        call print8
        ret

enable_nx:
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x800
        wrmsr
        ret

main:   mov edi, PDPT
        xor eax, eax
        mov ecx, 0x1000
        rep stosd
        mov dword [PDPT], PD + 1
        mov dword [PD], 0x83
        ; Accessed already: whether a walk that then fails sets the flag is the processor's choice.
        mov dword [PD + 8], PT + 0x27
        mov dword [PD + 0x20], 0x87
        mov byte [PHYSICAL], 0xc3
        mov word [PHYSICAL + 0x10], 0x42cd
        mov eax, PDPT
        mov cr3, eax
        mov eax, 0x20
        mov cr4, eax
        mov eax, 0x80010011
        mov cr0, eax
        call enable_nx
        mov dword [resume_ring], 0
        xor ebp, ebp
.next:  mov eax, ebp
        and eax, 7
        add eax, PHYSICAL
        mov [PT], eax
        mov eax, ebp
        and eax, 8
        shl eax, 28
        mov [PT + 4], eax
        call all_accesses
        inc ebp
        cmp ebp, 16
        jb .next
        ; NX above, and without write protection.
        mov dword [PT], PHYSICAL + 7
        mov dword [PT + 4], 0
        mov dword [PD + 12], 0x80000000
        call all_accesses
        mov dword [PD + 12], 0
        mov dword [PT], PHYSICAL + 5
        mov eax, 0x80000011
        mov cr0, eax
        call all_accesses
        ; 2 MiB pages.
        mov dword [PD + 8], 0x87
        mov dword [PD + 12], 0x80000000
        call flush
        try mov al, [TESTED + PHYSICAL]
        try mov [TESTED + PHYSICAL + 1], al
        try call TESTED + PHYSICAL
        user mov [TESTED + PHYSICAL + 1], al
        user jmp [.large + USER]
        mov eax, [PD + 8]
        call print32
        mov dword [PD + 8], PT + 7
        mov dword [PD + 12], 0
        ; The top-level entries; QEMU reads them in every walk, not when CR3 is loaded as the manual has it.
        call print_line
        mov dword [PDPT + 8], PD + 1
        call flush
        try mov al, [0x40000000 + PHYSICAL]
        mov dword [PDPT + 8], 0
        call flush
        try mov al, [0x40000000 + PHYSICAL]
        ; SMEP and SMAP.
        mov dword [PT], PHYSICAL + 7
        mov eax, 0x300020
        mov cr4, eax
        call all_accesses
        mov eax, 0x20
        mov cr4, eax
        jmp finish

.large: dd TESTED + PHYSICAL + 0x10
