; TLB shoot-down: who changes a translation has to tell the other processors.
;
; Each processor has a TLB of its own, and INVLPG is for the one that executes it. So the boot processor, when it has mapped the page
; anew, interrupts the others, and waits until each has executed INVLPG too. A vCPU that is preempted makes it wait for long;
; that is what KVM's PV_TLB_FLUSH is for.
;
; Under shadow paging the entry in the hypervisor's table is shared by all vCPUs, and what one of them changes is kept from the
; others' TLBs by the hypervisor.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside processors 3
%pragma ringside memory 8
%pragma ringside ends halted
%pragma ringside output AA BB\n

%include "../schedule/start.inc"

OTHERS          equ 2
VECTOR          equ 40h
END_OF_INTERRUPT equ APIC + 0B0h
DIRECTORY       equ 300000h
TABLE           equ 301000h
FIRST           equ 302000h             ; two frames
SECOND          equ 303000h
PAGE            equ 400000h             ; the linear address that is mapped to one of them
PRESENT         equ 3                   ; and writable
LARGE           equ 83h

boot:   mov edi, DIRECTORY
        xor eax, eax
        mov ecx, 2048
        rep stosd
        mov dword [DIRECTORY], LARGE    ; the first 4 MiB, and the local APICs, as they are
        mov dword [DIRECTORY + 4 * (APIC >> 22)], (APIC & 0FFC00000h) | LARGE
        mov dword [DIRECTORY + 4 * (PAGE >> 22)], TABLE | PRESENT
        mov dword [TABLE], FIRST | PRESENT
        mov byte [FIRST], 'A'
        mov byte [SECOND], 'B'
        call paging
        mov dword [mapped], 1

        mov eax, OTHERS
        call until
        mov al, ' '
        out 0E9h, al
        mov dword [TABLE], SECOND | PRESENT
        invlpg [PAGE]
        mov dword [COMMAND], TO_OTHERS | 4000h | VECTOR
        mov eax, 2 * OTHERS
        call until                      ; each has answered
        mov dword [mapped], 2
        mov eax, 3 * OTHERS
        call until
        mov al, 10
        out 0E9h, al
        cli
        hlt

other:  mov eax, 1
        call when
        call paging
        lidt [idtr]
        sti
        mov al, [PAGE]                  ; now it is in this processor's TLB
        out 0E9h, al
        lock inc dword [done]
        mov eax, 2
        call when
        mov al, [PAGE]
        out 0E9h, al
        lock inc dword [done]
.end:   cli
        hlt
        jmp .end

flush:  invlpg [PAGE]
        lock inc dword [done]
        mov dword [END_OF_INTERRUPT], 0
        iret

paging: mov ecx, cr4
        or cl, 10h                      ; CR4.PSE: 4 MiB pages
        mov cr4, ecx
        mov ecx, DIRECTORY
        mov cr3, ecx
        mov ecx, cr0
        or ecx, 80000000h
        mov cr0, ecx
        ret

; Waits until the others have been counted EAX times.
until:  pause
        cmp [done], eax
        jb until
        ret

; Waits until the page is mapped for the EAXth time.
when:   pause
        cmp [mapped], eax
        jb when
        ret

done:   dd 0
mapped: dd 0

        align 8
idt:    times VECTOR dq 0
        dw flush - $$, 8, 8E00h, 10h    ; at 100000h + its offset here
idtr:   dw $ - idt - 1
        dd idt
