; The guest of lab 8: it leaves in some ways, and asks how often it has.

%pragma ringside mode long
%pragma ringside technique bare-metal

%include "machine.inc"

section guest follows=.text vstart=GUEST_CODE align=16
        mov eax, COUNT                  ; the first fetch, and the page tables, were EPT violations
        cpuid
        mov esi, text.total
        call guest_report               ; the stack is another page
        xor eax, eax
        cpuid
        xor eax, eax
        cpuid
        mov ecx, 10h
        rdmsr
        mov eax, COUNT
        cpuid
        mov esi, text.total
        call guest_report

        mov edi, 10
        mov esi, text.cpuid
        call report_count_of
        mov edi, 31
        mov esi, text.rdmsr
        call report_count_of
        mov edi, 48
        mov esi, text.ept
        call report_count_of
        mov edi, 1                      ; an external interrupt: there was none
        mov esi, text.interrupt
        call report_count_of

        mov eax, CYCLES                 ; high half in EBX, low half in ECX
        cpuid
        mov r12, rbx
        shl r12, 32
        or r12, rcx
        mov eax, CYCLES_OF
        mov ecx, 10
        cpuid
        mov r13, rbx
        shl r13, 32
        or r13, rcx
        mov eax, CYCLES_OF
        mov ecx, 31
        cpuid
        mov r14, rbx
        shl r14, 32
        or r14, rcx
        mov esi, text.plausible
        test r14, r14
        jz .implausible
        cmp r13, r14                    ; there were more exits by CPUID than by RDMSR
        jbe .implausible
        lea rax, [r13 + r14]
        cmp r12, 1000000
        ja .implausible
        cmp rax, r12
        jbe .said
        sub rax, r12                    ; what CYCLES and CYCLES_OF have taken themselves came after r12
        cmp rax, 2000
        jb .said
.implausible:
        mov esi, text.implausible
.said:  call guest_print

        mov eax, COUNT_OF               ; reason 35 is not defined
        mov ecx, 35
        cpuid
        lea eax, [rax + rbx]
        add eax, ecx
        add eax, edx
        mov esi, text.undefined
        call guest_report
        hlt

text:
.total: db "exits: ", 0
.cpuid: db "by CPUID: ", 0
.rdmsr: db "by RDMSR: ", 0
.ept:   db "by EPT violation: ", 0
.interrupt: db "by external interrupt: ", 0
.plausible: db "cycles: plausible", 10, 0
.implausible: db "cycles: implausible", 10, 0
.undefined: db "reason 35: ", 0

%include "guest-text.inc"
guest_end:
