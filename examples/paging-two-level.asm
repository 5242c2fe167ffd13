; Two-level paging: the page tables of 32-bit mode, built by hand.
;
; A linear address is split in three: bits 31:22 index the page directory at CR3, bits 21:12 a page table, bits 11:0 are
; the offset in the 4 KiB page. The guest maps its first 4 MiB to themselves, and in addition a window of two pages at
; 00C0_0000h to two frames in swapped order. Ask for the walk of C00000h at the last breakpoint.
;
; With nested paging the processor walks these tables by itself, translating each of their addresses through the EPT.
; With shadow paging the VMM keeps a second set of tables, and every change to these must be noticed.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output swapped: BA\nremapped: AA\naccessed and dirty\n

DIRECTORY equ 200000h
TABLE     equ 201000h                   ; maps 0 to 4 MiB
WINDOW    equ 202000h                   ; maps 00C0_0000h to 0100_0000h
FRAME_A   equ 300000h
FRAME_B   equ 301000h
LINEAR    equ 00C00000h

PRESENT   equ 1
WRITABLE  equ 2
ACCESSED  equ 20h
DIRTY     equ 40h

        org 100000h
        bits 32

        mov esp, 80000h                 ; a stack within what will be mapped
        mov byte [FRAME_A], 'A'
        mov byte [FRAME_B], 'B'

        mov edi, DIRECTORY              ; nothing is mapped …
        xor eax, eax
        mov ecx, 3 * 1024
        rep stosd
        mov edi, TABLE                  ; … but the first 4 MiB, to themselves
        mov eax, PRESENT | WRITABLE
identity:
        stosd
        add eax, 1000h
        cmp eax, 400000h
        jb identity
        mov dword [DIRECTORY], TABLE | PRESENT | WRITABLE
        mov dword [DIRECTORY + (LINEAR >> 22) * 4], WINDOW | PRESENT | WRITABLE
        mov dword [WINDOW], FRAME_B | PRESENT | WRITABLE
        mov dword [WINDOW + 4], FRAME_A | PRESENT | WRITABLE

        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h               ; PG
        mov cr0, eax                    ; from here on every address is translated

        mov esi, text.swapped
        call print
        call show_window

        mov dword [WINDOW], FRAME_A | PRESENT | WRITABLE
        invlpg [LINEAR]                 ; the TLB may still hold the old translation
        mov esi, text.remapped
        call print
        call show_window

        mov byte [LINEAR], '!'
        mov eax, [WINDOW]               ; the processor has set the entry's accessed and dirty bits
        and eax, ACCESSED | DIRTY
        cmp eax, ACCESSED | DIRTY
        jne failed
        mov esi, text.marked
        call print
        cli
        hlt

failed: mov al, 1
        out 0F4h, al
        hlt

; Prints the first byte of both pages of the window.
show_window:
        mov edx, 3F8h
        mov al, [LINEAR]
        out dx, al
        mov al, [LINEAR + 1000h]
        out dx, al
        mov al, 10
        out dx, al
        ret

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:
.swapped:  db "swapped: ", 0
.remapped: db "remapped: ", 0
.marked:   db "accessed and dirty", 10, 0
