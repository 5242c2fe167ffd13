; The guest of lab 11: it counts ticks, with interrupts on and off, and raises exceptions.

%pragma ringside mode long
%pragma ringside technique bare-metal

%include "machine.inc"

PERIODS equ 3
PERIOD  equ 30000                       ; cycles from tick to tick, and a few more

section guest follows=.text vstart=GUEST_CODE align=16
        lgdt [guest_gdtr]
        lidt [guest_idtr]

        mov esi, text.running           ; 1: interrupts are on
        sti
        mov ecx, 2 * PERIOD
        call spin
        cli
        cmp dword [ticks], 3
        call verdict

        mov esi, text.late              ; 2: off for some periods, then on: all that came are due
        call all_taken_late
        call verdict

        mov esi, text.moved             ; 3: on a stack that nobody has touched yet
        mov rbx, rsp
        mov esp, 90000h
        sti
        mov ecx, PERIOD
.wait:  dec ecx                         ; without a CALL: the first to touch it is the delivery of a tick
        jnz .wait
        cli
        mov rsp, rbx
        vmcall
        cmp [ticks], eax
        call verdict

        mov esi, text.halted            ; 4: waiting
        mov ebx, [ticks]
        sti
        hlt
        cli
        cmp ebx, [ticks]
        cmc
        call verdict

        mov esi, text.breakpoint        ; 5: a trap of the guest's own
        int3
after_int3:
        cmp byte [trapped], 1
        call verdict

        mov esi, text.protection        ; 6: a fault with an error code
        mov eax, 0FFF0h
fault:  mov fs, ax
after_fault:
        cmp byte [faulted], 1
        call verdict

        mov esi, text.forbidden         ; 7: nothing has come while interrupts were off
        cmp byte [forbidden], 1
        cmc
        call verdict
        cli
        hlt

; CF is 0 if each tick that comes while interrupts are off is taken as soon as they are on.
all_taken_late:
        mov ecx, PERIODS * PERIOD / 2
        call spin
        sti
        mov ecx, 200
        call spin
        cli
        vmcall
        cmp [ticks], eax
        ret

; Prints the text at RSI, and "ok" if CF is 0.
verdict:
        mov edi, text.ok
        jnc .say
        mov edi, text.no
.say:   call guest_print
        mov esi, edi
guest_print:
        mov edx, COM1
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

; About 2 * ECX cycles.
spin:   dec ecx
        jnz spin
        ret

tick:   inc dword [ticks]
        test dword [rsp + 16], 200h     ; the flags of what was interrupted
        jnz .end
        mov byte [forbidden], 1
.end:   iretq

breakpoint:
        cmp qword [rsp], after_int3
        jne .end
        mov byte [trapped], 1
.end:   iretq

protection:
        push rax
        cmp qword [rsp + 16], fault
        jne .end
        cmp dword [rsp + 8], 0FFF0h     ; the error code: the selector
        jne .end
        mov byte [faulted], 1
.end:   pop rax
        add rsp, 8
        mov qword [rsp], after_fault
        iretq

        align 4
ticks:  dd 0
trapped: db 0
faulted: db 0
forbidden: db 0

text:
.running: db "running: ", 0
.late:  db "late: ", 0
.moved: db "new stack: ", 0
.halted: db "halted: ", 0
.breakpoint: db "breakpoint: ", 0
.protection: db "protection: ", 0
.forbidden: db "while off: ", 0
.ok:    db "ok", 10, 0
.no:    db "no", 10, 0

        align 8
guest_gdt: dq 0, 00209B0000000000h, 0000930000000000h
guest_gdtr: dw guest_gdtr - guest_gdt - 1
        dq guest_gdt
guest_idtr: dw guest_idt_end - guest_idt - 1
        dq guest_idt
        align 16
guest_idt: times 3 dq 0, 0
        dw breakpoint, 8, 8E00h, 0, 0, 0, 0, 0
        times 9 dq 0, 0
        dw protection, 8, 8E00h, 0, 0, 0, 0, 0
        times TIMER - 14 dq 0, 0
        dw tick, 8, 8E00h, 0, 0, 0, 0, 0
guest_idt_end:
guest_end:
