; PAE paging: three levels and 64-bit entries in 32-bit mode.
;
; With CR4.PAE a linear address is split in four: bits 31:30 choose one of four page directory pointers, bits 29:21 index
; a page directory, bits 20:12 a page table. Entries have 64 bits, so physical addresses can be wider than 32. A directory
; entry with PS set maps a 2 MiB page and ends the walk early. The four pointers are loaded into the processor with CR3,
; and are not looked at again until CR3 is written.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output a 4 KiB page at 2 GiB\na 2 MiB page at 3 GiB\n

POINTERS  equ 200000h                   ; PDPT: four entries, 32-byte aligned
LOW       equ 201000h                   ; page directory of the first GiB
THIRD     equ 202000h                   ; page directory from 2 GiB on
FOURTH    equ 203000h                   ; page directory from 3 GiB on
TABLE     equ 204000h
FRAME     equ 300000h

PRESENT   equ 1
WRITABLE  equ 2
LARGE     equ 80h                       ; PS

        org 100000h
        bits 32

        mov esp, 80000h                 ; a stack within what will be mapped

        mov esi, text.small             ; put the texts where the new mappings will find them
        mov edi, FRAME
        call copy
        mov esi, text.large
        mov edi, 400000h
        call copy

        mov edi, POINTERS
        xor eax, eax
        mov ecx, 5 * 1024
        rep stosd
        mov dword [POINTERS], LOW | PRESENT     ; pointers have no other access bits
        mov dword [POINTERS + 2 * 8], THIRD | PRESENT
        mov dword [POINTERS + 3 * 8], FOURTH | PRESENT
        mov dword [LOW], 0 | PRESENT | WRITABLE | LARGE
        mov dword [LOW + 8], 200000h | PRESENT | WRITABLE | LARGE
        mov dword [THIRD], TABLE | PRESENT | WRITABLE
        mov dword [TABLE], FRAME | PRESENT | WRITABLE
        mov dword [FOURTH], 400000h | PRESENT | WRITABLE | LARGE

        mov eax, cr4
        or eax, 20h                     ; PAE, before paging is enabled
        mov cr4, eax
        mov eax, POINTERS
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h               ; PG: loads the four pointers
        mov cr0, eax

        mov esi, 80000000h
        call print
        mov esi, 0C0000000h
        call print
        cli
        hlt

; Copies the text at ESI, with its zero, to EDI.
copy:   lodsb
        stosb
        test al, al
        jnz copy
        ret

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:
.small: db "a 4 KiB page at 2 GiB", 10, 0
.large: db "a 2 MiB page at 3 GiB", 10, 0
