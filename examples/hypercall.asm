; Hypercalls: a guest that knows it is one, and asks its hypervisor for something.
;
; CPUID tells a guest that there is a hypervisor (leaf 1, ECX bit 31, which no real processor sets) and which one (leaf
; 4000_0000h). VMCALL then leaves the guest on purpose, always: exit reason 18. What the registers mean is agreed between
; guest and hypervisor; this one speaks KVM's dialect: number in EAX, arguments in EBX, ECX, EDX, ESI, result in EAX.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output KVMKVMKVM\nyield: done\n99: no such hypercall\n

SCHED_YIELD equ 11
ENOSYS      equ 1000

        org 100000h
        bits 32

        mov eax, 1
        cpuid
        test ecx, 80000000h             ; hypervisor present
        jz alone
        mov eax, 40000000h
        cpuid
        mov [signature], ebx
        mov [signature + 4], ecx
        mov [signature + 8], edx
        mov byte [signature + 9], 10    ; the last three characters are 0
        mov esi, signature
        call print

        mov eax, SCHED_YIELD
        xor ebx, ebx                    ; to virtual CPU 0
        vmcall
        test eax, eax
        mov esi, text.yield
        jz known
        mov esi, text.refused
known:  call print

        mov eax, 99                     ; nobody has defined this one
        vmcall
        cmp eax, -ENOSYS
        jne alone
        mov esi, text.unknown
        call print
        cli
        hlt

alone:  mov esi, text.alone
        call print
        cli
        hlt

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

signature: times 13 db 0

text:
.yield:   db "yield: done", 10, 0
.refused: db "yield: refused", 10, 0
.unknown: db "99: no such hypercall", 10, 0
.alone:   db "no hypervisor", 10, 0
