/** The boot processor starts the others by INIT and two SIPIs; each comes to `other` in protected mode with its ID in EBX. */
export const smp = (boot: string, other: string) => `bits 32
        org 100000h
apic    equ 0FEE00000h
        mov esi, trampoline
        mov edi, 8000h
        mov ecx, trampoline_end - trampoline
        rep movsb
        mov dword [apic + 0F0h], 1FFh
        mov dword [apic + 300h], 0C4500h
        mov dword [apic + 300h], 0C4608h
        mov dword [apic + 300h], 0C4608h
        ${boot}
        cli
        hlt

bits 16
trampoline:
        cli
        xor ax, ax
        mov ds, ax
        o32 lgdt [8000h + gdtr - trampoline]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 8:protected
        align 8
gdt:    dq 0, 00CF9A000000FFFFh, 00CF92000000FFFFh
gdtr:   dw 23
        dd 8000h + gdt - trampoline
trampoline_end:

bits 32
protected:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov dword [apic + 0F0h], 1FFh
        mov ebx, [apic + 20h]
        shr ebx, 24
        mov esp, ebx
        shl esp, 12
        add esp, 200000h
        ${other}
stop:   cli
        hlt
        jmp stop

print:  lodsb
        test al, al
        jz .end
        out 0E9h, al
        jmp print
.end:   ret
        align 4
count:  dd 0
sum:    dd 0
lock_word: dd 0
sum_of_counts: dd 0
`;
