; Several virtual CPUs for a paravirtual guest. There are no start-up messages and no local APIC: the guest gives Xen the state that
; a vCPU is to begin with (vcpu_op initialise), and brings it up. What interprocessor interrupts are elsewhere are event
; channels here: each vCPU binds a port to itself, and whoever sends on that port wakes it.

%pragma ringside mode xen
%pragma ringside technique paravirtualization
%pragma ringside processors 3
%pragma ringside ends shutdown
%pragma ringside output ..\n

CONSOLE_IO       equ 18
VCPU_OP          equ 24
SCHED_OP         equ 29
EVENT_CHANNEL_OP equ 32

KERNEL_CODE      equ 0E019h
KERNEL_DATA      equ 0E021h
CR3_FOR_XEN      equ 2716 + 4 * 3       ; offsets in struct vcpu_guest_context: ctrlreg[3],
KERNEL_SS        equ 2708
KERNEL_SP        equ 2712
REGISTERS        equ 516                ; and user_regs, with
EBX_OF           equ REGISTERS
EIP_OF           equ REGISTERS + 32
CS_OF            equ REGISTERS + 36
ESP_OF           equ REGISTERS + 44
SS_OF            equ REGISTERS + 48
ES_OF            equ REGISTERS + 52
DS_OF            equ REGISTERS + 56
VCPUS            equ 3

%macro hypercall 1
        mov eax, %1
        int 82h
%endmacro

        org 100000h
        bits 32

        mov edi, 1
start:  mov [context + EBX_OF], edi
        mov dword [context + EIP_OF], other
        mov dword [context + CS_OF], KERNEL_CODE
        mov dword [context + SS_OF], KERNEL_DATA
        mov dword [context + DS_OF], KERNEL_DATA
        mov dword [context + ES_OF], KERNEL_DATA
        mov eax, edi
        shl eax, 12
        add eax, stacks
        mov [context + ESP_OF], eax
        mov dword [context + KERNEL_SS], KERNEL_DATA
        mov [context + KERNEL_SP], eax
        mov eax, cr3                    ; emulated: the machine address of our page tables
        mov [context + CR3_FOR_XEN], eax
        xor ebx, ebx                    ; initialise: Xen checks all of it
        mov ecx, edi
        mov edx, context
        hypercall VCPU_OP
        mov ebx, 1                      ; up
        mov ecx, edi
        hypercall VCPU_OP
        inc edi
        cmp edi, VCPUS
        jb start

.bound: pause                           ; until each has a port
        cmp dword [ready], VCPUS - 1
        jb .bound
        mov edi, 1
.send:  mov ebx, 4                      ; send
        lea ecx, [ports + 8 * edi + 4]
        hypercall EVENT_CHANNEL_OP
.heard: pause
        cmp [heard], edi
        jb .heard
        inc edi
        cmp edi, VCPUS
        jb .send
        mov byte [text], 10
        call print
        mov ebx, 2                      ; shutdown
        mov ecx, zero
        hypercall SCHED_OP

other:  mov esi, ebx                    ; its number
        mov [ports + 8 * esi], esi
        lea ecx, [ports + 8 * esi]
        mov ebx, 7                      ; bind_ipi
        hypercall EVENT_CHANNEL_OP
        lea eax, [ports + 8 * esi + 4]
        push dword 0                    ; no timeout
        push dword 0
        push dword 1                    ; one port
        push eax
        lock inc dword [ready]
        mov ebx, 3                      ; poll: sleeps until an event is pending there
        mov ecx, esp
        hypercall SCHED_OP
        call print
        lock inc dword [heard]
        mov ebx, 2                      ; down
        mov ecx, esi
        hypercall VCPU_OP

print:  xor ebx, ebx
        mov ecx, 1
        mov edx, text
        hypercall CONSOLE_IO
        ret

ready:  dd 0
heard:  dd 0
zero:   dd 0
text:   dd '.'
ports:  times VCPUS dd 0, 0             ; struct evtchn_bind_ipi: vCPU, and the port that it gets
        align 4
context: times 2800 db 0
        align 4096
stacks: times VCPUS * 4096 db 0
