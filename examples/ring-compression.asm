; Ring compression: a 64-bit kernel and its process at the same privilege level.
;
; In long mode segments have no limits, so that a hypervisor without hardware support cannot keep a kernel at CPL 1 from its memory:
; pages know only two levels, and CPL 0 to 2 are one of them. So the kernel runs at CPL 3, where its processes are. The hypervisor tells
; them apart, because every way between them traps, and gives each page tables of its own: the process cannot read the kernel's page.
;
; The kernel asks for its level before and after the process has run. Under bare-metal it is 0; under trap-and-emulate MOV AX, CS
; says 3, without an exit. SYSRET and SYSCALL have exits: the hypervisor carries them out.

%pragma ringside mode long
%pragma ringside technique trap-and-emulate
%pragma ringside ends halted
%pragma ringside output kernel: CPL 3\nprocess: CPL 3\nprocess: page fault at a page of the kernel\nkernel: CPL 3\n

PML4      equ 1000h                     ; tables of our own: the first 2 MiB, of which processes may use one page
PDPT      equ 2000h
DIRECTORY equ 3000h
TABLE     equ 4000h
PROCESS   equ 9000h                     ; that page
IA32_EFER equ 0C0000080h
IA32_STAR equ 0C0000081h
IA32_LSTAR equ 0C0000082h

        org 8000h
        bits 64

        lea rdi, [rel gate_of_page_fault]
        lea rax, [rel page_fault]
        mov [rdi], ax
        lgdt [rel gdt_register]
        lidt [rel idt_register]
        mov ax, 28h
        ltr ax
        mov esp, 7000h

        mov dword [PML4], PDPT | 7
        mov dword [PDPT], DIRECTORY | 7
        mov dword [DIRECTORY], TABLE | 7
        mov edi, TABLE
        mov eax, 3                      ; present, writable
.page:  mov [rdi], eax
        add edi, 8
        add eax, 1000h
        cmp edi, TABLE + 1000h
        jb .page
        or dword [TABLE + PROCESS / 1000h * 8], 4       ; and for processes
        mov eax, PML4
        mov cr3, rax

        mov ecx, IA32_EFER
        rdmsr
        or eax, 1                       ; SCE: SYSCALL and SYSRET
        wrmsr
        mov ecx, IA32_STAR
        xor eax, eax
        mov edx, 100008h                ; SYSCALL: code 08h; SYSRET: stack 10h + 8, code 10h + 16
        wrmsr
        mov ecx, IA32_LSTAR
        mov eax, system_call
        xor edx, edx
        wrmsr

        lea rsi, [rel text.kernel]
        call print_level
        mov ecx, process
        mov r11d, 2
        o64 sysret                      ; to the process

system_call:                            ; with the process's level in BX
        lea rsi, [rel text.process]
        call print_level.of_bx
        mov r11d, 2
        o64 sysret

page_fault:
        lea rsi, [rel text.fault]
        call print
        lea rsi, [rel text.kernel]
        call print_level
        hlt

print_level:
        mov bx, cs                      ; not privileged: tells the real level
.of_bx: mov r15, rcx                    ; where the process goes on
        call print
        lea rsi, [rel text.level]
        call print
        and bl, 3
        lea eax, [rbx + '0']
        out dx, al
        mov al, 10
        out dx, al
        mov rcx, r15
        ret
print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:
.kernel: db "kernel", 0
.process: db "process", 0
.level: db ": CPL ", 0
.fault: db "process: page fault at a page of the kernel", 10, 0

        align 8
gdt:    dq 0
        dq 00AF9B000000FFFFh            ; 08h: code of the kernel
        dq 00CF93000000FFFFh            ; 10h: its data
        dq 00CFF3000000FFFFh            ; 18h: data of processes
        dq 00AFFB000000FFFFh            ; 20h: their code
        dw 67h, tss, 8900h, 0           ; 28h: the task state segment, 16 bytes
        dq 0
gdt_register:
        dw gdt_register - gdt - 1
        dq gdt
idt:    times 14 dq 0, 0
gate_of_page_fault:
        dw 0, 8, 8E00h, 0
        dq 0
idt_register:
        dw idt_register - idt - 1
        dq idt
tss:    dd 0
        dq 7000h                        ; RSP0
        times 23 dd 0

        align 4096
process:
        mov bx, cs
        syscall
        mov eax, [gdt]                  ; a page that is the kernel's only
        jmp $
