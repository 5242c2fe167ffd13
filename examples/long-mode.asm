; From real mode to 64-bit long mode, by hand.
;
; Long mode needs paging: four levels of tables (PML4, PDPT, page directory, page table), here cut short by one 2 MiB
; page. The order the processor insists on: CR4.PAE, then CR3, then EFER.LME, then CR0.PG together with CR0.PE; long mode
; is active (EFER.LMA) as soon as paging is. The far jump then loads a code segment with the L bit: 64-bit code.
;
; Under VT-x this is a guest with many exits in a few instructions: WRMSR to EFER, MOV to CR0 and CR4.

%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output long mode: 0123456789ABCDEF\n

PML4      equ 1000h
PDPT      equ 2000h
DIRECTORY equ 3000h
IA32_EFER equ 0C0000080h
CODE      equ 08h
DATA      equ 10h

        org 7C00h
        bits 16

        cli
        xor ax, ax
        mov ds, ax
        mov es, ax

        cld
        mov di, PML4                    ; clear three tables
        xor eax, eax
        mov cx, 3 * 1024
        rep stosd
        mov dword [PML4], PDPT | 3      ; present, writable
        mov dword [PDPT], DIRECTORY | 3
        mov dword [DIRECTORY], 83h      ; present, writable, PS: a 2 MiB page at 0

        mov eax, cr4
        or eax, 20h                     ; PAE
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, IA32_EFER
        rdmsr
        or eax, 100h                    ; LME
        wrmsr
        lgdt [gdt_register]
        mov eax, cr0
        or eax, 80000001h               ; PG and PE: now in long mode, in 16-bit compatibility code
        mov cr0, eax
        jmp dword CODE:long_mode        ; now in 64-bit code

        bits 64
long_mode:
        mov ax, DATA
        mov ss, ax
        mov rsp, 7C00h
        lea rsi, [rel text]
        call print
        mov rax, 0123456789ABCDEFh
        call print_hexadecimal
        hlt

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

; Prints RAX in hexadecimal and a line feed.
print_hexadecimal:
        mov r8, rax
        mov ecx, 16
        mov edx, 3F8h
.digit: rol r8, 4
        mov eax, r8d
        and eax, 0Fh
        add al, '0'
        cmp al, '9'
        jbe .send
        add al, 'A' - '9' - 1
.send:  out dx, al
        dec ecx
        jnz .digit
        mov al, 10
        out dx, al
        ret

text:   db "long mode: ", 0

        align 8
gdt:    dq 0
        dq 00209B0000000000h            ; code: L, DPL 0; base and limit are ignored
        dq 0000930000000000h            ; data
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
