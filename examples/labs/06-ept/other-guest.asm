; Another guest for lab 6: it comes to the ends of each range, and then to an address that is not its own.

%pragma ringside mode long
%pragma ringside technique bare-metal

%include "machine.inc"

section guest follows=.text vstart=GUEST_CODE align=16
        mov edi, 180FFCh                ; the last word of the shared page: written first
        mov dword [rdi], 0FEEDh
        cmp dword [180000h], 12345678h
        jne .end
        cmp dword [180FF8h], 9ABCDEFh
        jne .end
        mov esi, guest_text.copied
        call guest_print
        mov dword [0FFFFCh], 1          ; ends of ranges
        mov dword [13FFFCh], 2
        mov dword [140000h], 3
        mov byte [17FFFFh], 0C3h
        mov eax, 17FFFFh
        call rax
        mov esi, guest_text.executed
        call guest_print
        inc dword [1C0000h]
        inc dword [1C0000h]
        mov esi, guest_text.repaired
        call guest_print
        inc dword [1D0000h]             ; not the guest's
        mov esi, guest_text.foreign
        call guest_print
.end:   hlt

guest_print:
        mov edx, COM1
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

guest_text:
.copied: db "copied", 10, 0
.executed: db "returned", 10, 0
.repaired: db "repaired", 10, 0
.foreign: db "reached 1D0000h", 10, 0
guest_end:
