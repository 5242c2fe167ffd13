; The guest of lab 7: it prints, counts and asks by hypercalls, and knows nothing of the hypervisor's memory.

%pragma ringside mode long
%pragma ringside technique bare-metal

%include "machine.inc"

PRINT8  equ 0E9h
PRINT32 equ 0E8h
EXITS   equ 0E7h
PRINT_STRING equ 0E6h
EXITS_BY_REASON equ 0E5h
TRANSLATE equ 0E4h

ALIAS   equ 100000h                     ; these two pages are mapped elsewhere, in the wrong order
FIRST   equ 90000h
SECOND  equ 8F000h

section guest follows=.text vstart=GUEST_CODE align=16
        mov al, 'A'
        out PRINT8, al
        mov al, 10
        out PRINT8, al
        mov eax, 123456789
        out PRINT32, eax
        in eax, EXITS                   ; the fourth
        out PRINT32, eax
        in eax, EXITS
        out PRINT32, eax
        mov eax, guest_text
        out PRINT_STRING, eax

        xor eax, eax
        cpuid
        xor eax, eax
        cpuid
        mov eax, 10                     ; CPUID
        out EXITS_BY_REASON, eax
        in eax, EXITS_BY_REASON
        out PRINT32, eax
        mov eax, 30                     ; ports
        out EXITS_BY_REASON, eax
        in eax, EXITS_BY_REASON
        out PRINT32, eax

        mov eax, GUEST_CODE             ; where is the guest's first instruction?
        out TRANSLATE, eax
        in eax, TRANSLATE
        out PRINT32, eax

        mov dword [GUEST_TABLES + 3000h + ALIAS / 1000h * 8], FIRST + 7
        mov dword [GUEST_TABLES + 3008h + ALIAS / 1000h * 8], SECOND + 7
        mov dword [GUEST_TABLES + 3010h + ALIAS / 1000h * 8], 0
        mov esi, guest_text.long
        mov edi, ALIAS + 0FF8h
        mov ecx, guest_text.long_end - guest_text.long
        rep movsb
        mov eax, ALIAS + 1004h
        out TRANSLATE, eax
        in eax, TRANSLATE
        out PRINT32, eax
        mov eax, ALIAS + 2000h          ; not mapped
        out TRANSLATE, eax
        in eax, TRANSLATE
        out PRINT32, eax
        mov eax, ALIAS + 0FF8h
        out PRINT_STRING, eax
        hlt

guest_text: db "a string of the guest", 10, 0
.long:  db "a string in two pages", 10, 0
.long_end:
guest_end:
