; Lab 10, solved.

%pragma ringside mode long
%pragma ringside technique bare-metal

VMXON_REGION equ 200000h                ; a page
VMCS         equ 201000h                ; a page
FIRST_STACK  equ 203000h                ; of the first guest
HOST_STACK   equ 204000h
EPT          equ 210000h                ; PML4, PDPT, page directory, then a page table for each 2 MiB

        org 100000h
        bits 64

        mov ecx, 3Ah                    ; IA32_FEATURE_CONTROL: allow VMXON, and lock
        mov eax, 5
        xor edx, edx
        wrmsr
        mov rax, cr4
        or eax, 2000h                   ; CR4.VMXE
        mov cr4, rax
        mov rax, cr0
        or eax, 20h                     ; CR0.NE
        mov cr0, rax
        mov ecx, 480h                   ; IA32_VMX_BASIC
        rdmsr
        mov [VMXON_REGION], eax
        mov [VMCS], eax
        vmxon [pointers]
        jbe failed

        vmclear [pointers.vmcs]
        jbe failed
        vmptrld [pointers.vmcs]
        jbe failed

        mov esi, controls
.control:
        mov ecx, [rsi + 4]
        rdmsr
        or eax, [rsi + 8]               ; what must be 1 (low half), and what we want
        mov edx, [rsi]
        vmwrite rdx, rax
        jbe failed
        add esi, 12
        cmp esi, controls_end
        jb .control
        mov esi, state
        mov edi, state_end
        call write_fields
        mov esi, own_fields
        mov edi, own_fields_end
        call write_fields
        mov rax, cr0
        mov edx, GUEST_CR0
        vmwrite rdx, rax
        mov edx, HOST_CR0
        vmwrite rdx, rax
        mov rax, cr3
        mov edx, GUEST_CR3
        vmwrite rdx, rax
        mov edx, HOST_CR3
        vmwrite rdx, rax
        mov rax, cr4
        mov edx, GUEST_CR4
        vmwrite rdx, rax
        mov edx, HOST_CR4
        vmwrite rdx, rax
        vmlaunch

failed: mov esi, text.failed
        call print
        hlt

; Writes the fields from RSI to RDI: number and value, sign-extended.
write_fields:
        mov edx, [rsi]
        movsxd rax, dword [rsi + 4]
        vmwrite rdx, rax
        jbe failed
        add esi, 8
        cmp esi, edi
        jb write_fields
        ret

; The processor comes here from every exit; the guest's registers, but RSP, are where they were.
exited: push rsi
        push rax
        push rcx
        push rdx
        mov edx, EXIT_REASON
        vmread rax, rdx
        movzx eax, ax
        call print_exit
        mov edx, EXIT_REASON
        vmread rax, rdx
        cmp ax, 10
        je identify
        cmp ax, 48
        je violation
        cmp ax, 12
        je halted
        cmp ax, 0
        je exception
        cmp ax, 18
        jne failed
        xor byte [second], 1
        jnz second_guest
        vmxoff
        mov esi, text.end
        call print
        hlt

; Behind the instruction that has left.
skip:   mov edx, EXIT_LENGTH
        vmread rax, rdx
        mov edx, GUEST_RIP
        vmread rcx, rdx
        add rcx, rax
        vmwrite rdx, rcx
resume: pop rdx
        pop rcx
        pop rax
        pop rsi
        vmresume
        jmp failed

identify:
        pop rdx
        pop rcx
        pop rax
        pop rsi
        cmp eax, 40000000h
        jne .processor
        mov ebx, [name]
        mov ecx, [name + 4]
        mov edx, [name + 8]
        jmp .done
.processor:
        cpuid
.done:  push rsi
        push rax
        push rcx
        push rdx
        jmp skip

; Step 5: another guest, under the same VMCS.
second_guest:
        call load_guest
        mov qword [EPT], EPT + 1007h
        mov qword [EPT + 1000h], EPT + 2007h
        mov qword [EPT + 2000h], EPT + 3007h
        mov qword [EPT + 2008h], EPT + 4007h
        mov esi, second_fields
        mov edi, second_fields_end
        call write_fields
        mov ecx, 48Eh                   ; primary controls: secondary controls, HLT exiting
        rdmsr
        or eax, 80000080h
        mov edx, PRIMARY_CONTROLS
        vmwrite rdx, rax
        mov edx, SECONDARY_CONTROLS
        mov eax, 2                      ; enable EPT
        vmwrite rdx, rax
        jmp resume

violation:
        mov edx, GUEST_PHYSICAL
        vmread rax, rdx
        cmp rax, GUEST_SIZE
        jae failed
        mov ecx, eax
        shr ecx, 12
        and eax, -1000h
        add eax, GUEST_BASE + 37h       ; write-back, read, write, execute
        mov [EPT + 3000h + rcx * 8], rax
        jmp resume

exception:
        mov edx, EXIT_INTERRUPTION
        vmread rax, rdx
        mov edx, ENTRY_INTERRUPTION     ; the same event, of the same type: hardware exception 6
        vmwrite rdx, rax
        jmp resume

halted: mov edx, GUEST_RFLAGS
        vmread rax, rdx
        test eax, 200h
        jz skip
        mov edx, ENTRY_INTERRUPTION
        mov eax, 80000020h              ; valid, external interrupt, vector 20h
        vmwrite rdx, rax
        mov edx, GUEST_INTERRUPTIBILITY ; STI blocks interrupts for one instruction: HLT, which is over
        xor eax, eax
        vmwrite rdx, rax
        jmp skip

second: db 0
name:   db "LabTenHyperV"
text:
.failed: db "failed", 10, 0
.end:   db "VMX off", 10, 0

        align 8
pointers: dq VMXON_REGION
.vmcs:  dq VMCS

controls:                               ; field, capability MSR, bits
        dd PIN_CONTROLS, 48Dh, 0
        dd PRIMARY_CONTROLS, 48Eh, 0
        dd EXIT_CONTROLS, 48Fh, 200h    ; host address-space size: 64 bits
        dd ENTRY_CONTROLS, 490h, 200h   ; IA-32e mode guest
controls_end:

own_fields:
        dd EXCEPTION_BITMAP, 0, ENTRY_INTERRUPTION, 0
        dd GUEST_RIP, first_guest, GUEST_RSP, FIRST_STACK, GUEST_RFLAGS, 2
        dd HOST_RIP, exited, HOST_RSP, HOST_STACK
own_fields_end:

second_fields:
        dd EPT_POINTER, EPT + 1Eh       ; write-back, walks of 4 levels
        dd EXCEPTION_BITMAP, 40h        ; #UD
        dd GUEST_RIP, GUEST_CODE, GUEST_CR3, GUEST_TABLES, GUEST_RFLAGS, 2
second_fields_end:

%include "support.inc"
%include "guests.inc"
