; Lab 6, solved.

EPT_TABLE   equ EPT + 3000h             ; entries of the first 2 MiB
RW          equ 33h                     ; write-back, writable, readable
RWX         equ 37h

build_ept:
        mov qword [EPT], EPT + 1007h
        mov qword [EPT + 1000h], EPT + 2007h
        mov qword [EPT + 2000h], EPT + 3007h
        mov edi, EPT_TABLE
        mov eax, GUEST_BASE + RWX
        mov ecx, 100h
        call fill
        mov edi, EPT_TABLE + 140h * 8
        mov eax, GUEST_BASE + 140000h + RW
        mov ecx, 40h
        call fill
        mov qword [EPT_TABLE + 180h * 8], SHARED + 31h
        mov qword [EPT_TABLE + 1C0h * 8], GUEST_BASE + 1C0000h + 32h
        ret

; ECX entries from RDI up, with RAX, each for the next page.
fill:   mov [rdi], rax
        add edi, 8
        add eax, 1000h
        loop fill
        ret

on_violation:
        test sil, 4                     ; a fetch
        jnz .executed
        mov ecx, edi
        shr ecx, 12
        cmp ecx, 180h
        je .copy
        cmp ecx, 100h
        jb refuse
        cmp ecx, 140h
        jae refuse
.map:   lea eax, [rcx * 8 + EPT_TABLE]
        and edi, -1000h
        add edi, GUEST_BASE + RW
        mov [rax], rdi
        ret
.copy:  push rcx
        push rdi
        mov esi, SHARED
        mov edi, GUEST_BASE + 180000h
        mov ecx, 512
        rep movsq
        pop rdi
        pop rcx
        jmp .map                        ; the violation itself has made the processor forget the old entry
.executed:                              ; back to the caller: what RET would have done
        get rax, GUEST_RSP
        mov rcx, [rax + GUEST_BASE]
        add rax, 8
        put GUEST_RSP, rax
        put GUEST_RIP, rcx
        ret

on_misconfiguration:
        mov qword [EPT_TABLE + 1C0h * 8], GUEST_BASE + 1C0000h + RW
        ret

answers:
.both4: db 24
.large_guest: db 19
.large_ept: db 19
.both2: db 15
.shadow: db 4
