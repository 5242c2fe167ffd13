; Lab 8, part 3: with paging on, every load of CR3 leaves a guest whose page tables are shadowed, and none whose are not.

%pragma ringside mode protected
%pragma ringside memory 4

DIRECTORY equ 20000h

        org 8000h
        bits 32

        mov dword [DIRECTORY], 83h      ; a page of 4 MiB
        mov eax, cr4
        or eax, 10h                     ; PSE
        mov cr4, eax
        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax
        mov ecx, 200
.again: mov eax, cr3
        mov cr3, eax
        loop .again
        cli
        hlt
