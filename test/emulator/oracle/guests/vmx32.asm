; VMX with a host of 32 bits: fields as wide as it can reach them, guests with 32-bit and PAE paging, and what of the host an
; exit loads.
%include "protected.inc"

VMXON_REGION equ 0x80000
VMCS    equ 0x81000
PD      equ 0x82000             ; 4-MiB pages
PDPT    equ 0x83000             ; PAE
PAE_PD  equ 0x84000
GSTACK  equ 0x8f000
HSTACK  equ 0x8e000

%macro vmx 1+
        push dword 0x8d7
        popfd
        %1
        call print_outcome
%endmacro
%macro on_line 1+
        call print_line
        vmx %1
%endmacro
print_outcome:
        pushfd
        pushad
        mov eax, [esp + 32]
        and eax, 0x8d5
        push eax
        call print16
        pop eax
        test al, 0x40
        jz .done
        mov ecx, 0x4400
        vmread eax, ecx
        call print8
.done:  popad
        popfd
        ret

%macro write 2
        mov eax, %1
        mov edx, %2
        vmwrite eax, edx
%endmacro
%macro control 3
        mov ecx, %2
        rdmsr
        or eax, %3
        mov edx, %1
        vmwrite edx, eax
%endmacro

write_fields:
        mov ecx, [esi]
        cmp ecx, -1
        je .done
        mov edx, [esi + 4]
        vmwrite ecx, edx
        add esi, 8
        jmp write_fields
.done:  ret

guest_state:
        mov esi, guest_fields
        call write_fields
        mov edx, cr0
        mov eax, 0x6800
        vmwrite eax, edx
        mov edx, cr3
        mov eax, 0x6802
        vmwrite eax, edx
        mov edx, cr4
        mov eax, 0x6804
        vmwrite eax, edx
        ret

%macro guest 1+
        jmp %%over
%%code: %1
        vmcall
%%over: call print_line
        mov edx, %%code
        call run
%endmacro

launched: db 0
run:    mov eax, 0x681e
        vmwrite eax, edx
        mov eax, 0x6c14
        vmwrite eax, esp
        cmp byte [launched], 0
        jne .again
        vmlaunch
        jmp .failed
.again: vmresume
.failed:
        call print_outcome
        ret

; The host as an exit loads it, and what it says.
exited: pushfd
        pop eax
        call print32
        mov eax, cs
        call print16
        mov eax, ss
        call print16
        mov eax, ds
        call print16
        mov eax, es
        call print16
        mov eax, fs
        call print16
        mov eax, gs
        call print16
        str eax
        call print16
        sldt eax
        call print16
        sgdt [table]
        mov eax, [table + 2]
        call print32
        mov ax, [table]
        call print16
        sidt [table]
        mov eax, [table + 2]
        call print32
        mov ax, [table]
        call print16
        mov eax, cr0
        and eax, ~0x7ffaffd0
        call print32
        mov eax, cr3
        call print32
        mov eax, cr4
        call print32
        mov ecx, 0x175
        rdmsr
        call print32
        mov ecx, 0xc0000080
        rdmsr
        call print32
        mov eax, dr7
        call print32
        mov edi, shown
.next:  mov ecx, [edi]
        vmread eax, ecx
        test ecx, ecx
        jz .done
        cmp ecx, 0x6820
        jne .print
        and eax, ~0x108d5
.print: call print32
        add edi, 4
        jmp .next
.done:  mov byte [launched], 1
        call guest_state
        ret
shown:  dd 0x4402, 0x6400, 0x440c, 0x681e, 0x681c, 0x6820, 0x6804, 0x6802, 0x4824, 0x4826, 0
table:  dw 0
        dd 0

main:   mov edi, PD
        mov eax, 0x87
        mov ecx, 8
.page:  stosd
        add eax, 0x400000
        loop .page
        mov dword [PDPT], PAE_PD + 1
        mov dword [PDPT + 24], PAE_PD + 1
        mov edi, PAE_PD
        mov eax, 0x87
        mov ecx, 8
.large: stosd
        add edi, 4
        add eax, 0x200000
        loop .large
        mov ecx, 0x3a
        rdmsr
        test al, 1
        jnz .locked
        or eax, 5
        wrmsr
.locked:
        mov eax, 0x2010
        mov cr4, eax
        mov eax, PD
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000020
        mov cr0, eax
        mov ecx, 0x480
        rdmsr
        and eax, 0x7fffffff
        mov [VMXON_REGION], eax
        mov [VMCS], eax
        on_line vmxon [vmxon_at]
        on_line vmclear [vmcs_at]
        on_line vmptrld [vmcs_at]
        on_line vmptrst [scratch]
        mov eax, [scratch]
        call print32
        mov eax, [scratch + 4]
        call print32
        ; Widths: natural, 64 bits by halves, 32 and 16 bits.
        mov edi, widths
.width: call print_line
        mov ecx, [edi]
        mov eax, ecx
        call print16
        mov edx, 0x89abcdef
        vmx vmwrite ecx, edx
        xor eax, eax
        vmx vmread eax, ecx
        call print32
        inc ecx
        mov edx, 0x12345678
        vmx vmwrite ecx, edx
        vmx vmread [scratch], ecx
        mov eax, [scratch]
        call print32
        dec ecx
        xor edx, edx
        vmx vmwrite ecx, [scratch]
        inc ecx
        vmx vmread eax, ecx
        call print32
        add edi, 4
        cmp edi, widths_end
        jb .width
        ; Guests.
        control 0x4000, 0x48d, 0
        control 0x4002, 0x48e, 0x80000000
        control 0x400c, 0x48f, 0
        control 0x4012, 0x490, 0
        mov esi, fields
        call write_fields
        mov edx, cr0
        mov eax, 0x6c00
        vmwrite eax, edx
        mov edx, cr3
        mov eax, 0x6c02
        vmwrite eax, edx
        mov edx, cr4
        mov eax, 0x6c04
        vmwrite eax, edx
        call guest_state
        guest nop
        guest cpuid
        ; PAE without EPT: the PDPTEs are memory's.
        write 0x6804, 0x2020
        write 0x6802, PDPT
        guest nop
        or dword [PDPT + 24], 6
        write 0x6804, 0x2020
        write 0x6802, PDPT
        guest nop
        ; What a host of 32 bits cannot have.
        control 0x400c, 0x48f, 0x200
        guest nop
        control 0x400c, 0x48f, 0
        control 0x4012, 0x490, 0x200
        guest nop
        control 0x4012, 0x490, 0
        ; A virtual-8086 guest.
        mov esi, virtual_fields
        call write_fields
        mov edx, virtual_code - 0x7000
        call print_line
        call run
        mov esi, virtual_fields
        call write_fields
        write 0x6808, 0x7010
        mov edx, virtual_code - 0x7000
        call print_line
        call run
        on_line vmxoff
        jmp finish

        bits 16
virtual_code:
        inc ax
        vmcall
        bits 32

        align 8
vmxon_at: dq VMXON_REGION
vmcs_at:  dq VMCS
scratch:  dq 0
widths: dd 0x6800, 0x2010, 0x4004, 0x0800
widths_end:
guest_fields:
        dd 0x2800, -1, 0x2801, -1, 0x2802, 0, 0x2803, 0
        dd 0x0800, 0x10, 0x0802, 8, 0x0804, 0x10, 0x0806, 0x10, 0x0808, 0x10, 0x080a, 0x10, 0x080c, 0, 0x080e, 0x28
        dd 0x4800, -1, 0x4802, -1, 0x4804, -1, 0x4806, -1, 0x4808, -1, 0x480a, -1, 0x480c, 0, 0x480e, 0x67
        dd 0x4810, 0xffff, 0x4812, 0x407
        dd 0x4814, 0xc093, 0x4816, 0xc09b, 0x4818, 0xc093, 0x481a, 0xc093, 0x481c, 0xc093, 0x481e, 0xc093
        dd 0x4820, 0x10000, 0x4822, 0x8b, 0x4824, 0, 0x4826, 0, 0x482a, 0
        dd 0x6806, 0, 0x6808, 0, 0x680a, 0, 0x680c, 0, 0x680e, 0, 0x6810, 0, 0x6812, 0, 0x6814, TSS, 0x6816, GDT, 0x6818, IDT
        dd 0x681a, 0x400, 0x681c, GSTACK, 0x6820, 2, 0x6822, 0, 0x6824, 0, 0x6826, 0, 0x4016, 0
        dd -1
virtual_fields:
        dd 0x6820, 0x23002
        dd 0x0800, 0, 0x0802, 0x700, 0x0804, 0x8000, 0x0806, 0, 0x0808, 0, 0x080a, 0
        dd 0x6806, 0, 0x6808, 0x7000, 0x680a, 0x80000, 0x680c, 0, 0x680e, 0, 0x6810, 0
        dd 0x4800, 0xffff, 0x4802, 0xffff, 0x4804, 0xffff, 0x4806, 0xffff, 0x4808, 0xffff, 0x480a, 0xffff
        dd 0x4814, 0xf3, 0x4816, 0xf3, 0x4818, 0xf3, 0x481a, 0xf3, 0x481c, 0xf3, 0x481e, 0xf3, 0x681c, 0x800
        dd -1
fields: dd 0x401e, 0, 0x4004, 0, 0x4006, 0, 0x4008, 0, 0x400a, 0, 0x400e, 0, 0x4010, 0, 0x4014, 0
        dd 0x6000, 0, 0x6002, 0, 0x6004, 0, 0x6006, 0, 0x2010, 0
        dd 0x0c00, 0, 0x0c02, 8, 0x0c04, 0x10, 0x0c06, 0x10, 0x0c08, 0x10, 0x0c0a, 0, 0x0c0c, 0x28
        dd 0x4c00, 0, 0x6c06, 0, 0x6c08, 0, 0x6c0a, TSS, 0x6c0c, GDT, 0x6c0e, IDT, 0x6c10, 0x1234, 0x6c12, 0
        dd 0x6c16, exited
        dd -1
