; A tour of VM exits: what a guest does that its hypervisor gets to see, and what it does not.
;
; Run it under vtx-ept and watch the VM Exits view. Each instruction marked "exit" leaves the guest: the processor saves
; its state in the VMCS, says why (exit reason and qualification), and the VMM decides what the guest gets to see. The
; instructions marked "no exit" are sensitive too, but VT-x runs them in the guest on the guest's own state.
;
; No technique is named here, so the editor marks what breaks under any of them: sensitive instructions that nothing
; traps on, the holes in the virtualization of the classic x86 (Robin and Irvine 2000). Choose "VT-x with EPT" in the
; status bar and the marks go, for there the guest has these registers and tables to itself.

%pragma ringside mode protected
%pragma ringside ends halted
%pragma ringside output CPUID MSR CR HLT\n

IA32_PAT         equ 277h
IA32_SYSENTER_CS equ 174h
DATA             equ 10h                ; the data segment the guest was started with
COM1             equ 3F8h

        org 100000h
        bits 32

; The VMM maps a page of guest memory when it is first touched. That is an exit too, an EPT violation: here, for CLI.
start:  cli                             ; no exit: VT-x gives the guest an interrupt flag of its own

identify:
        xor eax, eax
        cpuid                           ; exit, always: the VMM chooses what processor the guest sees
        mov esi, text.cpuid
        call print                      ; exit, this once: an EPT violation at the first touch of the stack

model_specific:
        mov ecx, IA32_PAT
        rdmsr                           ; exit: the MSR bitmap has a 1 for this register
        wrmsr                           ; exit: and another 1 for writing it
        mov ecx, IA32_SYSENTER_CS
        rdmsr                           ; no exit: the bitmap has a 0, the guest has a register of its own
        mov esi, text.msr
        call print

control_registers:
        mov eax, cr0                    ; no exit: bits the VMM owns are read from the CR0 read shadow
        or eax, 20h                     ; NE is such a bit: it must stay 1 in VMX operation
        mov cr0, eax                    ; exit: a bit of the CR0 guest/host mask differs from the read shadow
        or eax, 2                       ; MP is not
        mov cr0, eax                    ; no exit
        mov eax, cr4
        mov cr4, eax                    ; no exit: no bit changes that the VMM owns
        mov eax, cr3
        mov cr3, eax                    ; no exit: with EPT the guest's page tables are its own
        mov esi, text.cr
        call print

; Sensitive, but unprivileged: what these reveal or change, they do without anybody noticing.
look_around:
        sgdt [table]                    ; where the descriptor table is
        sidt [table]                    ; where the interrupt table is
        sldt ax                         ; the local descriptor table's selector
        str ax                          ; the task register
        smsw ax                         ; the low half of CR0
        pushfd                          ; the interrupt flag and the I/O privilege level
        popfd                           ; may fail to change them, without a fault
        mov ax, cs                      ; the privilege level, in bits 1:0
        mov ecx, DATA
        lar eax, ecx                    ; whether a descriptor can be seen from this privilege level. Exit, this once:
                                        ; an EPT violation at the first touch of the descriptor table
        verr cx                         ; the same, as a yes or no

rest:   mov esi, text.hlt
        call print
        hlt                             ; exit: the VMM can give the processor to somebody else

; Prints the text at ESI, which ends with a zero, on the serial port.
print:  mov edx, COM1
.next:  lodsb
        test al, al
        jz .end
        out dx, al                      ; exit: I/O instruction; the qualification holds port, size and direction
        jmp .next
.end:   ret

text:
.cpuid: db "CPUID ", 0
.msr:   db "MSR ", 0
.cr:    db "CR ", 0
.hlt:   db "HLT", 10, 0

        align 8
table:  times 10 db 0                   ; limit and base, as SGDT and SIDT store them
