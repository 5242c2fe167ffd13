; A page table out of sync: what the guest changes counts when it flushes its TLB, and not before.
;
; The VMM keeps its shadow tables in agreement with the guest's by making the guest's page tables read-only. The first write
; to one faults ("trace/protected"). Rather than emulate every write, the VMM then lets that table go out of sync: it is
; writable, and its shadow stays as it was, as a TLB would. INVLPG leaves the guest, and brings the entry up to date
; ("resync"). A guest that forgets the INVLPG reads the old page under shadow paging, as it may on the bare machine.

%pragma ringside mode protected
%pragma ringside technique vtx-shadow
%pragma ringside memory 4
%pragma ringside ends halted
%pragma ringside output before INVLPG: old\nafter INVLPG: new\n

DIRECTORY equ 20000h
TABLE     equ 21000h
PAGE      equ 50000h
OTHER     equ 51000h

        org 8000h
        bits 32

        mov dword [DIRECTORY], TABLE + 7
        mov edi, TABLE                  ; the first 4 MiB, each page mapped to itself
        mov eax, 67h
        mov ecx, 1024
fill:   stosd
        add eax, 1000h
        loop fill
        mov dword [PAGE], 'old'
        mov dword [OTHER], 'new'
        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax

        mov eax, [PAGE]                 ; the translation is cached
        mov dword [TABLE + 4 * (PAGE >> 12)], OTHER + 67h
        mov ebx, [PAGE]                 ; still the old page
        invlpg [PAGE]
        mov ecx, [PAGE]                 ; the new one
        mov [old], ebx
        mov [new], ecx

        mov esi, text.before
        call print
        mov esi, old
        call print
        mov esi, text.after
        call print
        mov esi, new
        call print
        mov esi, text.end
        call print
        cli
        hlt

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

old:    dd 0, 0
new:    dd 0, 0
text:
.before: db "before INVLPG: ", 0
.after: db 10, "after INVLPG: ", 0
.end:   db 10, 0
