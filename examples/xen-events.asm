; Events: how a paravirtual guest hears of things. It has no interrupt controller, and no interrupt flag that counts.
;
; An event channel is a port with a bit in the shared page; any number of them lead to one upcall, which the guest masks by a
; byte in that page. Here the virtual timer is bound to a port, and the guest asks to be called in a millisecond. Until
; then it blocks; CLI and STI would do nothing for it.

%pragma ringside mode xen
%pragma ringside technique paravirtualization
%pragma ringside ends shutdown
%pragma ringside output tick 1\ntick 2\ntick 3\n

SET_CALLBACKS     equ 4
UPDATE_VA_MAPPING equ 14
SET_TIMER_OP      equ 15
CONSOLE_IO        equ 18
PV_IRET           equ 23
VCPU_OP           equ 24
SCHED_OP          equ 29
EVENT_CHANNEL_OP  equ 32

KERNEL_CODE       equ 0E019h
SHARED_INFO       equ 36                ; offset in start_info: a machine address
UPCALL_PENDING    equ 0                 ; offsets in the shared page: bytes of vcpu_info
PENDING_SELECTOR  equ 4
SYSTEM_TIME       equ 32 + 16           ; vcpu_info.time.system_time
PENDING           equ 2048
PERIOD            equ 1000000           ; ns

        org 100000h
        bits 32

        mov eax, UPDATE_VA_MAPPING      ; the shared page, at a page of ours
        mov ebx, shared
        mov ecx, [esi + SHARED_INFO]
        or ecx, 3                       ; present, writable
        xor edx, edx
        mov esi, 2                      ; INVLPG
        int 82h

        mov eax, SET_CALLBACKS
        mov ebx, KERNEL_CODE
        mov ecx, upcall
        mov edx, KERNEL_CODE
        mov esi, failed
        int 82h

        mov eax, VCPU_OP                ; every guest has a ticker of 100 Hz: not wanted
        mov ebx, 7                      ; stop_periodic_timer
        xor ecx, ecx
        int 82h

        mov eax, EVENT_CHANNEL_OP
        mov ebx, 1                      ; bind_virq
        mov ecx, bind
        int 82h
        mov eax, EVENT_CHANNEL_OP
        mov ebx, 9                      ; unmask
        mov ecx, bind.port
        int 82h

        mov edi, 3
again:  mov eax, SET_TIMER_OP
        mov ebx, [shared + SYSTEM_TIME]
        mov ecx, [shared + SYSTEM_TIME + 4]
        add ebx, PERIOD
        adc ecx, 0
        int 82h
        mov eax, SCHED_OP
        mov ebx, 1                      ; block: unmasks the upcall, and waits
        int 82h
        dec edi
        jnz again

        mov eax, SCHED_OP
        mov ebx, 2                      ; shutdown
        mov ecx, zero
        int 82h

; The upcall: Xen has masked further ones. On the stack: EIP, CS, EFLAGS.
upcall: pushad
        mov byte [shared + UPCALL_PENDING], 0   ; first this, then look: or an event is lost
        xor eax, eax
        xchg eax, [shared + PENDING_SELECTOR]
        xor eax, eax
        xchg eax, [shared + PENDING]    ; bit n: port n
        mov ebx, [bind.port]
        bt eax, ebx
        jnc .end
        inc byte [text.number]
        mov eax, CONSOLE_IO
        xor ebx, ebx
        mov ecx, text.end - text
        mov edx, text
        int 82h
.end:   popad
        push eax                        ; iret takes EAX from the stack, and unmasks by the IF in EFLAGS
        mov eax, PV_IRET
        int 82h

failed: ud2

zero:   dd 0
bind:   dd 0                            ; VIRQ_TIMER
        dd 0                            ; of vCPU 0
.port:  dd 0                            ; gets the port

text:   db "tick "
.number: db "0", 10
.end:

        align 4096
shared: times 4096 db 0
