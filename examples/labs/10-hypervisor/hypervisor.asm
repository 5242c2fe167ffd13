; Lab 10: write a hypervisor. The steps are numbered as in the text; each can be seen to work before the next.

%pragma ringside mode long
%pragma ringside technique bare-metal

VMXON_REGION equ 200000h                ; a page
VMCS         equ 201000h                ; a page
FIRST_STACK  equ 203000h                ; of the first guest
EPT          equ 210000h                ; pages for the extended page tables, as many as you need

        org 100000h
        bits 64

; Step 1: VMX on. IA32_FEATURE_CONTROL (3Ah), CR4.VMXE, CR0.NE, the revision of IA32_VMX_BASIC (480h) in the region, VMXON.

; Step 2: a VMCS, cleared and made the current one.

; Step 3: its fields. Those of `state`; the controls, with what the capability MSRs (48Dh to 490h) demand; CR0, CR3 and CR4 of
; guest and host; the first guest's RIP (first_guest), RSP and RFLAGS; the host's RIP (exited) and RSP.

; Step 4: VMLAUNCH.

failed: mov esi, text.failed            ; after a VMX instruction: JBE failed
        call print
        hlt

; The processor comes here from every exit. Print each by print_exit. CPUID: execute it for the guest. VMCALL of the first
; guest: go on with step 5.
exited:
        hlt

; Step 5: extended page tables that are empty at first, and the second guest (load_guest; GUEST_CODE, GUEST_TABLES). At an EPT violation
; (exit reason 48) map the one page, GUEST_BASE higher. What is beyond GUEST_SIZE is never mapped.

; Step 6: CPUID 40000000h gives the guest 40000000h in EAX, and in EBX, ECX and EDX the 12 characters of `name`.

; Step 7: exceptions. #UD is to leave the guest (exit reason 0). Inject it: the guest has a handler.

; Step 8: HLT leaves (exit reason 12). Go on behind it; inject interrupt 20h if, and only if, the guest's IF is 1.

; VMCALL of the second guest: VMXOFF, print text.end, and halt.

name:   db "LabTenHyperV"
text:
.failed: db "failed", 10, 0
.end:   db "VMX off", 10, 0

%include "support.inc"
%include "guests.inc"
