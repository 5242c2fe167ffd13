; Two-level paging: reads, writes and execution at CPL 0 and 3 through entries with every combination of P, R/W and U/S,
; with CR0.WP, CR4.SMEP and CR4.SMAP, and what becomes of the accessed and dirty flags.
%include "protected.inc"

PD      equ 0x30000
PT      equ 0x31000             ; 0-4 MiB to itself, for the supervisor
PT_TEST equ 0x32000             ; 4 MiB: the page tested
PT_USER equ 0x33000             ; 8-12 MiB to 0-4 MiB, for users
USER    equ 0x800000
TESTED  equ 0x400000
PHYSICAL equ 0x28000

settings:
        dd 0x80000011, 0x10, 2
        dd 0x80010011, 0x10, 2
        dd 0x80010011, 0x100010, 2
        dd 0x80010011, 0x200010, 2
        dd 0x80010011, 0x200010, 0x40002
        dd 0x80010011, 0x300010, 2
settings_end:
setting: dd 0
user_target: dd TESTED + 0x10
pde:    dd 0
pte:    dd 0

; Runs one instruction at CPL 3; what ends it prints itself.
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

; Puts the entries in place and forgets what was cached.
renew:  mov eax, [pde]
        or eax, PT_TEST
        mov [PD + 4], eax
        mov eax, [pte]
        or eax, PHYSICAL
        mov [PT_TEST], eax
        mov eax, cr3
        mov cr3, eax
        mov esi, [setting]
        push dword [esi + 8]
        popfd
        ret

; The flags of the entries after an access that was allowed.
flags:  mov eax, [PD + 4]
        call print8
        mov eax, [PT_TEST]
        call print8
        push dword 2
        popfd
        ret

%macro kernel 2+
        say %1
        call renew
        mov dword [resume_eip], %%fault
        mov [resume_esp], esp
        %2
        call flags
%%fault:
%endmacro

%macro at_user 2+
        say %1
        call renew
        user %2
%endmacro

main:   mov edi, PT
        mov eax, 3
        mov ecx, 1024
.map:   mov [edi], eax
        mov edx, eax
        or edx, 4
        mov [edi + PT_USER - PT], edx
        mov dword [edi + PT_TEST - PT], 0
        mov dword [edi + PD - PT], 0
        add eax, 0x1000
        add edi, 4
        loop .map
        mov dword [PD], PT + 3
        mov dword [PD + 8], PT_USER + 7
        mov byte [PHYSICAL], 0xc3               ; RET
        mov word [PHYSICAL + 0x10], 0x42cd      ; INT 42h
        mov eax, PD
        mov cr3, eax
        mov dword [setting], settings
.setting:
        mov esi, [setting]
        mov eax, [esi + 4]
        mov cr4, eax
        mov eax, [esi]
        mov cr0, eax
        call print_line
        call print32
        mov eax, [esi + 4]
        call print32
        mov eax, [esi + 8]
        call print32
        mov dword [pde], 0
.pde:   mov dword [pte], 0
.pte:   call print_line
        mov eax, [pde]
        call print8
        mov eax, [pte]
        call print8
        kernel " r", mov al, [TESTED + 1]
        kernel " w", mov byte [TESTED + 1], 0x90
        kernel " x", call TESTED
        at_user " ur", mov al, [TESTED + 1]
        at_user " uw", mov byte [TESTED + 1], 0x90
        at_user " ux", jmp [user_target + USER]
        inc dword [pte]
        cmp dword [pte], 8
        jb .pte
        inc dword [pde]
        cmp dword [pde], 8
        jb .pde
        add dword [setting], 12
        cmp dword [setting], settings_end
        jb .setting
        call large
        call tables
        jmp finish

; 4 MiB pages: a walk of one level.
large:  mov dword [pte], 0
        mov dword [setting], settings + 12
        mov eax, 0x10
        mov cr4, eax
        mov dword [pde], 0x80
.next:  call print_line
        say "4M"
        mov eax, [pde]
        call print32
        call .renew
        mov dword [resume_eip], .written
        mov [resume_esp], esp
        mov al, [TESTED + PHYSICAL]
        mov eax, [PD + 4]
        call print32
        mov [TESTED + PHYSICAL + 1], al
        mov eax, [PD + 4]
        call print32
.written:
        call .renew
        user mov al, [TESTED + PHYSICAL]
        call .renew
        user mov [TESTED + PHYSICAL + 1], al
        inc dword [pde]
        cmp dword [pde], 0x88
        jb .next
        ; Without CR4.PSE the bit means nothing.
        xor eax, eax
        mov cr4, eax
        mov dword [pde], 0x87
        mov dword [pte], 7
        kernel " PSE off", mov al, [TESTED + 1]
        ret
.renew: mov eax, [pde]
        mov [PD + 4], eax
        mov eax, cr3
        mov cr3, eax
        ret

; Accesses that cross into a page that is not there, and pushes on a page that is not there.
tables: call print_line
        mov dword [pde], 7
        mov dword [pte], 7
        call renew
        try mov eax, [TESTED + 0xffd]
        try mov [TESTED + 0xffe], eax
        try push dword [TESTED + 0xffd]
        mov esi, TESTED + 0xffe
        mov edi, PHYSICAL + 0x100
        mov ecx, 4
        try rep movsb
        mov eax, ecx
        call print32
        mov eax, esi
        call print32
        mov esi, PHYSICAL
        mov edi, TESTED + 0xff9
        mov ecx, 4
        try rep movsd
        mov eax, ecx
        call print32
        mov eax, edi
        call print32
        ; What reads to write, on a read-only page; on one that is not there, QEMU reports the read.
        mov dword [PT_TEST + 4], PHYSICAL + 0x1001
        try cmpxchg [TESTED + 0x1000], eax
        try xchg [TESTED + 0x1000], eax
        try bts dword [TESTED + 0x1000], 3
        mov ebx, 0x8000
        try bts [TESTED], ebx
        try inc byte [TESTED + 0x1000]
        mov dword [PT_TEST + 4], 0
        invlpg [TESTED + 0x1000]
        try enter 0x1000, 0
        leave
        try pop dword [TESTED + 0x1000]
        try lgdt [TESTED + 0xffc]
        try call [TESTED + 0xffe]
        user push dword [TESTED + 0xffe]
        ; INVLPG makes a change visible.
        mov dword [PT_TEST + 4], PHYSICAL + 0x1003
        try mov eax, [TESTED + 0x1000]
        mov dword [PT_TEST + 4], 0
        invlpg [TESTED + 0x1000]
        try mov eax, [TESTED + 0x1000]
        ret
