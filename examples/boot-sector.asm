; A floppy disk: a boot sector, and a second sector that it loads.
;
; The last two bytes of the first sector, 55h and AAh, make it one: so Ringside does not load this program as it is, but
; puts it into a floppy drive, and its small BIOS loads the first 512 bytes to 7C00h, as a PC does. The BIOS is called by
; interrupts. Its code is at F0000h; what it does is behind I/O ports, so under VT-x each call is an exit.

%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output loaded\n

        org 7C00h
        bits 16

        xor ax, ax
        mov ds, ax
        mov es, ax

        mov si, greeting
        call print

        mov ax, 0201h                   ; AH = 2: read sectors, AL = 1 of them
        mov cx, 2                       ; cylinder 0, sector 2 (they count from 1)
        mov dh, 0                       ; head 0; DL is still the drive we came from
        mov bx, second                  ; to ES:BX
        int 13h
        jc failed
        jmp second

failed: mov si, trouble
        call print
        cli
        hlt

; Prints the string at SI on the screen.
print:  lodsb
        test al, al
        jz .done
        mov ah, 0Eh                     ; teletype output
        mov bx, 7
        int 10h
        jmp print
.done:  ret

greeting:
        db "Booted by the BIOS.", 13, 10, 0
trouble:
        db "The second sector cannot be read.", 0

        times 510 - ($ - $$) db 0
        dw 0AA55h

; The second sector: not in memory before it is read.
second: mov si, story
        call print
        mov si, mark
        mov dx, 0E9h                    ; the debug console
        mov cx, story - mark
        rep outsb
        cli
        hlt

mark:   db "loaded", 10
story:  db "And this was loaded from the disk.", 0
        times 1024 - ($ - $$) db 0
