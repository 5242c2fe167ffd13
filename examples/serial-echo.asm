; Typing: each byte that comes by the serial port is an interrupt; the guest sends it back and shows it on the screen.
;
; Run it, show Devices and Console, and type into the terminal. The UART keeps the byte and pulls IRQ 4; the 8259, which has
; been told to, delivers it as vector 24h, and counts it as in service until the handler ends it (OUT 20h). Stop in the
; handler and look at both: requested, in service, ended.
;
; Under a hypervisor every IN and OUT here leaves the guest, and the interrupt is put into it by the VMM.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output type>

CODE    equ 08h
COM1    equ 3F8h
WHITE_ON_BLUE equ 1Fh

        org 8000h
        bits 32

        lidt [idt_register]
        mov al, 11h                     ; ICW1: edge triggered, cascaded, ICW4 follows
        out 20h, al
        mov al, 20h                     ; ICW2: vectors from 20h
        out 21h, al
        mov al, 4                       ; ICW3: the second chip is behind input 2
        out 21h, al
        mov al, 1                       ; ICW4: 8086 mode
        out 21h, al
        mov al, 0EFh                    ; mask everything but IRQ 4
        out 21h, al

        mov edx, COM1 + 1               ; IER: interrupt when a byte has come
        mov al, 1
        out dx, al
        mov edx, COM1 + 4               ; MCR: OUT2 connects the UART's interrupt
        mov al, 8
        out dx, al

        mov esi, prompt
        mov edx, COM1
.next:  lodsb
        test al, al
        jz wait_for_key
        out dx, al
        jmp .next

wait_for_key:
        sti
        hlt
        jmp wait_for_key

typed:  pushad
        mov edx, COM1
        in al, dx                       ; takes the byte: the UART lets go of its line
        out dx, al
        mov edi, [place]
        mov ah, WHITE_ON_BLUE
        mov [edi], ax
        add dword [place], 2
        mov al, 20h                     ; end of interrupt
        out 20h, al
        popad
        iretd

prompt: db "type>", 0

        align 8
place:  dd 0B8000h, 0
idt:    times 24h dq 0                  ; no exceptions, no other interrupts
        dw typed, CODE, 8E00h, 0        ; 32-bit interrupt gate
idt_register:
        dw idt_register - idt - 1
        dd idt
