; Lab 4: read a translation cache. Under binary translation none of this is executed as it stands here; what is executed you see with
; "ringside run --translations cache.asm", or in the Translation Cache view.

%pragma ringside mode protected
%pragma ringside technique binary-translation
%pragma ringside memory 4

%ifndef ROUNDS
%define ROUNDS 100
%endif

        org 100000h
        bits 32

start:  mov ebx, inputs                 ; part 1 and 2
.next:  mov edi, [ebx]
        add ebx, 4
        test edi, edi
        jz .end
        push ebx
        call isPrime
        pop ebx
        add al, '0'
        call put
        jmp .next
.end:   mov al, 10
        call put
        call work                       ; part 3
        call print_number
        cli
        hlt

; EAX = 1 if EDI is prime, else 0. As Adams and Agesen have it; leave it as it is.
isPrime:
        mov ecx, edi
        mov esi, 2
        cmp esi, ecx
        jge prime
nexti:  mov eax, ecx
        cdq
        idiv esi
        test edx, edx
        jz notPrime
        inc esi
        cmp esi, ecx
        jl nexti
prime:  mov eax, 1
        ret
notPrime:
        xor eax, eax
        ret
isPrime_end:

; Part 2: numbers for isPrime, at most eight, and a 0. With 49 alone some exits of its units are never taken, and so never chained.
inputs: dd 49, 0
        times 7 dd 0

; Part 3: EAX = a sum over ROUNDS rounds. It is right; it is slow in a translation cache.
work:   xor ebp, ebp
        mov edi, ROUNDS
.round: mov [.patch + 1], edi           ; the number of the round
        xor eax, eax
        cpuid                           ; the vendor is part of the sum
        add ebp, ebx
.patch: mov eax, 0
        add ebp, eax
        inc dword [rounds]
        mov eax, edi
        and eax, 3
        call [steps + eax * 4]
        dec edi
        jnz .round
        mov eax, ebp
        add eax, [rounds]
        ret

step_a: add ebp, 3
        ret
step_b: shl ebp, 1
        ret
step_c: xor ebp, 55h
        ret
step_d: rol ebp, 7
        ret

rounds: dd 0
steps:  dd step_a, step_b, step_c, step_d

; Prints EAX in hexadecimal, and a line feed.
print_number:
        mov ebx, eax
        mov ecx, 8
.digit: rol ebx, 4
        mov eax, ebx
        and eax, 0Fh
        mov al, [digits + eax]
        call put
        loop .digit
        mov al, 10
put:    mov edx, 3F8h
        out dx, al
        ret

digits: db "0123456789ABCDEF"

; Part 1: isPrime(49) as it is translated and run for the first time.
answers:
.units: db 0FFh                         ; into how many units?
.instructions: db 0FFh                  ; how many guest instructions are in them?
.copied: db 0FFh                        ; how many of those are copied as they are?
.to_vmm: db 0FFh                        ; how many exits of these units still lead to the VMM when it has returned?
.second: db 0FFh                        ; a second isPrime(49): how many exits of reason “translate” at its addresses?
.ret:   db 0FFh                         ; how many instructions does a RET become?
