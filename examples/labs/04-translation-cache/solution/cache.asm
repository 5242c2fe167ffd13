; Lab 4, solved: code is not written, and nothing is written in the pages of code.

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
inputs: dd 49, 3, 2, 0                  ; composite; prime: the loop ends; below 3: it does not begin
        times 5 dd 0

; Part 3: EAX = a sum over ROUNDS rounds. It is right; it is slow in a translation cache.
work:   xor ebp, ebp
        xor eax, eax
        cpuid                           ; once: the vendor does not change
        mov edi, ROUNDS
.round: add ebp, ebx
        add ebp, edi                    ; the number of the round
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

        align 4096                      ; a page without code
rounds: dd 0

; Part 1: isPrime(49) as it is translated and run for the first time.
answers:
.units: db 4                            ; into how many units?
.instructions: db 14                    ; how many guest instructions are in them?
.copied: db 10                          ; how many of those are copied as they are?
.to_vmm: db 2                           ; how many exits of these units still lead to the VMM when it has returned?
.second: db 0                           ; a second isPrime(49): how many exits of reason “translate” at its addresses?
.ret:   db 4                            ; how many instructions does a RET become?
