; String instructions: one instruction that loops.
;
; REP repeats a string instruction ECX times. In the machine it is one instruction, but every iteration is a step of its
; own: interrupts, faults and VM exits may come in between, and then the registers say how far it got, so it goes on
; where it was. That is why a page fault in the middle of a copy costs nothing.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside ends halted
%pragma ringside output copied 64 bytes, equal\nfound z at 25\n

        org 100000h
        bits 32

        cld                             ; upwards
        mov edi, source
        mov al, 'a'
fill:   stosb                           ; [EDI++] = AL
        inc al
        cmp al, 'z' + 1
        jne fill

        mov esi, source
        mov edi, target
        mov ecx, 64 / 4
        rep movsd                       ; [EDI] = [ESI], four bytes at a time

        mov esi, source
        mov edi, target
        mov ecx, 64
        repe cmpsb                      ; until they differ or ECX is 0
        jne failed
        mov esi, text.equal
        call print

        mov edi, target
        mov al, 'z'
        mov ecx, 64
        repne scasb                     ; until AL is found or ECX is 0
        jne failed
        sub edi, target + 1             ; EDI is one past it
        cmp edi, 25
        jne failed
        mov esi, text.found
        call print
        cli
        hlt

failed: mov al, 1
        out 0F4h, al                    ; the debug-exit port ends the run with a code
        hlt

print:  mov edx, 3F8h
        xor ecx, ecx
.length:
        cmp byte [esi + ecx], 0
        je .send
        inc ecx
        jmp .length
.send:  rep outsb                       ; under VT-x the VMM is told that this is a string instruction
        ret

text:
.equal: db "copied 64 bytes, equal", 10, 0
.found: db "found z at 25", 10, 0

        align 16
source: times 64 db 0
target: times 64 db '?'
