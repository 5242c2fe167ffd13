; Starts what is in lab.bin as 64-bit programs start here: identity-mapped, at 100000h, with code at 08h and data at 10h. Begins in real
; mode at 7C00h.
        bits 16
        org 7C00h

PML4    equ 60000h
STACK   equ 1000000h

start:  cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7C00h
        in al, 92h                      ; address line 20
        or al, 2
        out 92h, al
        cld
        mov ax, PML4 >> 4
        mov es, ax
        xor di, di
        xor eax, eax
        mov cx, 0C00h
        rep stosd
        mov dword [es:0], PML4 + 1007h
        mov dword [es:1000h], PML4 + 2007h
        mov di, 2000h
        mov eax, 87h                    ; 128 MiB in pages of 2 MiB
        mov cx, 64
.page:  mov [es:di], eax
        add di, 8
        add eax, 200000h
        loop .page
        mov eax, 20h
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0C0000080h
        mov eax, 100h
        xor edx, edx
        wrmsr
        lgdt [gdtr]
        mov eax, 80000011h
        mov cr0, eax
        jmp 8:entry

        bits 64
entry:  mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov esp, STACK
        mov esi, image
        mov edi, 100000h
        mov ecx, image_end - image
        rep movsb
        mov eax, 100000h
        jmp rax

        align 8
gdt:    dq 0, 00209B0000000000h, 0000930000000000h, 0, 0
gdtr:   dw gdtr - gdt - 1
        dd gdt
        align 16
image:  incbin "lab.bin"
image_end:
