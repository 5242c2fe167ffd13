; A page fault that is repaired: memory on demand, in 64-bit mode.
;
; The guest starts with its memory mapped to itself and nothing else. It writes to 1 GiB, where nothing is mapped. The
; processor raises #PF: CR2 holds the address, the error code says why (bit 0 clear: not present; bit 1 set: a write).
; The handler links a page in and returns, and the same instruction is executed again.
;
; Under EPT none of this leaves the guest: its page tables are its own. Under shadow paging each of these faults comes to
; the VMM first, which must decide whether it is the guest's business or its own.

%pragma ringside mode long
%pragma ringside technique vtx-ept
%pragma ringside ends debug-exit
%pragma ringside output #PF at 1 GiB, error code 2\nread back: demo\n

CODE      equ 08h
DIRECTORY equ 200000h                   ; the new page directory
FRAME     equ 400000h                   ; the memory given to it
LINEAR    equ 40000000h                 ; 1 GiB: entry 1 of the page directory pointer table

        org 8000h
        bits 64

        lidt [rel idt_register]
        mov rbx, LINEAR
culprit:
        mov dword [rbx], 'demo'         ; #PF, then executed again

        lea rsi, [rel text.read]
        call print
        mov rsi, rbx                    ; print through the new mapping
        call print
        mov al, 10
        out dx, al
        mov al, 0
        out 0F4h, al                    ; the debug-exit port ends the run
        hlt

; #PF. On the stack: error code, RIP, CS, RFLAGS, RSP, SS.
page_fault:
        push rax
        push rdx
        push rsi
        mov rax, cr2
        cmp rax, LINEAR
        jne .unexpected
        lea rsi, [rel text.fault]
        call print
        mov al, [rsp + 3 * 8]           ; the error code
        add al, '0'
        out dx, al
        mov al, 10
        out dx, al

        mov rax, cr3                    ; PML4
        mov rax, [rax]
        and rax, -1000h                 ; PDPT: without the access bits
        mov qword [rax + (LINEAR >> 30) * 8], DIRECTORY | 3
        mov qword [DIRECTORY], FRAME | 83h
        pop rsi
        pop rdx
        pop rax
        add rsp, 8                      ; IRET does not expect the error code
        iretq
.unexpected:
        mov al, 1
        out 0F4h, al
        hlt

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:
.fault: db "#PF at 1 GiB, error code ", 0
.read:  db "read back: ", 0

        align 16
idt:    times 14 dq 0, 0                ; vectors 0 to 13: not present
        dw page_fault, CODE, 8E00h, 0   ; 64-bit interrupt gate, 16 bytes; the handler lies below 64 KiB
        dd 0, 0
idt_register:
        dw idt_register - idt - 1
        dq idt
