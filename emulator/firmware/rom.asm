; The code of Ringside's built-in BIOS: the 64 KiB at F0000h. What a service does is written in TypeScript, one file per
; interrupt beside this; here are only its entry, an OUT to a port of the firmware, and what has to be code because it
; waits or calls interrupts that guests hook. At the OUT, the frame of the interrupt is on top of the stack.
; `node scripts/firmware.ts` assembles this into rom-bytes.ts.
        bits 16
        org 0

keyboard_port   equ 0xA4
video_port      equ 0xA5
equipment_port  equ 0xA6
memory_port     equ 0xA7
disk_port       equ 0xA8
serial_port     equ 0xA9
system_port     equ 0xAA
keys_port       equ 0xAB
printer_port    equ 0xAC
no_disk_port    equ 0xAD
boot_port       equ 0xAE
time_port       equ 0xAF
clock_port      equ 0xB4
post_port       equ 0xB5

ticks_a_day     equ 0x1800B0

; A service that is done when the OUT is.
%macro service 2
%1:     out %2, al
        iret
%endmacro

; A service that may have to wait for an interrupt: then `again` is set, and it is called once more.
%macro waiting_service 2
%1:     cli
        out %2, al
        cmp byte [cs:again], 0
        je %%done
        sti
        hlt
        jmp %1
%%done: iret
%endmacro

again:          db 0            ; written by the services
alarm:          db 0

        times 0x10 - ($ - $$) db 0
; INT 15h, AH = C0h: length, model, submodel, revision, features (second PIC, RTC, INT 15h/4Fh, extended BIOS data area).
configuration:  dw 8
                db 0xFC, 1, 0, 0x74, 0, 0, 0, 0

        times 0x20 - ($ - $$) db 0
; INT 1Eh: parameters of a 1.44 MB floppy.
diskette:       db 0xDF, 0x02, 0x25, 2, 18, 0x1B, 0xFF, 0x6C, 0xF6, 0x0F, 0x08

        times 0x40 - ($ - $$) db 0
        service video, video_port
        service equipment, equipment_port
        service memory_size, memory_port
        service disk, disk_port
        service serial, serial_port
        service printer, printer_port
        service time, time_port
        waiting_service system, system_port
        waiting_service keys, keys_port

ignore: iret

timer:  push ax
        push dx
        push ds
        mov ax, 0x40
        mov ds, ax
        inc dword [0x6C]
        cmp dword [0x6C], ticks_a_day
        jb .same_day
        mov dword [0x6C], 0
        inc byte [0x70]
.same_day:
        int 0x1C
        mov al, 0x20
        out 0x20, al
        pop ds
        pop dx
        pop ax
        iret

; Guests may change the scan code on its way, or take it (INT 15h, AH = 4Fh).
keyboard:
        push ax
        in al, 0x60
        mov ah, 0x4F
        stc
        int 0x15
        jnc .taken
        out keyboard_port, al
.taken: mov al, 0x20
        out 0x20, al
        pop ax
        iret

clock:  push ax
        out clock_port, al
        cmp byte [cs:alarm], 0
        je .no_alarm
        int 0x4A
.no_alarm:
        mov al, 0x20
        out 0xA0, al
        out 0x20, al
        pop ax
        iret

first_controller:
        push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        iret

second_controller:
        push ax
        mov al, 0x20
        out 0xA0, al
        out 0x20, al
        pop ax
        iret

; IRQ 9 stands for IRQ 2 of older machines.
redirected:
        push ax
        mov al, 0x20
        out 0xA0, al
        pop ax
        int 0x0A
        iret

; IRQ 13 stands for the coprocessor's NMI of older machines.
coprocessor:
        push ax
        xor al, al
        out 0xF0, al
        mov al, 0x20
        out 0xA0, al
        out 0x20, al
        pop ax
        int 2
        iret

no_disk:
        out no_disk_port, al
.for_ever:
        sti
        hlt
        jmp .for_ever

; The boot sector of the first drive that has one, or `again` set.
boot:   cli
        xor ax, ax
        mov ss, ax
        mov sp, 0x7C00
        out boot_port, al
        cmp byte [cs:again], 0
        jne no_disk
        xor ax, ax
        mov ds, ax
        mov es, ax
        sti
        jmp 0:0x7C00

post:   cli
        xor ax, ax
        mov ss, ax
        mov sp, 0x7C00
        out post_port, al
        jmp boot

        times 0xFFF0 - ($ - $$) db 0
reset:  jmp 0xF000:post
        db "01/01/26"
        db 0
        db 0xFC, 0
