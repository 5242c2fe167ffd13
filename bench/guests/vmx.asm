; A VMM of its own, for emulators that have VMX: runs CPUID in a guest and resumes it after each exit. 64-bit code only.
; What it measures is the way from the guest into the VMM and back, with the least a VMM can do. The checksum is how often.
%include "start.inc"

%define vmxon_region  70000h
%define vmcs_region   71000h
%define guest_stack   72000h
%define host_stack    73000h

%macro adjusted 3       ; field, capability MSR, bits wanted
        mov ecx, %2
        rdmsr
        or eax, %3
        and eax, edx
        mov edx, eax
        mov eax, %1
        vmwrite rax, rdx
%endmacro

begin:  mov ecx, 3Ah            ; IA32_FEATURE_CONTROL: VMXON outside SMX, locked
        rdmsr
        test al, 1
        jnz locked
        or eax, 5
        wrmsr
locked: mov rax, cr0
        or eax, 20h
        mov cr0, rax
        mov rax, cr4
        or eax, 2000h
        mov cr4, rax
        mov ecx, 480h           ; IA32_VMX_BASIC: the revision
        rdmsr
        and eax, 7FFFFFFFh
        mov [vmxon_region], eax
        mov [vmcs_region], eax
        vmxon [vmxon_pointer]
        jbe failed
        vmclear [vmcs_pointer]
        jbe failed
        vmptrld [vmcs_pointer]
        jbe failed
        adjusted 4000h, 481h, 0
        adjusted 4002h, 482h, 0
        adjusted 400Ch, 483h, 200h      ; a 64-bit host
        adjusted 4012h, 484h, 200h      ; a 64-bit guest
        mov rsi, fields
next_field:
        mov eax, [rsi]
        mov rdx, [rsi + 4]
        vmwrite rax, rdx
        jbe failed
        add rsi, 12
        cmp rsi, fields_end
        jb next_field
        mov rdx, cr0
        mov eax, 6800h
        vmwrite rax, rdx
        mov eax, 6C00h
        vmwrite rax, rdx
        mov rdx, cr3
        mov eax, 6802h
        vmwrite rax, rdx
        mov eax, 6C02h
        vmwrite rax, rdx
        mov rdx, cr4
        mov eax, 6804h
        vmwrite rax, rdx
        mov eax, 6C04h
        vmwrite rax, rdx
        xor edi, edi
        vmlaunch
failed: mov eax, 0BADh
        jmp finish

        align 4096
guest:  cpuid
        jmp guest

exited: mov eax, 4402h          ; the exit reason must be CPUID
        vmread rbx, rax
        cmp ebx, 10
        jne failed
        inc edi
        dec ebp
        jz done
        mov eax, 440Ch          ; the instruction is done
        vmread rbx, rax
        mov ecx, 681Eh
        vmread rdx, rcx
        add rdx, rbx
        vmwrite rcx, rdx
        vmresume
        jmp failed
done:   vmxoff
        mov eax, edi
        jmp finish

        align 8
vmxon_pointer: dq vmxon_region
vmcs_pointer:  dq vmcs_region

%macro field 2
        dd %1
        dq %2
%endmacro

fields: field 4004h, 0
        field 2800h, -1         ; no link
        field 2802h, 0
        field 0800h, 10h        ; ES
        field 0802h, 18h        ; CS
        field 0804h, 10h
        field 0806h, 10h
        field 0808h, 10h
        field 080Ah, 10h
        field 080Ch, 0          ; LDTR
        field 080Eh, 20h        ; TR
        field 4800h, 0FFFFFFFFh
        field 4802h, 0FFFFFFFFh
        field 4804h, 0FFFFFFFFh
        field 4806h, 0FFFFFFFFh
        field 4808h, 0FFFFFFFFh
        field 480Ah, 0FFFFFFFFh
        field 480Ch, 0
        field 480Eh, 67h
        field 4810h, 31
        field 4812h, 0
        field 4814h, 0C093h
        field 4816h, 0A09Bh
        field 4818h, 0C093h
        field 481Ah, 0C093h
        field 481Ch, 0C093h
        field 481Eh, 0C093h
        field 4820h, 10000h     ; unusable
        field 4822h, 8Bh        ; a busy TSS
        field 4824h, 0
        field 4826h, 0
        field 482Ah, 0
        field 6806h, 0
        field 6808h, 0
        field 680Ah, 0
        field 680Ch, 0
        field 680Eh, 0
        field 6810h, 0
        field 6812h, 0
        field 6814h, 0
        field 6816h, gdt
        field 6818h, 0
        field 681Ah, 400h
        field 681Ch, guest_stack
        field 681Eh, guest
        field 6820h, 2
        field 6822h, 0
        field 6824h, 0
        field 6826h, 0
        field 0C00h, 10h
        field 0C02h, 18h
        field 0C04h, 10h
        field 0C06h, 10h
        field 0C08h, 10h
        field 0C0Ah, 10h
        field 0C0Ch, 20h
        field 4C00h, 0
        field 6C06h, 0
        field 6C08h, 0
        field 6C0Ah, 0
        field 6C0Ch, gdt
        field 6C0Eh, 0
        field 6C10h, 0
        field 6C12h, 0
        field 6C14h, host_stack
        field 6C16h, exited
fields_end:
