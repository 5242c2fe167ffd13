; Timer interrupts: PIT, PIC, and HLT as a way to wait.
;
; Channel 0 of the 8254 timer pulls IRQ 0 about a hundred times a second. The 8259 interrupt controllers are programmed to
; deliver IRQ 0 as vector 20h, beyond the exceptions. HLT stops the processor until an interrupt comes, so this guest
; spends its time not running: in virtual time each tick is there at once.
;
; Under a hypervisor the timer's interrupt is physical first: it leaves the guest (exit reason 1), and the VMM puts a
; virtual one into the guest at the next entry. HLT leaves it as well (exit reason 12). Each tick shows both, and the end
; of interrupt is an OUT, so an exit too.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output .....\n5 ticks\n

CODE    equ 08h
TIMER   equ 20h                         ; vector of IRQ 0
DIVISOR equ 11932                       ; 1,193,182 Hz / 11932: 100 Hz

        org 8000h
        bits 32

        lidt [idt_register]
        mov al, 11h                     ; ICW1: edge triggered, cascaded, ICW4 follows
        out 20h, al
        out 0A0h, al
        mov al, TIMER                   ; ICW2: the vectors
        out 21h, al
        mov al, TIMER + 8
        out 0A1h, al
        mov al, 4                       ; ICW3: the second chip is behind input 2
        out 21h, al
        mov al, 2
        out 0A1h, al
        mov al, 1                       ; ICW4: 8086 mode
        out 21h, al
        out 0A1h, al
        mov al, 0FEh                    ; mask everything but IRQ 0
        out 21h, al
        mov al, 0FFh
        out 0A1h, al

        mov al, 34h                     ; channel 0, low then high byte, mode 2: rate generator
        out 43h, al
        mov al, DIVISOR & 0FFh
        out 40h, al
        mov al, DIVISOR >> 8
        out 40h, al

again:  sti                             ; takes effect after the next instruction, so no interrupt
        hlt                             ; can slip in between the two and be waited for in vain
        cli
        cmp dword [ticks], 5
        jb again

        mov esi, text
        call print
        hlt                             ; interrupts are disabled: the end

tick:   push eax
        push edx
        inc dword [ticks]
        mov al, '.'
        mov edx, 3F8h
        out dx, al
        mov al, 20h                     ; end of interrupt
        out 20h, al
        pop edx
        pop eax
        iretd

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:   db 10, "5 ticks", 10, 0

        align 8
ticks:  dd 0, 0
idt:    times 32 dq 0                   ; the exceptions: not present
        dw tick, CODE, 8E00h, 0         ; 32-bit interrupt gate
idt_register:
        dw idt_register - idt - 1
        dd idt
