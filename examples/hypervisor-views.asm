; A guest that handles its own EPT violations, and changes its view of memory without leaving.
;
; The hypervisor has made two sets of extended page tables: a view in which 2 MiB at 400000h are missing, and one in which they
; are there. In the first the guest touches them. That would be an EPT violation (exit reason 48), but bit 63 of the entry is 0 and
; the control "EPT-violation #VE" is 1, so that the processor tells the guest, by exception 20 and the information area. Its handler
; switches to the other view by VMFUNC and tries again. There is one exit in all: the VMCALL at the end.

%pragma ringside mode long
%pragma ringside technique bare-metal
%pragma ringside ends halted
%pragma ringside output guest: #VE\nguest: read B\nexit 12\n

VMXON_REGION equ 200000h
VMCS         equ 201000h
GUEST_STACK  equ 203000h
HOST_STACK   equ 204000h
EPT          equ 205000h                ; PML4, PDPT and page directory of the first view
VIEW         equ 208000h                ; and of the second
LIST         equ 20B000h                ; EPTPs that VMFUNC may switch to
AREA         equ 20C000h                ; where the processor tells of a #VE
HOLE         equ 400000h

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

        mov qword [EPT], EPT + 1007h    ; read, write, execute
        mov qword [EPT + 1000h], EPT + 2007h
        mov qword [VIEW], VIEW + 1007h
        mov qword [VIEW + 1000h], VIEW + 2007h
        mov edi, EPT + 2000h
        mov eax, 0B7h                   ; a page of 2 MiB: write-back, read, write, execute
        mov ecx, 16
page:   mov [rdi], rax
        mov [rdi + VIEW - EPT], rax
        add rdi, 8
        add eax, 200000h
        loop page
        mov qword [EPT + 2000h + HOLE / 200000h * 8], 0
        mov qword [LIST], EPT + 1Eh
        mov qword [LIST + 8], VIEW + 1Eh
        mov byte [HOLE], "B"
        mov word [gate], exception - 100000h    ; the lower half of the handler's address
        mov word [gate + 6], 10h                ; and the upper half

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
        mov rax, cr0                    ; guest and host have the same control registers
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

guest:  mov bl, [HOLE]                  ; #VE, then it is there
        mov [text.value], bl
        mov esi, text.read
        call print
        vmcall                          ; exit reason 18

exception:                              ; #VE has no error code
        mov esi, text.exception
        call print
        xor eax, eax                    ; VM function 0: EPTP switching
        mov ecx, 1                      ; entry 1 of the list
        vmfunc
        mov dword [AREA + 4], 0         ; the processor may use the area again
        iretq

; The processor comes here from every exit, with the host's state; the guest's registers are as they were but for RSP.
exited: mov esi, text.exit
        call print
        mov edx, 4402h                  ; exit reason
        vmread rbx, rdx
        call print_byte
        vmxoff
        hlt

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

; Prints BL in hexadecimal and a line feed.
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
        mov al, 10
        out dx, al
        ret

digits: db "0123456789ABCDEF"
text:
.exit:  db "exit ", 0
.exception: db "guest: #VE", 10, 0
.read:  db "guest: read "
.value: db "?", 10, 0
.none:  db "no VMX", 10, 0
.failed: db "failed", 10, 0

        align 16
idt:    times 20 dq 0, 0
gate:   dw 0, 8, 8E00h, 0, 0, 0, 0, 0   ; vector 20, #VE: an interrupt gate to 64-bit code
idt_end:
gdt:    dq 0, 00209B0000000000h, 0000930000000000h
vmxon_pointer: dq VMXON_REGION
vmcs_pointer:  dq VMCS

controls:                               ; field, capability MSR, bits
        dd 4000h, 48Dh, 0
        dd 4002h, 48Eh, 80000000h       ; secondary controls
        dd 401Eh, 48Bh, 42002h          ; enable EPT, VM functions, EPT-violation #VE
        dd 400Ch, 48Fh, 200h            ; host address-space size: 64 bits
        dd 4012h, 490h, 200h            ; IA-32e mode guest
controls_end:

fields: dd 201Ah, EPT + 1Eh             ; write-back, walks of 4 levels
        dd 2018h, 1                     ; VM functions: EPTP switching
        dd 2024h, LIST
        dd 202Ah, AREA
        dd 0004h, 0                     ; EPTP index: the first view
        dd 4004h, 0                     ; no exceptions leave
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
        dd 4810h, 23, 4812h, idt_end - idt - 1, 6816h, gdt, 6818h, idt
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
