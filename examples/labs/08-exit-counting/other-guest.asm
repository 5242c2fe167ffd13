; Another guest for lab 8: it touches more memory, and asks for every kind of reason.

%pragma ringside mode long
%pragma ringside technique bare-metal

%include "machine.inc"

section guest follows=.text vstart=GUEST_CODE align=16
        mov edi, 100000h
        mov ecx, 20
.touch: mov byte [rdi], 1
        add edi, 1000h
        loop .touch
        mov ecx, 10h
        xor eax, eax
        xor edx, edx
        wrmsr
        mov eax, COUNT
        cpuid
        mov esi, text.total
        call guest_report
        mov edi, 32
        mov esi, text.wrmsr
        call report_count_of
        mov edi, 48
        mov esi, text.ept
        call report_count_of
        mov edi, 12                     ; HLT: not yet
        mov esi, text.hlt
        call report_count_of
        mov edi, 42
        mov esi, text.undefined
        call report_count_of
        mov edi, 100000
        mov esi, text.undefined
        call report_count_of

        mov eax, CYCLES_OF              ; one EPT violation must not have cost as much as 20
        mov ecx, 48
        cpuid
        mov r12, rcx
        mov eax, CYCLES_OF
        mov ecx, 32
        cpuid
        mov esi, text.implausible
        test ecx, ecx
        jz .said
        cmp r12, rcx
        jbe .said
        mov esi, text.plausible
.said:  call guest_print
        mov eax, CYCLES_OF
        mov ecx, 38
        cpuid
        mov eax, edx
        mov esi, text.undefined
        call guest_report
        hlt

text:
.total: db "exits: ", 0
.wrmsr: db "by WRMSR: ", 0
.ept:   db "by EPT violation: ", 0
.hlt:   db "by HLT: ", 0
.plausible: db "cycles: plausible", 10, 0
.implausible: db "cycles: implausible", 10, 0
.undefined: db "undefined: ", 0

%include "guest-text.inc"
guest_end:
