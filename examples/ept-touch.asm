; Touching memory: every page is paid for once.
;
; Under EPT the VMM need not give a guest its memory in advance. The first access to a page that is not mapped yet
; leaves the guest with an EPT violation (exit reason 48); the qualification says whether it was a read, a write or a
; fetch and the VMCS holds the guest-physical address. The VMM maps the page and resumes the guest, and the instruction
; is executed again, this time without an exit. The second round below runs without leaving the guest at all.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside memory 16
%pragma ringside ends halted
%pragma ringside output first round\nsecond round\n

FIRST equ 400000h                       ; 4 MiB, a large-page boundary
PAGES equ 32
STEP  equ 1000h                         ; 4 KiB

        org 100000h
        bits 32

        mov esi, text.first
        call touch
        mov esi, text.second
        call touch
        cli
        hlt

; Writes one byte to each page, then prints the text at ESI.
touch:  mov edi, FIRST
        mov ecx, PAGES
.page:  mov byte [edi], 0A5h            ; EPT violation if the page is not mapped yet
        add edi, STEP
        loop .page
        mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:
.first:  db "first round", 10, 0
.second: db "second round", 10, 0
