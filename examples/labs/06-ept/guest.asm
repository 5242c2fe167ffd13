; The guest of lab 6: it tries what its extended page tables allow. Those are in ept.asm.

%pragma ringside mode long
%pragma ringside technique bare-metal

%include "machine.inc"

section guest follows=.text vstart=GUEST_CODE align=16
mapped: mov eax, [100000h]              ; 1: memory that is the guest's
        mov dword [104000h], 0CAFEh
        mov esi, guest_text.mapped
        call guest_print
shared: mov eax, [180000h]              ; 2: the hypervisor's page, mapped for reading only
        cmp eax, 12345678h
        mov esi, guest_text.shared
        je .print
        mov esi, guest_text.not_shared
.print: call guest_print
written:
        mov dword [180004h], 0BEEFh     ; 3: a write makes it the guest's own
        mov eax, [180000h]
        add eax, [180004h]
        cmp eax, 12345678h + 0BEEFh
        mov esi, guest_text.copied
        je .print
        mov esi, guest_text.not_copied
.print: call guest_print
broken: inc dword [1C0000h]             ; 4: an entry that no processor takes
        mov esi, guest_text.repaired
        call guest_print
executed:
        mov byte [140000h], 0C3h        ; 5: data is not to be executed: the hypervisor sends the guest behind the CALL
        mov eax, 140000h
        call rax
guest_after_call:
        mov esi, guest_text.executed
        call guest_print
        hlt

guest_print:
        mov edx, COM1
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

guest_text:
.mapped: db "mapped", 10, 0
.shared: db "shared", 10, 0
.not_shared: db "not shared", 10, 0
.copied: db "copied", 10, 0
.not_copied: db "not copied", 10, 0
.repaired: db "repaired", 10, 0
.executed: db "returned", 10, 0
guest_end:
