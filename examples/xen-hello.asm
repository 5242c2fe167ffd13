; Paravirtualization: a guest that was made for its hypervisor, here Xen.
;
; Such a guest has no devices and does not run at CPL 0: its kernel is at CPL 1. What it cannot do itself it asks for by a
; hypercall: number in EAX, arguments in EBX, ECX, EDX, ESI, EDI, and INT 82h. What comes back in EAX is a result, or the
; negative of an error number.
;
; It does not start as a PC does, either. Paging is on already, the segments are Xen's flat ones, and ESI points to the
; start_info page. "%pragma ringside mode xen" says that this is such a guest.

%pragma ringside mode xen
%pragma ringside technique paravirtualization
%pragma ringside ends shutdown
%pragma ringside output xen-3.0-x86_32p\nring 1\nhypercall 99: no such call\n

XEN_VERSION equ 17
CONSOLE_IO  equ 18
SCHED_OP    equ 29
WRITE       equ 0                       ; of console_io
SHUTDOWN    equ 2                       ; of sched_op
ENOSYS      equ 38

        org 100000h
        bits 32

        mov edx, 15                     ; start_info begins with its name
        mov ecx, esi
        call print
        mov ecx, text.line
        mov edx, 1
        call print

        mov ax, cs                      ; the ring is in the selector: nothing hides it
        and al, 3
        add [text.digit], al
        mov ecx, text.ring
        mov edx, text.ring_end - text.ring
        call print

        mov eax, 99                     ; Xen has no such hypercall
        int 82h
        cmp eax, -ENOSYS
        jne stop
        mov ecx, text.unknown
        mov edx, text.unknown_end - text.unknown
        call print

stop:   mov eax, SCHED_OP
        mov ebx, SHUTDOWN
        mov ecx, reason
        int 82h

; Prints EDX bytes at ECX: console_io(WRITE, count, buffer).
print:  mov eax, CONSOLE_IO
        mov ebx, WRITE
        xchg ecx, edx
        int 82h
        ret

reason: dd 0                            ; power off

text:
.ring:     db "ring "
.digit:    db "0"
.line:     db 10
.ring_end:
.unknown:  db "hypercall 99: no such call", 10
.unknown_end:
