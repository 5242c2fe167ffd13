; Lab 7, solved.

CPUID_LEAVES equ 10

on_exit:
        inc dword [exits]
        inc dword [exits_by_reason + rax * 4]
        cmp eax, CPUID_LEAVES
        je identify
        cmp eax, 30                     ; I/O instruction
        jne unexpected
        get rbx, EXIT_QUALIFICATION     ; SDM Vol. 3, table 28-5
        mov ecx, ebx
        shr ecx, 16                     ; the port
        sub ecx, 0E4h
        cmp ecx, 5
        ja .unknown
        mov eax, [guest_registers.rax]
        test bl, 8                      ; direction: 1 is IN
        jnz .in
        call [outputs + rcx * 8]
        jmp vmx_skip
.in:    call [inputs + rcx * 8]
        mov [guest_registers.rax], rax  ; 32 bits: the upper half becomes 0
        jmp vmx_skip
.unknown:
        mov eax, 30
        jmp unexpected

identify:
        mov eax, [guest_registers.rax]
        mov ecx, [guest_registers.rcx]
        cpuid
        mov [guest_registers.rax], rax
        mov [guest_registers.rbx], rbx
        mov [guest_registers.rcx], rcx
        mov [guest_registers.rdx], rdx
        jmp vmx_skip

print_number:
        call print_decimal
        mov al, 10
        jmp print_character

get_exits:
        mov eax, [exits]
        ret

select_reason:
        mov [reason], eax
        ret
get_by_reason:
        mov eax, [reason]
        cmp eax, 69
        ja .none
        mov eax, [exits_by_reason + rax * 4]
        ret
.none:  xor eax, eax
        ret

select_address:
        mov [address], eax
        ret
get_address:
        mov eax, [address]
        jmp translate

; Prints the string at the guest's linear address EAX: byte by byte, for the next page may be anywhere.
print_string:
        mov r12d, eax
.next:  mov eax, r12d
        call translate
        cmp eax, -1
        je .end
        mov al, [rax]
        test al, al
        jz .end
        call print_character
        inc r12d
        jmp .next
.end:
nothing:
        ret

; EAX = where the guest's linear address EAX is in the hypervisor's memory, or -1. Walks the guest's tables.
translate:
        mov edi, eax
        get rbx, GUEST_CR3
        mov ecx, 39                     ; lowest bit of the index at this level
.level: mov rax, rdi
        shr rax, cl
        and eax, 1FFh
        and rbx, -1000h                 ; flags
        cmp rbx, GUEST_SIZE
        jae .none
        mov rbx, [rbx + rax * 8 + GUEST_BASE]
        test bl, 1
        jz .none
        cmp ecx, 12
        je .page
        test bl, 80h                    ; a large page
        jnz .page
        sub ecx, 9
        jmp .level
.page:  mov eax, 1
        shl rax, cl
        dec rax                         ; what is offset
        mov rcx, rax
        not rcx
        and rbx, rcx
        and rax, rdi
        add rax, rbx
        cmp rax, GUEST_SIZE
        jae .none
        add eax, GUEST_BASE
        ret
.none:  mov eax, -1
        ret

        align 8
outputs: dq select_address, select_reason, print_string, nothing, print_number, print_character
inputs: dq get_address, get_by_reason, nothing, get_exits, nothing, nothing
exits_by_reason: times 70 dd 0
exits:  dd 0
reason: dd 0
address: dd 0
