; Silent lies: why the classic x86 could not be virtualized by trap and emulate.
;
; Under trap and emulate the guest kernel runs at CPL 1, and every privileged instruction it tries faults into the VMM,
; which emulates it. But some sensitive instructions are not privileged: at CPL 1 they do not fault, they just do something
; else. Nobody notices, neither guest nor VMM; Popek and Goldberg's condition is violated (sensitive, yet not privileged).
;
; The guest sets things up itself, asks for them again, and compares. Run it under bare-metal and vtx-ept: everything is
; true. Run it under trap-and-emulate: it is lied to seven times, and the VM Exits view shows no exit for any of them.

%pragma ringside mode protected
%pragma ringside technique trap-and-emulate
%pragma ringside ends halted
%pragma ringside output SGDT lies\nSIDT lies\nSMSW lies\nSTR lies\nPUSHF lies\nPOPF lies\nMOV AX, CS lies\n

INTERRUPT_FLAG equ 200h

        org 100000h
        bits 32

        cli                             ; privileged by IOPL: traps, and the VMM remembers IF = 0
        lgdt [gdt_register]             ; privileged: traps, and the VMM loads a table of its own
        lidt [idt_register]

        sgdt [stored]                   ; not privileged: gives the real table's address
        cmp dword [stored + 2], gdt
        mov esi, text.sgdt
        call verdict

        sidt [stored]
        cmp dword [stored + 2], idt
        mov esi, text.sidt
        call verdict

        mov ebx, cr0                    ; privileged: traps, and the VMM gives the guest's CR0
        smsw eax                        ; not privileged: gives the real one
        cmp eax, ebx
        mov esi, text.smsw
        call verdict

        str ax                          ; this guest has no task state segment, the VMM needs one
        test ax, ax
        mov esi, text.str
        call verdict

        pushfd                          ; CLI was above, but the real interrupt flag never changed
        pop eax
        test eax, INTERRUPT_FLAG
        mov esi, text.pushf
        call verdict

        sti                             ; traps
        push dword 2
        popfd                           ; CPL > IOPL: IF is left alone, without a fault
        pushfd
        pop eax
        test eax, INTERRUPT_FLAG
        mov esi, text.popf
        call verdict

        mov ax, cs                      ; the privilege level is in bits 1:0
        test ax, 3
        mov esi, text.cs
        call verdict

        cli
        hlt

; Prints the text at ESI and whether it was true: ZF.
verdict:
        mov edi, text.true
        jz .say
        mov edi, text.lies
.say:   call print
        mov esi, edi
print:  mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:
.sgdt:  db "SGDT", 0
.sidt:  db "SIDT", 0
.smsw:  db "SMSW", 0
.str:   db "STR", 0
.pushf: db "PUSHF", 0
.popf:  db "POPF", 0
.cs:    db "MOV AX, CS", 0
.true:  db " tells the truth", 10, 0
.lies:  db " lies", 10, 0

stored: times 6 db 0

        align 8
gdt:    dq 0
        dq 00CF9B000000FFFFh            ; code: selector 08h, as the guest was started with
        dq 00CF93000000FFFFh            ; data: selector 10h
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt

        align 8
idt:    times 32 dq 0
idt_register:
        dw idt_register - idt - 1
        dd idt
