/**
 * A kernel with two-level paging that walks over pages again and again, hot enough to be translated: with reloads of CR3, INVLPG, global
 * pages, one of 4 MiB, writes to clean pages, and a page fault that its handler repairs.
 */
export const walker = `%pragma ringside mode protected
        org 100000h
        bits 32
directory equ 200000h
table   equ 201000h
start:  mov esp, 90000h
        mov edi, directory
        xor eax, eax
        mov ecx, 2048
        rep stosd
        mov edi, table
        mov eax, 3
        mov ecx, 1024
.map:   stosd
        add eax, 1000h
        loop .map
        or dword [table + 4*130h], 100h
        mov dword [table + 4*140h], 0
        mov dword [directory], table + 3
        mov dword [directory + 4], 400083h
        mov dword [directory + 8], 800083h
        mov dword [directory + 12], 0C00083h
        mov eax, pf
        mov [idt + 14*8], ax
        mov [idt + 14*8 + 2], cs
        mov word [idt + 14*8 + 4], 8E00h
        shr eax, 16
        mov [idt + 14*8 + 6], ax
        lidt [idtr]
        mov eax, cr4
        or eax, 90h
        mov cr4, eax
        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 80010000h
        mov cr0, eax
        mov ebp, 90
again:  mov esi, 120000h
        mov ecx, 36
.touch: mov eax, [esi]
        inc dword [esi + 8]
        add esi, 1000h
        loop .touch
        mov eax, [400000h + ebp]
        invlpg [128000h]
        test ebp, 7
        jnz .same
        mov eax, cr3
        mov cr3, eax
.same:  dec ebp
        jnz again
        cli
        hlt
pf:     mov dword [table + 4*140h], 140003h
        add esp, 4
        iretd
idtr:   dw 16*8 - 1
        dd idt
        align 8
idt:    times 16*8 db 0
`;
