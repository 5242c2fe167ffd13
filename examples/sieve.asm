; The sieve of Eratosthenes: code that never needs its hypervisor.
;
; Popek and Goldberg's efficiency property: the instructions that are innocuous run directly, without the VMM. This
; guest counts the primes below one million; of its millions of instructions only the few that print the result leave
; the guest. Compare the number of instructions with the number of VM exits. Its loops are hot, so the translator
; compiles them to WebAssembly.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output 78498 primes\n

LIMIT equ 1000000

        org 100000h
        bits 32

        mov edi, flags                  ; flags[n] = 0: n may be prime
        mov ecx, LIMIT / 4
        xor eax, eax
        rep stosd

        xor ebp, ebp                    ; primes found
        mov ebx, 2
candidate:
        cmp byte [flags + ebx], 0
        jne composite
        inc ebp
        mov eax, ebx
        mul ebx                         ; multiples below n * n have been crossed out already
        test edx, edx
        jnz composite
        cmp eax, LIMIT
        jae composite
cross:  mov byte [flags + eax], 1
        add eax, ebx
        cmp eax, LIMIT
        jb cross
composite:
        inc ebx
        cmp ebx, LIMIT
        jb candidate

        mov eax, ebp
        call print_number
        mov esi, text
        call print
        cli
        hlt

; Prints EAX in decimal.
print_number:
        mov ecx, 10
        xor ebx, ebx
.digit: xor edx, edx
        div ecx
        push edx
        inc ebx
        test eax, eax
        jnz .digit
        mov edx, 3F8h
.send:  pop eax
        add al, '0'
        out dx, al
        dec ebx
        jnz .send
        ret

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:   db " primes", 10, 0

flags   equ 200000h                     ; beyond the image, in free memory
