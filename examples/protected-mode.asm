; From real mode to 32-bit protected mode, and exceptions handled in it.
;
; Protected mode needs a global descriptor table (GDT): a segment register then holds a selector, an index into it. The
; switch is: load GDTR, set CR0.PE, and jump far so that CS gets a descriptor. Exceptions go through the interrupt
; descriptor table (IDT). Here a division error (#DE, vector 0) and a general protection fault (#GP, vector 13, with an
; error code) are provoked, reported, and survived: each handler moves the saved EIP past the culprit.

%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output protected mode\n#DE\n#GP 0010\nsurvived\n

CODE equ 08h
DATA equ 10h
COM1 equ 3F8h

        org 7C00h
        bits 16

        cli                             ; no IDT yet: an interrupt now would be fatal
        xor ax, ax
        mov ds, ax
        lgdt [gdt_register]
        mov eax, cr0
        or al, 1                        ; PE
        mov cr0, eax
        jmp dword CODE:protected        ; CS gets a 32-bit descriptor

        bits 32
protected:
        mov ax, DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 7C00h
        lidt [idt_register]
        mov esi, text.hello
        call print

        xor eax, eax
        xor edx, edx
divide: div eax                         ; #DE: saved EIP is at the instruction
after_divide:

        mov ax, DATA | 3
protect:
        mov ss, ax                      ; #GP(DATA): RPL 3 is not the current privilege level
after_protect:

        mov esi, text.survived
        call print
        hlt

divide_error:
        mov esi, text.de
        call print
        mov dword [esp], after_divide
        iretd

general_protection:
        mov esi, text.gp
        call print
        mov eax, [esp]                  ; error code: the selector's index and table
        call print_hexadecimal
        add esp, 4                      ; IRET does not expect it
        mov dword [esp], after_protect
        iretd

print:  mov edx, COM1
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

; Prints AX as four hexadecimal digits and a line feed.
print_hexadecimal:
        mov ebx, eax
        mov ecx, 4
        mov edx, COM1
.digit: rol bx, 4
        mov eax, ebx
        and eax, 0Fh
        mov al, [digits + eax]
        out dx, al
        loop .digit
        mov al, 10
        out dx, al
        ret

digits: db "0123456789ABCDEF"
text:
.hello:    db "protected mode", 10, 0
.de:       db "#DE", 10, 0
.gp:       db "#GP ", 0
.survived: db "survived", 10, 0

        align 8
gdt:    dq 0                            ; the null descriptor
        dq 00CF9B000000FFFFh            ; code: base 0, limit 4 GiB, 32-bit, execute/read, DPL 0
        dq 00CF93000000FFFFh            ; data: base 0, limit 4 GiB, read/write, DPL 0
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt

        align 8
idt:    dw divide_error, CODE, 8E00h, 0 ; 32-bit interrupt gate, present, DPL 0; handlers lie below 64 KiB
        times 12 dq 0                   ; vectors 1 to 12: not present
        dw general_protection, CODE, 8E00h, 0
idt_register:
        dw idt_register - idt - 1
        dd idt
