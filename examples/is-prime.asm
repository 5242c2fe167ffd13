; Is it prime? Binary translation at work, on the function that Adams and Agesen translate in their paper.
;
; Under binary translation the guest's kernel never runs itself: the VMM translates it, a few instructions at a time, into a
; cache, and that is what the processor executes. Of isPrime(49) the bare machine executes 51 instructions. Its 14
; instructions are translated as 4 units; most are copied as they are. The translation executes 54 instructions, for the
; one RET becomes four, which look the return address up. Two exits are never taken: isPrime needs an argument below 3, or a prime
; above 2, to go there. Look at the units with "ringside run --translations examples/is-prime.asm".
;
; K. Adams and O. Agesen: A Comparison of Software and Hardware Techniques for x86 Virtualization. ASPLOS 2006, section 3.

%pragma ringside mode protected
%pragma ringside technique binary-translation
%pragma ringside ends halted
%pragma ringside output 49 is not prime\n49 is not prime\n

        org 100000h
        bits 32

        mov ebp, 2                      ; the second time, all is translated
again:  mov edi, 49
        call isPrime
        mov esi, text.prime
        test eax, eax
        jnz .say
        mov esi, text.composite
.say:   call print
        dec ebp
        jnz again
        cli
        hlt

; EAX = 1 if EDI is prime, else 0.
isPrime:
        mov ecx, edi                    ; the number
        mov esi, 2                      ; a divisor
        cmp esi, ecx
        jge prime
nexti:  mov eax, ecx
        cdq
        idiv esi
        test edx, edx                   ; the remainder
        jz notPrime
        inc esi
        cmp esi, ecx
        jl nexti
prime:  mov eax, 1
        ret
notPrime:
        xor eax, eax
        ret

print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:
.prime: db "49 is prime", 10, 0
.composite:
        db "49 is not prime", 10, 0
