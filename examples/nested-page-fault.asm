; What a nested page fault tells, and what it does not.
;
; The guest has paging on, and reads linear 80000010h, which its page table maps to guest-physical 400010h. Neither that page
; nor the page table has been touched before, so that the one instruction leaves the guest twice: #VMEXIT(NPF), code 400h.
;
; 1. For the page table: EXITINFO1 has bit 33. The walk only reads the table, but the exit says write (bit 1): AMD-V takes
;    every access to a guest page table for a write by the user.
; 2. For the page: EXITINFO1 has bit 32 and says read; EXITINFO2 = 400010h.
;
; Neither tells linear 80000010h. Run the same under VT-x with EPT: an EPT violation has it, in a field of its own. What the VMCB
; has instead (offset D0h) are the first bytes of the instruction, for a hypervisor that must emulate it.

%pragma ringside mode protected
%pragma ringside technique svm-npt
%pragma ringside memory 16
%pragma ringside ends halted
%pragma ringside output zero\n

LINEAR equ 80000010h
PAGE   equ 400000h

        org 100000h
        bits 32

        mov eax, directory
        mov cr3, eax
        mov eax, 10h                    ; PSE: pages of 4 MiB
        mov cr4, eax
        mov eax, cr0
        or eax, 80000000h               ; paging on
        mov cr0, eax

        mov ebx, [LINEAR]               ; here
        test ebx, ebx
        jnz .end
        mov esi, text
        mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   cli
        hlt

text:   db "zero", 10, 0

        align 4096
directory:
        dd 83h                          ; linear 0 to 4 MiB as they are
        times 511 dd 0
        dd table + 3                    ; linear 80000000h: present, writable
        align 4096
table:  dd PAGE + 3
