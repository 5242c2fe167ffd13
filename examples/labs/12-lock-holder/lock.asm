; Lab 12: a ticket lock. Who comes takes a number, and waits until it is called. EBX is the number of this virtual CPU, 0 to 3, which
; is its APIC ID, too. EAX, ECX, EDX, ESI and EDI are free.

acquire:
        mov eax, 1
        lock xadd [ticket], eax
.wait:  cmp eax, [called]
        jne .wait
        ret

release:
        inc dword [called]              ; only the holder writes it
        ret

        align 4
ticket: dd 0
called: dd 0
