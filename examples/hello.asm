; The shortest guest: it prints a line on the serial port and halts.
;
; A PC starts in real mode, and so does this guest: 16-bit code, addresses are segment * 16 + offset, no protection.
; Under VT-x every OUT below leaves the guest (exit reason 30, I/O instruction): the VMM's model of the UART takes the
; byte. Open the VM Exits view and count them: one per character.

%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output Hello from the guest!\n

        org 7C00h                       ; where firmware loads a boot sector
        bits 16

        mov si, text
        mov dx, 3F8h                    ; COM1: transmit holding register
print:  lodsb
        test al, al
        jz done
        out dx, al                      ; one VM exit
        jmp print
done:   cli                             ; HLT with interrupts disabled: nothing can wake this guest
        hlt

text:   db "Hello from the guest!", 10, 0
