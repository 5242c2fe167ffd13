; Two tasks with page tables of their own: CALL, IRET, JMP and an exception through a task gate.
%pragma ringside mode protected
        org 8000h
        bits 32
results equ 9000h
first   equ 0A000h                      ; TSSs
second  equ 0A100h
pages   equ 100000h                     ; directory and table of the first task, then of the second
        mov esp, 80000h
        lgdt [gdtr]
        jmp 8:start
start:  lidt [idtr]
        ; Both map the first 4 MiB to themselves, but for one page, 300000h, which is 200000h to one and 201000h to the other.
        mov edi, pages
        mov dword [edi], pages + 1003h
        mov dword [edi + 2000h], pages + 3003h
        mov eax, 3
        xor ecx, ecx
.page:  mov [edi + 1000h + ecx * 4], eax
        mov [edi + 3000h + ecx * 4], eax
        add eax, 1000h
        inc ecx
        cmp ecx, 400h
        jb .page
        mov dword [edi + 1000h + 300h * 4], 200003h
        mov dword [edi + 3000h + 300h * 4], 201003h
        mov dword [200000h], 11111111h
        mov dword [201000h], 22222222h
        mov eax, pages
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax
        mov ax, 18h
        ltr ax
        mov dword [second + 28], pages + 2000h
        mov dword [second + 32], task
        mov dword [second + 36], 2
        mov dword [second + 56], 70000h
        mov word [second + 72], 10h
        mov word [second + 76], 8
        mov word [second + 80], 10h
        mov word [second + 84], 10h
        mov word [second + 102], 68h
        mov dword [first + 28], pages

        call 20h:0                      ; and back by IRET
        mov eax, [300000h]
        mov [results + 12], eax
        pushfd
        pop eax
        mov [results + 16], eax
        ud2                             ; through a task gate, and back behind it
        mov [results + 28], dword 3
        mov eax, cr0
        and eax, 8                      ; TS
        mov [results + 32], eax
        mov al, [gdt + 18h + 5]
        mov [results + 36], al
        mov al, [gdt + 20h + 5]
        mov [results + 37], al
        jmp 20h:0                       ; and back by JMP
        mov [results + 44], dword 5
        cli
        hlt

task:   mov eax, [300000h]
        mov [results], eax
        str ax
        mov [results + 4], ax
        mov ax, [second]
        mov [results + 6], ax
        pushfd
        pop eax
        mov [results + 8], eax
        iretd
        ; #UD: the interrupted task goes on behind the instruction.
        add dword [first + 32], 2
        mov eax, [first + 36]
        mov [results + 20], eax
        mov eax, esp
        mov [results + 24], eax
        iretd
        pushfd
        pop eax
        mov [results + 40], eax
        jmp 18h:0

        align 8
gdt:    dq 0
        dq 00CF9B000000FFFFh
        dq 00CF93000000FFFFh
        dw 67h, first, 8900h, 0
        dw 67h, second, 8900h, 0
gdtr:   dw gdtr - gdt - 1
        dd gdt
        align 8
idt:    times 6 dq 0
        dw 0, 20h, 8500h, 0
idtr:   dw idtr - idt - 1
        dd idt
