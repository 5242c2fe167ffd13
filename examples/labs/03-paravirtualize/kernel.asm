; Lab 3: port this kernel to Xen. It is native.asm, entered by Xen: in ring 1, with paging on, and with nothing of a PC around it.
; ESI points to start_info.

%pragma ringside mode xen
%pragma ringside technique paravirtualization
%pragma ringside memory 8

%ifndef PAGES
%define PAGES 16
%endif
PDPT        equ 20000h
DIRECTORY   equ 21000h
TABLE       equ 22000h                  ; the first 2 MiB
PRESENT     equ 1
WRITABLE    equ 2
CODE        equ 8
TIMER       equ 20h
COM1        equ 3F8h

        org 100000h
        bits 32

start:  mov esp, stack
        lgdt [gdt_register]
        mov esi, text.start
        call print
        call set_handlers
        call start_paging
        call set_timer
        call fill
        call reverse
        mov esi, text.reversed
        call is_reversed
        je .say
        mov esi, text.not_reversed
.say:   call print
        inc dword [window]              ; read-only: a page fault, after which it is writable
        mov esi, text.written
        call print
        mov ecx, 3
.sleep: call wait_for_tick
        mov esi, text.tick
        call print
        loop .sleep
        mov esi, text.end
        call print
        cli
        hlt

; Exceptions and interrupts: a table that the processor reads.
set_handlers:
        mov eax, page_fault
        mov [idt + 14 * 8], ax
        shr eax, 16
        mov [idt + 14 * 8 + 6], ax
        mov eax, tick
        mov [idt + TIMER * 8], ax
        shr eax, 16
        mov [idt + TIMER * 8 + 6], ax
        lidt [idt_register]
        ret

; Page tables of our own: the first 2 MiB are mapped to themselves.
start_paging:
        mov dword [PDPT], DIRECTORY | PRESENT
        mov dword [DIRECTORY], TABLE | PRESENT | WRITABLE
        mov edi, TABLE
        mov eax, PRESENT | WRITABLE
        mov ecx, 512
.page:  mov [edi], eax
        add edi, 8
        add eax, 1000h
        loop .page
        mov eax, PDPT
        mov cr3, eax
        mov eax, cr4
        or eax, 20h                     ; PAE
        mov cr4, eax
        mov eax, cr0
        or eax, 80010000h               ; PG, WP
        mov cr0, eax
        ret

; A number in each page of `pages`.
fill:   mov edi, pages
        mov eax, 1111h
.page:  mov [edi], eax
        add eax, 1111h
        add edi, 1000h
        cmp edi, pages + PAGES * 1000h
        jb .page
        ret

; The pages at `window` become those at `pages`, in reverse order, and read-only.
reverse:
        mov edi, window
        shr edi, 12
        lea edi, [TABLE + edi * 8]
        mov eax, pages + (PAGES - 1) * 1000h + PRESENT
        mov ecx, PAGES
.page:  mov [edi], eax
        add edi, 8
        sub eax, 1000h
        loop .page
        mov eax, cr3
        mov cr3, eax
        ret

; ZF if they are.
is_reversed:
        mov edi, window
        mov eax, PAGES * 1111h
.page:  cmp [edi], eax
        jne .end
        add edi, 1000h
        sub eax, 1111h
        jnz .page
.end:   ret

; #PF: on the stack error code, EIP, CS, EFLAGS. The page becomes writable.
page_fault:
        pushad
        mov esi, text.fault
        call print
        mov eax, cr2
        shr eax, 12
        or dword [TABLE + eax * 8], WRITABLE
        mov eax, cr2
        invlpg [eax]
        popad
        add esp, 4
        iretd

; Interrupt controllers with IRQ 0 at vector 20h, and a timer of 1 kHz.
set_timer:
        mov esi, .setup
.next:  lodsw
        movzx edx, ah
        out dx, al
        cmp esi, .setup_end
        jb .next
        ret
.setup: db 11h, 20h, 11h, 0A0h, TIMER, 21h, TIMER + 8, 0A1h, 4, 21h, 2, 0A1h, 1, 21h, 1, 0A1h, 0FEh, 21h, 0FFh, 0A1h
        db 34h, 43h, 1193 & 0FFh, 40h, 1193 >> 8, 40h
.setup_end:

wait_for_tick:
        mov byte [ticked], 0
.again: sti
        hlt
        cli
        cmp byte [ticked], 0
        je .again
        ret

tick:   push eax
        mov byte [ticked], 1
        mov al, 20h
        out 20h, al
        pop eax
        iretd

; Prints the text at ESI.
print:  mov edx, COM1
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

ticked: db 0
text:
.start: db "start", 10, 0
.reversed: db "reversed", 10, 0
.not_reversed: db "not reversed", 10, 0
.fault: db "page fault", 10, 0
.written: db "written", 10, 0
.tick:  db "tick", 10, 0
.end:   db "end", 10, 0

        align 8
gdt:    dq 0, 00CF9B000000FFFFh, 00CF93000000FFFFh
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
        align 8
idt:    times 14 dq 0
        dw 0, CODE, 8E00h, 0
        times TIMER - 15 dq 0
        dw 0, CODE, 8E00h, 0
idt_register:
        dw idt_register - idt - 1
        dd idt

        times 1024 db 0
stack:
        align 4096
pages:  times PAGES * 4096 db 0
window: times PAGES * 4096 db 0
