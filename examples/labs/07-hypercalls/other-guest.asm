; Another guest for lab 7: it asks in another order, and its pages are of both sizes.

%pragma ringside mode long
%pragma ringside technique bare-metal

%include "machine.inc"

PRINT8  equ 0E9h
PRINT32 equ 0E8h
EXITS   equ 0E7h
PRINT_STRING equ 0E6h
EXITS_BY_REASON equ 0E5h
TRANSLATE equ 0E4h

ALIAS   equ 100000h                     ; three pages that are mapped elsewhere
FIRST   equ 0A3000h
SECOND  equ 0A1000h
LARGE   equ 200000h                     ; 2 MiB, mapped by one entry

section guest follows=.text vstart=GUEST_CODE align=16
        mov ecx, 3
.count: push rcx
        xor eax, eax
        xor ecx, ecx
        cpuid
        pop rcx
        loop .count
        mov eax, 10
        out EXITS_BY_REASON, eax
        in eax, EXITS
        out PRINT32, eax
        in eax, EXITS_BY_REASON
        out PRINT32, eax
        mov eax, 1                      ; an external interrupt: there was none
        out EXITS_BY_REASON, eax
        in eax, EXITS_BY_REASON
        out PRINT32, eax
        mov eax, -1
        out PRINT32, eax
        xor eax, eax
        out PRINT32, eax

        mov dword [GUEST_TABLES + 2000h + LARGE / 200000h * 8], 87h
        mov eax, LARGE + 12345h
        out TRANSLATE, eax
        in eax, TRANSLATE
        out PRINT32, eax
        mov eax, LARGE + 200000h        ; not mapped
        out TRANSLATE, eax
        in eax, TRANSLATE
        out PRINT32, eax

        mov dword [GUEST_TABLES + 3000h + ALIAS / 1000h * 8], FIRST + 7
        mov dword [GUEST_TABLES + 3008h + ALIAS / 1000h * 8], SECOND + 7
        mov esi, guest_text
        mov edi, ALIAS + 0FFDh
        mov ecx, guest_end - guest_text
        rep movsb
        mov eax, ALIAS + 0FFDh
        out PRINT_STRING, eax
        hlt

guest_text: db "over the edge", 10, 0
guest_end:
