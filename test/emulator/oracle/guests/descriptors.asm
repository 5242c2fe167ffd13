%include "protected.inc"

; LAR, LSL, VERR, VERW, loads of segment registers and far transfers with every selector, at CPL 0 and 3.
selector: dd 0
pointer:  dd landed
          dw 0
ring:     dd 0

; Prints ZF, then EAX where it is set.
print_if_zero:
        jz .set
        say " -"
        ret
.set:   call print32
        ret

; Bits 19:16 of what LAR gives are undefined.
print_access:
        jnz print_if_zero
        and eax, 0x00f0ff00
        cmp eax, eax
        jmp print_if_zero

%macro verdict 1
        jz %%set
        say " -"
        jmp %%end
%%set:  say %1
%%end:
%endmacro

; What the registers are loaded from must not be DS, which changes.
%macro load 1
        mov eax, [selector]
        try mov %1, eax
        mov eax, UDATA
        mov ds, eax
        mov es, eax
%endmacro

one_selector:
        call print_line
        mov eax, [selector]
        call print16
        say ":"
        mov edx, [selector]
        mov eax, 0x55555555
        lar eax, edx
        call print_access
        mov eax, 0x55555555
        lsl eax, edx
        call print_if_zero
        mov eax, 0x55555555
        lar ax, dx
        call print32
        verr dx
        verdict " r"
        verw dx
        verdict " w"
        say " ds"
        load ds
        say " fs"
        load fs
        say " ss"
        mov ebx, ss
        mov eax, [selector]
        mov dword [resume_eip], .loaded
        mov [resume_esp], esp
        mov ss, eax
        mov ss, ebx
        call print_ok
.loaded:
        ; Task switches are no part of this.
        mov eax, [selector]
        mov [pointer + 4], ax
        and al, 0xf8
        cmp eax, 0x98
        je .no_far
        cmp eax, 0xa8
        je .no_far
        cmp eax, 0xf8
        je .no_far
        ; JMP through a gate to code that is not present: #NP, which QEMU makes #GP.
        cmp eax, 0x150
        je .call
        say " jmp"
        try jmp far [pointer]
.call:  ; CALL through a gate to conforming code keeps CPL; QEMU gives CS the RPL of the segment's DPL.
        mov eax, [selector]
        and al, 0xf8
        cmp eax, 0x128
        jne .called
        cmp dword [resume_ring], 3
        je .no_far
.called:
        say " call"
        try call far [pointer]
.no_far:
        say " retf"
        try call return_far
        ret

return_far:
        push dword [selector]
        push dword landed
        retf

all_selectors:
        mov dword [selector], 0
.next:  call one_selector
        inc dword [selector]
        call one_selector
        add dword [selector], 2
        call one_selector
        add dword [selector], 5
        cmp dword [selector], 0x170
        jb .next
        mov dword [selector], 4
.local: call one_selector
        add dword [selector], 3
        call one_selector
        add dword [selector], 5
        cmp dword [selector], 0x2c
        jb .local
        mov dword [selector], 0xfff8
        call one_selector
        ret

main:   call all_selectors
        mov eax, as_user
        call to_user
as_user:
        call print_line
        say "user"
        call all_selectors
        mov dword [resume_ring], 0
        mov dword [resume_esp], KSTACK
        mov dword [resume_eip], rest
        int 0x40

rest:   call print_line
        say "ltr"
        ; Not 0, which QEMU lets LTR load.
        mov dword [selector], 4
.ltr:   call print_line
        mov eax, [selector]
        call print16
        try ltr ax
        mov eax, [selector]
        try lldt ax
        mov ax, 0x30
        lldt ax
        add dword [selector], 4
        cmp dword [selector], 0x170
        jb .ltr
        ; Accessed and busy bits.
        mov esi, GDT
.dump:  call print_line
        mov eax, [esi + 4]
        call print32
        add esi, 8
        cmp esi, GDT + descriptors_end - descriptors
        jb .dump
        jmp finish
