; VMX non-root operation: windows, the preemption timer, PAUSE loops, the virtual local APIC, logging of modified
; pages, VM functions and virtualization exceptions. Bochs 2.7 has no monitor trap flag, and this model no execute control by mode.
%include "vmx.inc"

VAPIC   equ 0x90000
ACCESS  equ 0x91000
LOG     equ 0x92000
AREA    equ 0x93000
LIST    equ 0x94000
HANDLERS equ 0x95000
SUPER   equ 0x300000            ; a page of its own in EPT

; Prints 32 bits of memory.
%macro show 1
        mov eax, [%1]
        call print32
%endmacro
%macro show_field 1
        mov ecx, %1
        vmread rax, rcx
        call print32
%endmacro

; Runs the guest at an address until it leaves.
%macro from 1
        call print_line
        mov eax, %1
        call run
%endmacro

; An entry that a check of the controls refuses.
%macro refused 0
        guest 0, nop
        call standard_guest
%endmacro

main:   call allow_vmx
        mov rax, cr4
        or eax, 0x2000
        mov cr4, rax
        vmx vmxon [vmxon_at]
        vmx vmclear [vmcs_at]
        vmx vmptrld [vmcs_at]
        call standard_controls
        call standard_host
        call standard_guest
        call make_ept
        call windows
        call timers
        call priorities
        call accesses
        call deliveries
        call logs
        call functions
        call exceptions
        vmx vmxoff
        ret

windows:
        primary 0x80000004
        write 0x6820, 0x202
        guest 0, nop
        jmp .over
.sti:   sti
        nop
        nop
        vmcall
.iret:  mov rax, rsp
        push KDATA
        push rax
        push 2
        push KCODE
        push .after
        iretq
.after: nop
        vmcall
.over:  call print_line
        mov eax, .sti
        call run
        ; NMI windows need virtual NMIs, and these NMI exiting.
        pin 0x20
        refused
        pin 8
        primary 0x80400000
        refused
        pin 0x28
        guest 0, nop
        write 0x4824, 8
        call print_line
        mov eax, .iret
        call run
        primary 0x80000000
        ; IRET ends blocking, or leaves it.
        write 0x4824, 8
        call print_line
        mov eax, .iret
        call run
        pin 8
        write 0x4824, 8
        call print_line
        mov eax, .iret
        call run
        pin 0
        write 0x4824, 8
        call print_line
        mov eax, .iret
        call run
        ; An IRET that faults, or whose stack is nowhere, has ended it all the same.
        write 0x4004, 1 << 13
        pin 0
        call bad_returns
        pin 0x28
        call bad_returns
        pin 0
        write 0x4004, 0
        ret
bad_returns:
        jmp .over
.code:  push KDATA
        push rax
        push 2
        push KCODE + 0x40
        push rax
.iret:  iretq
.over:  mov dword [shown], 0
        write 0x4824, 8
        from .code
        from .code                ; without blocking
        secondary 2
        mov rax, [EPT + 0x2008]
        push rax
        mov qword [EPT + 0x2008], 0
        write 0x4824, 8
        write 0x681c, SUPER
        from .iret
        write 0x681c, SUPER
        from .iret
        pop rax
        mov [EPT + 0x2008], rax
        secondary 0
        ret

timers: exits 0x400000
        refused
        pin 0x40
        write 0x482e, 0
        guest 0, nop
        show_field 0x482e
        write 0x4826, 1
        guest 0, nop
        exits 0
        write 0x482e, 0x7fffffff
        guest LENGTH, cpuid
        show_field 0x482e
        pin 0
        secondary 0x400
        write 0x4020, 0x7fffffff
        write 0x4022, 100
        jmp .over
.loop:  pause
        jmp .loop
.over:  call print_line
        mov dword [shown], LENGTH
        mov eax, .loop
        call run
        secondary 0
        ret

; The task priority.
priorities:
        primary 0x80200000
        write 0x401c, 0
        write 0x2012, VAPIC + 8
        refused
        write 0x2012, VAPIC
        write 0x401c, 0x10
        refused
        write 0x401c, 5
        mov dword [VAPIC + 0x80], 0x40
        refused
        mov dword [VAPIC + 0x80], 0x60
        guest 0, nop
        guest 0, {mov cr8, rbx}
        show VAPIC + 0x80
        mov dword [VAPIC + 0x80], 0x7f
        jmp .over
.code:  mov eax, 9
        mov cr8, rax
        mov rbx, cr8
        mov [VAPIC + 0x400], rbx
        vmcall
.over:  call print_line
        mov eax, .code
        call run
        show VAPIC + 0x80
        show VAPIC + 0x400
        primary 0x80280000
        guest LENGTH, {mov cr8, rbx}
        ret

; Accesses to the APIC-access page.
accesses:
        write 0x401c, 0
        mov dword [VAPIC + 0x20], 0x1234
        primary 0x80200000
        secondary 1
        write 0x2014, ACCESS + 8
        refused
        write 0x2014, ACCESS
        call all_accesses
        secondary 0x101
        call all_accesses
        pin 1
        secondary 0x201
        call all_accesses
        secondary 0x301
        call all_accesses
        pin 0
        primary 0x80000000
        secondary 1
        guest 0, {mov eax, [ACCESS + 0x80]}
        ; During the delivery of an event.
        primary 0x80200000
        write 0x681c, ACCESS + 0x108
        write 0x4016, 0x80000040
        write 0x6820, 0x202
        guest 0, nop
        ; Below the threshold from the start.
        write 0x401c, 5
        mov dword [VAPIC + 0x80], 0x40
        guest 0, nop
        write 0x401c, 0
        secondary 0
        ret

all_accesses:
        mov dword [VAPIC + 0x80], 0x60
        guest 0, {mov eax, [ACCESS + 0x80]}
        guest 0, {mov al, [ACCESS + 0x82]}
        guest 0, {mov ax, [ACCESS + 0x83]}
        guest 0, {mov rax, [ACCESS + 0x80]}
        guest 0, {mov eax, [ACCESS + 0x20]}
        guest 0, {mov eax, [ACCESS + 0x24]}
        guest 0, {mov eax, [ACCESS + 0x110]}
        guest 0, {mov eax, [ACCESS + 0x390]}
        guest 0, {mov dword [ACCESS + 0x80], 0x12345678}
        show VAPIC + 0x80
        guest 0, {mov dword [ACCESS + 0x20], 0x12345678}
        show VAPIC + 0x20
        guest 0, {mov dword [ACCESS + 0x30], 1}
        guest 0, {mov dword [ACCESS + 0xd0], 1}
        guest 0, {mov dword [ACCESS + 0xb0], 0}
        guest 0, {mov dword [ACCESS + 0x300], 0x61}
        guest 0, {mov dword [ACCESS + 0x310], 0x12345678}
        show VAPIC + 0x310
        guest 0, {mov dword [ACCESS + 0x110], 1}
        guest 0, {or dword [ACCESS + 0x320], 1}
        mov dword [VAPIC + 0x20], 0x1234
        ret

; Interrupts of the guest go to a handler that leaves.
%macro deliver 2                ; guest interrupt status, RFLAGS
        write 0x0810, %1
        write 0x6820, %2
        write 0x6818, HANDLERS
        write 0x4812, 0xfff
%endmacro
taken:  vmcall
make_handlers:
        mov edi, HANDLERS
        mov ecx, 256
.next:  mov eax, taken
        mov [rdi], ax
        mov word [rdi + 2], KCODE
        mov word [rdi + 4], 0x8e00
        shr eax, 16
        mov [rdi + 6], eax
        mov dword [rdi + 10], 0
        mov word [rdi + 14], 0
        add edi, 16
        loop .next
        ret
print_apic:
        show VAPIC + 0x80
        show VAPIC + 0xa0
        show VAPIC + 0x110
        show VAPIC + 0x120
        show VAPIC + 0x130
        show VAPIC + 0x220
        show VAPIC + 0x230
        show_field 0x0810
        mov dword [VAPIC + 0x80], 0
        mov dword [VAPIC + 0xa0], 0
        mov dword [VAPIC + 0x110], 0
        mov dword [VAPIC + 0x120], 0
        mov dword [VAPIC + 0x130], 0
        mov dword [VAPIC + 0x220], 0
        mov dword [VAPIC + 0x230], 0
        write 0x0810, 0
        ret

deliveries:
        call make_handlers
        write 0x201c, 0
        write 0x201e, 0
        write 0x2020, 0
        write 0x2022, 0
        pin 1
        primary 0x80000000
        secondary 0x200
        refused            ; without a TPR shadow
        pin 0
        primary 0x80200000
        refused            ; without external-interrupt exiting
        pin 1
        secondary 0x201
        call print_apic
        mov dword [VAPIC + 0x220], 1 << 17
        deliver 0x51, 0x202
        guest 0, nop
        call print_apic
        mov dword [VAPIC + 0x220], 1 << 17
        deliver 0x51, 2
        guest 0, nop
        call print_apic
        mov dword [VAPIC + 0x80], 0x50
        mov dword [VAPIC + 0x220], 1 << 17
        deliver 0x51, 0x202
        guest 0, nop
        call print_apic
        mov dword [VAPIC + 0x220], 1 << 17
        deliver 0x5051, 0x202
        guest 0, nop
        call print_apic
        mov dword [VAPIC + 0x80], 0x60
        mov dword [VAPIC + 0x220], 1 << 17
        deliver 0x51, 0x202
        guest 0, {mov dword [ACCESS + 0x80], 0x4f}
        call print_apic
        ; To itself.
        deliver 0, 0x202
        guest 0, {mov dword [ACCESS + 0x300], 0x40061}
        call print_apic
        deliver 0, 0x202
        guest 0, {mov dword [ACCESS + 0x300], 0x4000f}
        call print_apic
        deliver 0, 0x202
        guest 0, {mov dword [ACCESS + 0x300], 0x48061}
        call print_apic
        deliver 0, 0x202
        guest 0, {mov dword [ACCESS + 0x300], 0x80061}
        call print_apic
        ; Ends of interrupts.
        mov dword [VAPIC + 0x130], 1 << 17
        mov dword [VAPIC + 0x110], 2
        mov dword [VAPIC + 0x220], 1 << 17
        deliver 0x7151, 0x202
        guest 0, {mov dword [ACCESS + 0xb0], 0}
        call print_apic
        mov rdx, 1 << 49
        mov eax, 0x201e
        vmwrite rax, rdx
        mov dword [VAPIC + 0x130], 1 << 17
        mov dword [VAPIC + 0x110], 2
        deliver 0x7100, 0x202
        guest 0, {mov dword [ACCESS + 0xb0], 0}
        call print_apic
        ; The window for interrupts holds them back.
        primary 0x80200004
        mov dword [VAPIC + 0x220], 1 << 17
        deliver 0x51, 0x202
        guest 0, nop
        call print_apic
        pin 0
        primary 0x80000000
        secondary 0
        ret

; With accessed and dirty flags.
logs:   write 0x201a, EPT + 0x5e
        secondary 0x20000
        refused            ; without EPT
        secondary 0x20002
        write 0x200e, LOG + 8
        refused
        write 0x200e, LOG
        write 0x0812, 511
        guest 0, {mov [SUPER], al}
        show_field 0x0812
        show LOG + 511 * 8
        show LOG + 510 * 8
        show LOG + 509 * 8
        write 0x0812, 511
        guest 0, {mov [SUPER], al}
        show_field 0x0812
        ; A page that is not dirty yet, and no room.
        and dword [EPT + 0x2008], ~0x300
        write 0x0812, 0xffff
        guest 0, {mov [SUPER], al}
        show_field 0x0812
        show EPT + 0x2008
        write 0x201a, EPT + 0x1e
        secondary 0
        ret

functions:
        mov dword [LIST + 8], EPT + 0x1e
        mov dword [LIST + 16], EPT + 0x1f
        write 0x4004, 0x40      ; #UD
        write 0x2018, 2
        write 0x2024, LIST
        secondary 0x2002
        refused
        write 0x2018, 1
        write 0x2024, LIST + 8
        refused
        secondary 0x2000
        write 0x2024, LIST
        refused
        secondary 2
        call function_calls
        secondary 0x2002
        call function_calls
        write 0x2018, 0
        call function_calls
        write 0x4004, 0
        secondary 0
        ret
function_calls:
        jmp .over
.code:  mov eax, ebx
        mov ecx, esi
        vmfunc
        vmcall
.switch:
        xor eax, eax
        mov ecx, 1
        vmfunc
        vmcall
.bad:   mov ecx, 2
        vmfunc
        vmcall
.beyond:
        mov ecx, 512
        vmfunc
        vmcall
.other: mov eax, 1
        vmfunc
        vmcall
.none:  mov eax, 64
        vmfunc
        vmcall
.over:  mov dword [shown], 0
        from .code
        from .switch
        from .bad
        from .beyond
        from .other
        from .none
        ret

exceptions:
        write 0x4004, 1 << 20
        secondary 0x40002
        write 0x202a, AREA + 8
        refused
        write 0x202a, AREA
        write 0x0004, 1
        mov rax, [EPT + 0x2008]
        push rax
        mov qword [EPT + 0x2008], 0
        guest 0, {mov al, [SUPER + 0x234]}
        call print_area
        guest PHYSICAL_ADDRESS | LINEAR, {mov al, [SUPER + 0x234]}
        mov dword [AREA + 4], 0
        guest 0, {mov [SUPER + 0x234], al}
        call print_area
        mov dword [AREA + 4], 0
        mov dword [EPT + 0x200c], 1 << 31       ; suppressed
        guest PHYSICAL_ADDRESS | LINEAR, {mov al, [SUPER + 0x234]}
        mov qword [EPT + 0x2008], 0x2000b5
        guest 0, {mov [SUPER + 0x234], al}
        call print_area
        mov dword [AREA + 4], 0
        mov qword [EPT + 0x2008], 0x2000b2      ; a misconfiguration
        guest PHYSICAL_ADDRESS, {mov [SUPER + 0x234], al}
        pop rax
        mov [EPT + 0x2008], rax
        write 0x4004, 0
        secondary 0
        ret
print_area:
        show AREA
        show AREA + 4
        show AREA + 8
        show AREA + 16
        show AREA + 24
        movzx eax, word [AREA + 32]
        call print16
        ret
