; Direct paging: the guest's page tables are the ones that the processor uses, and Xen checks every entry.
;
; They hold machine frames, not the guest's own page numbers: the list at start_info.mfn_list tells which frame a page is in.
; The guest may read its tables and not write them. It asks Xen to change an entry (update_va_mapping), and Xen refuses what
; would let it write a page table, or see a frame of somebody else's: each frame is used as one thing at a time, and counted.

%pragma ringside mode xen
%pragma ringside technique paravirtualization
%pragma ringside ends shutdown
%pragma ringside output a page table, writable: refused\na page table, read-only: allowed\na frame of Xen: refused\nanother page: the second page\n

CONSOLE_IO        equ 18
UPDATE_VA_MAPPING equ 14
SCHED_OP          equ 29
FLUSH_ENTRY       equ 2                 ; flag of update_va_mapping
PRESENT           equ 1
WRITABLE          equ 2
PT_BASE           equ 60                ; offsets in start_info
MFN_LIST          equ 68

        org 100000h
        bits 32

        mov ebp, esi                    ; start_info

        mov ecx, text.writable
        call print
        mov eax, [ebp + PT_BASE]        ; linear address of the top page table
        call frame
        or eax, PRESENT | WRITABLE
        call map
        call result

        mov ecx, text.readonly
        call print
        mov eax, [ebp + PT_BASE]
        call frame
        or eax, PRESENT
        call map
        call result

        mov ecx, text.foreign
        call print
        mov eax, 1000h | PRESENT        ; frame 1 is Xen's
        call map
        call result

        mov ecx, text.another
        call print
        mov eax, second
        call frame
        or eax, PRESENT
        call map
        mov ecx, first                  ; now shows the second page
        call print

        mov eax, SCHED_OP
        mov ebx, 2
        mov ecx, zero
        int 82h

; EAX: a linear address of the first megabytes, which is a pseudo-physical one. Gives the machine address of its frame.
frame:  shr eax, 12
        mov edx, [ebp + MFN_LIST]
        mov eax, [edx + eax * 4]
        shl eax, 12
        ret

; Asks for the entry EAX in place of the one that maps the page "first".
map:    mov ebx, first
        mov ecx, eax                    ; entries have 64 bits: low half, high half
        xor edx, edx
        mov esi, FLUSH_ENTRY
        mov eax, UPDATE_VA_MAPPING
        int 82h
        ret

result: mov ecx, text.refused
        test eax, eax
        jnz print
        mov ecx, text.allowed

; Prints the text at ECX, which ends with 0.
print:  mov edx, ecx
        dec edx
.next:  inc edx
        cmp byte [edx], 0
        jne .next
        xchg edx, ecx
        sub ecx, edx
        xor ebx, ebx
        mov eax, CONSOLE_IO
        int 82h
        ret

zero:   dd 0

text:
.writable: db "a page table, writable: ", 0
.readonly: db "a page table, read-only: ", 0
.foreign:  db "a frame of Xen: ", 0
.another:  db "another page: ", 0
.refused:  db "refused", 10, 0
.allowed:  db "allowed", 10, 0

        align 4096
first:  db "the first page", 10, 0
        align 4096
second: db "the second page", 10, 0
