; Another guest for lab 11: it counts ticks behind MOV SS and in a handler, and gets its fault while a tick is due.

%pragma ringside mode long
%pragma ringside technique bare-metal

%include "machine.inc"

%strlen LENGTH "${periods}"
%if LENGTH = 1
%deftok PERIODS "${periods}"            ; the student's own
%else
%define PERIODS 5                       ; as the file stands here, before the value is filled in
%endif
PERIOD  equ 30000                       ; cycles from tick to tick, and a few more

section guest follows=.text vstart=GUEST_CODE align=16
        lgdt [guest_gdtr]
        lidt [guest_idtr]

        mov esi, text.late              ; off for more periods
        call all_taken_late
        call verdict

        mov esi, text.behind            ; ticks are due, and the flags come back by POPF, right before MOV SS
        mov ecx, 2 * PERIOD
        call spin
        mov eax, 10h
        push qword 202h
        popfq
        mov ss, ax
        mov ecx, 200
        call spin
        cli
        vmcall
        cmp [ticks], eax
        call verdict

        mov esi, text.protection        ; a fault while ticks are due: both come
        mov ecx, PERIOD
        call spin
        mov eax, 0FFF0h
        sti
        nop
fault:  mov fs, ax
after_fault:
        mov ecx, 200
        call spin
        cli
        cmp byte [faulted], 1
        jc .said
        vmcall
        cmp [ticks], eax
.said:  call verdict

        mov esi, text.halted            ; HLT while a tick is due: it does not wait for the next one
        mov ecx, PERIOD / 2 + 200
        call spin
        sti
        hlt
        cli
        cmp byte [forbidden], 1
        cmc
        call verdict
        int3
after_int3:
        cmp byte [trapped], 1
        mov esi, text.breakpoint
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
.late:  db "late: ", 0
.behind: db "behind MOV SS: ", 0
.halted: db "halted: ", 0
.breakpoint: db "breakpoint: ", 0
.protection: db "protection: ", 0
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
