; Hidden and true page faults: under shadow paging every #PF goes to the VMM first.
;
; The processor walks the VMM's shadow tables, which start empty, and not the guest's. So the guest's first read of a page
; faults although its own tables allow it: the VMM fills the shadow entry, and the guest notices nothing (a hidden fault,
; "missing shadow"). The first write faults once more, so that the VMM can set the guest's dirty bit ("dirty/access"). Only where the
; guest's own tables refuse the access does the VMM pass the fault on ("true guest fault").
;
; The guest counts what it sees: one fault. Run it with VT-x and EPT, and not one #PF leaves the guest.

%pragma ringside mode protected
%pragma ringside technique vtx-shadow
%pragma ringside memory 4
%pragma ringside ends halted
%pragma ringside output mapped page: 0 faults\nnew page: 1 fault\n

DIRECTORY equ 20000h
TABLE     equ 21000h
MAPPED    equ 50000h                    ; in the guest's tables from the beginning
NEW       equ 51000h                    ; entered by the guest's own handler

        org 8000h
        bits 32

        mov dword [DIRECTORY], TABLE + 7
        mov edi, TABLE                  ; the first 4 MiB, each page mapped to itself
        mov eax, 3                      ; present, writable, not accessed, not dirty
        mov ecx, 1024
fill:   stosd
        add eax, 1000h
        loop fill
        mov dword [TABLE + 4 * (NEW >> 12)], 0
        mov word [idt + 14 * 8], page_fault
        mov word [idt + 14 * 8 + 2], 8
        mov word [idt + 14 * 8 + 4], 8E00h
        lidt [idt_register]
        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax

        mov eax, [MAPPED]               ; hidden: missing shadow
        mov [MAPPED], eax               ; hidden: dirty/access
        mov eax, [MAPPED]               ; no fault at all
        mov esi, text.mapped
        call report

        mov eax, [NEW]                  ; true: the handler enters the page
        mov esi, text.new
        call report
        cli
        hlt

page_fault:
        add esp, 4                      ; the error code
        inc byte [faults]
        mov dword [TABLE + 4 * (NEW >> 12)], NEW + 3
        iretd

; Prints the text at ESI, with the digit of the count for each #.
report: mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        cmp al, '#'
        jne .put
        mov al, [faults]
        add al, '0'
.put:   out dx, al
        jmp .next
.end:   ret

faults: db 0
text:
.mapped: db "mapped page: # faults", 10, 0
.new:   db "new page: # fault", 10, 0

        align 8
idt:    times 15 dq 0
idt_register:
        dw idt_register - idt - 1
        dd idt
