; Lab 12, solved: a paravirtual ticket lock. Who waits looks for a while, notes for which number it waits, and halts; who releases the
; lock kicks the one whose number it calls. So nobody burns the time that the holder needs, and the next in line is woken and no other.

KICK_CPU equ 5                          ; KVM's hypercalls: number in EAX, arguments in EBX and ECX
LOOKS   equ 100
NOBODY  equ -1

acquire:
        mov eax, 1
        lock xadd [ticket], eax
.again: mov ecx, LOOKS
.look:  cmp eax, [called]
        je .mine
        pause
        loop .look
        xchg [waits + ebx * 4], eax     ; the store comes before the next look
        mov eax, [waits + ebx * 4]
        cmp eax, [called]
        je .mine
        hlt                             ; interrupts are off: a kick ends it, also one that came before
        jmp .again
.mine:  mov dword [waits + ebx * 4], NOBODY
        ret

release:
        lock inc dword [called]
        mov eax, [called]
        xor ecx, ecx
.look:  cmp [waits + ecx * 4], eax      ; does anybody wait for this number?
        je .kick
        inc ecx
        cmp ecx, 4
        jb .look
        ret
.kick:  push ebx
        mov eax, KICK_CPU
        xor ebx, ebx
        vmcall
        pop ebx
        ret

        align 4
ticket: dd 0
called: dd 0
waits:  times 4 dd NOBODY
