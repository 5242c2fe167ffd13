; A guest that never leaves by itself, and a hypervisor that keeps the processor all the same.
;
; The guest is an endless loop without a single instruction that exits. First the hypervisor steps through it with the
; monitor trap flag: an exit (37) after each instruction, of which the guest notices nothing, as it would of TF. Then it lets it
; run, but for a time: the VMX-preemption timer counts down from the value in the VMCS, and at 0 the guest leaves (52). So a
; hypervisor shares the processor among guests even where interrupts go to the guest itself.

%pragma ringside mode long
%pragma ringside technique bare-metal
%pragma ringside ends halted
%pragma ringside output exit 25 at 02\nexit 25 at 04\nexit 25 at 00\nexit 34\nthe guest had its time\n

VMXON_REGION equ 200000h
VMCS         equ 201000h
GUEST_STACK  equ 203000h
HOST_STACK   equ 204000h

        org 100000h
        bits 64

        mov eax, 1                      ; CPUID says whether there is VMX: not for guests of a hypervisor
        cpuid
        bt ecx, 5
        jnc none
        mov ecx, 3Ah                    ; IA32_FEATURE_CONTROL: allow VMXON, and lock
        mov eax, 5
        xor edx, edx
        wrmsr
        mov rax, cr4
        or eax, 2000h                   ; CR4.VMXE
        mov cr4, rax
        mov rax, cr0
        or eax, 20h                     ; CR0.NE, which VMX operation fixes
        mov cr0, rax
        mov ecx, 480h                   ; IA32_VMX_BASIC: both regions begin with the revision of the VMCS
        rdmsr
        mov [VMXON_REGION], eax
        mov [VMCS], eax
        vmxon [vmxon_pointer]
        jbe failed
        vmclear [vmcs_pointer]
        jbe failed
        vmptrld [vmcs_pointer]
        jbe failed

        mov esi, controls               ; controls: the bits that the capability MSR wants, and ours
control:
        mov ecx, [rsi + 4]
        rdmsr
        or eax, [rsi + 8]
        mov edx, [rsi]
        vmwrite rdx, rax
        add esi, 12
        cmp esi, controls_end
        jb control
        mov esi, fields
field:  mov edx, [rsi]
        movsxd rax, dword [rsi + 4]
        vmwrite rdx, rax
        jbe failed
        add esi, 8
        cmp esi, fields_end
        jb field
        mov rax, cr0                    ; guest and host have the same control registers and tables
        mov edx, 6800h
        vmwrite rdx, rax
        mov edx, 6C00h
        vmwrite rdx, rax
        mov rax, cr3
        mov edx, 6802h
        vmwrite rdx, rax
        mov edx, 6C02h
        vmwrite rdx, rax
        mov rax, cr4
        mov edx, 6804h
        vmwrite rdx, rax
        mov edx, 6C04h
        vmwrite rdx, rax
        vmlaunch
none:   mov esi, text.none
        call print
        hlt
failed: mov esi, text.failed            ; the `vmfail` event says what was wrong
        call print
        hlt

guest:  inc ebx
        inc ebx
        jmp guest

; The processor comes here from every exit, with the host's state.
exited: mov esi, text.exit
        call print
        mov edx, 4402h                  ; exit reason
        vmread rbx, rdx
        call print_byte
        cmp ebx, 52
        je done
        mov esi, text.at
        call print
        mov edx, 681Eh                  ; how far the guest has come
        vmread rbx, rdx
        sub ebx, guest
        call print_byte
        mov esi, text.line
        call print
        dec byte [steps]
        jnz resume
        mov edx, 4002h                  ; enough steps: without the monitor trap flag
        vmread rax, rdx
        btr eax, 27
        vmwrite rdx, rax
        mov edx, 4000h                  ; but with the timer
        vmread rax, rdx
        bts eax, 6
        vmwrite rdx, rax
        mov edx, 482Eh                  ; for so many ticks, each of 2^n cycles (n: IA32_VMX_MISC, bits 4:0)
        mov eax, 10
        vmwrite rdx, rax
resume: xor ebx, ebx
        vmresume
        jmp failed
done:   vmxoff
        mov esi, text.back
        call print
        hlt

steps:  db 3

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

; Prints BL in hexadecimal.
print_byte:
        movzx eax, bl
        shr eax, 4
        mov al, [digits + rax]
        mov edx, 3F8h
        out dx, al
        mov eax, ebx
        and eax, 0Fh
        mov al, [digits + rax]
        out dx, al
        ret

digits: db "0123456789ABCDEF"
text:
.exit:  db "exit ", 0
.at:    db " at ", 0
.line:  db 10, 0
.back:  db 10, "the guest had its time", 10, 0
.none:  db "no VMX", 10, 0
.failed: db "failed", 10, 0

        align 8
vmxon_pointer: dq VMXON_REGION
vmcs_pointer:  dq VMCS

controls:                               ; field, capability MSR, bits
        dd 4000h, 48Dh, 0
        dd 4002h, 48Eh, 8000000h        ; monitor trap flag
        dd 400Ch, 48Fh, 200h            ; host address-space size: 64 bits
        dd 4012h, 490h, 200h            ; IA-32e mode guest
controls_end:

fields: dd 4004h, 0                     ; no exceptions leave
        dd 400Ah, 0
        dd 400Eh, 0
        dd 4010h, 0
        dd 4014h, 0
        dd 4016h, 0                     ; nothing is injected
        dd 6000h, 0                     ; the guest owns CR0 and CR4
        dd 6002h, 0
        dd 2800h, -1                    ; no shadow VMCS
        ; Guest: segments as the hypervisor's.
        dd 0800h, 10h, 0802h, 8, 0804h, 10h, 0806h, 10h, 0808h, 10h, 080Ah, 10h, 080Ch, 0, 080Eh, 18h
        dd 4800h, -1, 4802h, -1, 4804h, -1, 4806h, -1, 4808h, -1, 480Ah, -1, 480Ch, 0, 480Eh, 67h
        dd 4814h, 0C093h, 4816h, 0A09Bh, 4818h, 0C093h, 481Ah, 0C093h, 481Ch, 0C093h, 481Eh, 0C093h
        dd 4820h, 10000h, 4822h, 8Bh    ; LDTR is unusable, TR a busy TSS
        dd 6806h, 0, 6808h, 0, 680Ah, 0, 680Ch, 0, 680Eh, 0, 6810h, 0, 6812h, 0, 6814h, 0
        dd 4810h, 0, 4812h, 0, 6816h, 0, 6818h, 0
        dd 4824h, 0, 4826h, 0, 482Ah, 0, 6822h, 0, 6824h, 0, 6826h, 0, 2802h, 0, 681Ah, 400h
        dd 681Ch, GUEST_STACK
        dd 681Eh, guest
        dd 6820h, 2
        ; Host.
        dd 0C00h, 10h, 0C02h, 8, 0C04h, 10h, 0C06h, 10h, 0C08h, 10h, 0C0Ah, 10h, 0C0Ch, 18h
        dd 4C00h, 0, 6C06h, 0, 6C08h, 0, 6C0Ah, 0, 6C0Ch, 0, 6C0Eh, 0, 6C10h, 0, 6C12h, 0
        dd 6C14h, HOST_STACK
        dd 6C16h, exited
fields_end:
