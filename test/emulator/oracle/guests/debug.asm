; Debug registers: instruction, data and I/O breakpoints, what DR6 says, RF, GD, and how they meet TF, MOV SS and REP.
%define EXACT
%define QUIET 0x30800
%include "protected.inc"

data    equ 0x30000

; DR7 is what follows the number of the first breakpoint's address.
%macro arm 2
        mov eax, %2
        mov dr7, eax
        mov eax, %1
        mov dr0, eax
%endmacro

; Runs instructions with DR0 and DR7 given; whatever they raise prints itself, then DR6 and DR7.
%macro watch 3+
        call print_line
        mov eax, %1
        mov dr0, eax
        mov eax, 0xffff0ff0
        mov dr6, eax
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        mov eax, %2
        mov dr7, eax
        mov eax, 0x11111111
        mov ecx, 3
        mov esi, data
        mov edi, data + 0x100
        %3
        nop
        call print_ok
%%next: call show
%endmacro

; The same at CPL 3.
%macro watch_user 3+
        call print_line
        mov eax, %1
        mov dr0, eax
        mov eax, 0xffff0ff0
        mov dr6, eax
        mov eax, %2
        mov dr7, eax
        user 0x3002, %3
        call show
%endmacro

%macro user 2+
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        push dword UDATA
        push dword USTACK
        push dword %1
        push dword UCODE
        push dword %%code
        iretd
%%code: %2
        nop
        int 0x41
%%next:
%endmacro

show:   mov eax, dr7
        xchg eax, [QUIET]
        push eax
        mov eax, 0x400
        mov dr7, eax
        mov eax, dr6
        call print32
        pop eax
        call print32
        mov eax, [QUIET]
        call print32
        mov eax, ecx
        jmp print32

L0      equ 0x401
EXECUTE equ 0x00000
WRITE   equ 0x10000
PORT    equ 0x20000
ACCESS  equ 0x30000
TWO     equ 0x40000
EIGHT   equ 0x80000
FOUR    equ 0xc0000

main:   mov eax, 0x400
        mov dr7, eax
        mov eax, 0
        mov dr1, eax
        mov dr2, eax
        mov dr3, eax
        ; Reads and writes of every size at every place around four bytes.
        say "data"
%assign kind 0
%rep 4
%assign at data - 4
%rep 9
        watch at, L0 | ACCESS | (kind << 18), mov al, [data]
        watch at, L0 | ACCESS | (kind << 18), mov ax, [data + 1]
        watch at, L0 | ACCESS | (kind << 18), mov eax, [data - 1]
        watch at, L0 | WRITE | (kind << 18), mov [data], eax
%assign at at + 1
%endrep
%assign kind kind + 1
%endrep
        watch data, L0 | WRITE | FOUR, mov al, [data]
        watch data, L0 | WRITE | FOUR, add [data], al
        watch data, L0 | ACCESS | FOUR, test [data], al
        watch data, L0 | ACCESS | FOUR, xchg [data], eax
        watch data, 0x402 | ACCESS | FOUR, mov al, [data]
        watch data, 0x400 | ACCESS | FOUR, mov al, [data]
        watch data, 0x404 | ACCESS | FOUR, mov al, [data]
        watch data, L0 | PORT, mov al, [data]
        watch data + 3, L0 | ACCESS, mov al, [data + 3]
        watch data, L0 | ACCESS, cmp byte [data], 0
        watch data, L0 | ACCESS | FOUR, push dword [data]
        watch KSTACK - 8, L0 | WRITE | FOUR, push eax
        watch KSTACK - 4, L0 | ACCESS | FOUR, call .called
        watch data, L0 | WRITE | FOUR, pushad
        watch data + 0x100, L0 | WRITE | FOUR, movsd
        watch data, L0 | ACCESS | FOUR, movsd
        ; A fault before the access, and after another one.
        watch data, L0 | ACCESS | FOUR, bound eax, [data]
        watch data, L0 | ACCESS | FOUR, div byte [data + 0x200]
        ; Two at once, of which one is not enabled.
        say 10
        say "several"
        mov eax, data
        mov dr1, eax
        mov eax, data + 2
        mov dr2, eax
        watch data, 0x405 | ACCESS | FOUR | (ACCESS << 4), mov eax, [data]
        watch data, 0x411 | ACCESS | FOUR | (ACCESS << 8), mov eax, [data]
        watch data, 0x410 | (ACCESS << 8), mov eax, [data]
        watch data, 0x401 | ACCESS | (ACCESS << 4), mov eax, [data]
        watch data, 0x401 | WRITE | (ACCESS << 4), mov [data], eax
        mov eax, 0
        mov dr1, eax
        mov dr2, eax
        ; Repeated instructions. Midway RF is set (SDM Vol. 3, 18.3.1.1), which Bochs leaves clear.
        say 10
        say "repeat"
        mov dword [flags_shown], ~0x108d5
        watch data + 4, L0 | ACCESS | FOUR, rep lodsd
        watch data + 8, L0 | ACCESS | FOUR, rep lodsd
        watch data + 0x101, L0 | WRITE, rep stosb
        watch data + 0x101, L0 | WRITE, rep movsb
        watch .repeated, L0, jmp .repeated
        mov edi, data + 0x100
        call print_line
        mov dword [resume_eip], .after_repeat
        mov [resume_esp], esp
        mov ecx, 3
        mov eax, .repeated
        mov dr0, eax
        mov eax, L0
        mov dr7, eax
        push dword 0x10002
        push dword KCODE
        push dword .repeated
        iretd
.repeated:
        rep stosb
        nop
        call print_ok
.after_repeat:
        call show
        mov dword [flags_shown], ~0x8d5
        ; Instruction breakpoints.
        say 10
        say "code"
%macro here 2+
        call print_line
        mov eax, %%place
        mov dr0, eax
        mov eax, 0xffff0ff0
        mov dr6, eax
        mov dword [resume_eip], %%next
        mov [resume_esp], esp
        mov eax, %1
        mov dr7, eax
%%place:
        %2
        nop
        call print_ok
%%next: call show
%endmacro
        here L0, nop
        here 0x402, nop
        here 0x404, nop
        here L0 | FOUR, nop
        here L0, int3
        here L0, ud2
        here L0, int 0x40
        here L0 | WRITE, nop
        ; RF lets one instruction through, also where it faults, and IRET sets it.
        call print_line
        mov eax, .resumed
        mov dr0, eax
        mov eax, L0
        mov dr7, eax
        mov dword [resume_eip], .resumed_end
        mov [resume_esp], esp
        push dword 0x10002
        push dword KCODE
        push dword .resumed
        iretd
.resumed:
        nop
        nop
        call print_ok
.resumed_end:
        call show
        call print_line
        mov eax, .twice
        mov dr0, eax
        mov eax, L0
        mov dr7, eax
        mov dword [resume_eip], .twice_end
        mov [resume_esp], esp
        mov ecx, 2
        push dword 0x10002
        push dword KCODE
        push dword .twice
        iretd
.twice: loop .twice
        call print_ok
.twice_end:
        call show
        call print_line
        mov eax, .faulting
        mov dr0, eax
        mov eax, L0
        mov dr7, eax
        mov dword [resume_eip], .faulting_end
        mov [resume_esp], esp
        push dword 0x10002
        push dword KCODE
        push dword .faulting
        iretd
.faulting:
        ud2
.faulting_end:
        call show
        ; POPF does not set RF.
        call print_line
        mov eax, .popped
        mov dr0, eax
        mov eax, L0
        mov dr7, eax
        mov dword [resume_eip], .popped_end
        mov [resume_esp], esp
        push dword 0x10002
        popfd
.popped:
        nop
        call print_ok
.popped_end:
        call show
        ; MOV SS holds back instruction breakpoints and traps.
        say 10
        say "shadow"
        mov edx, ss
        mov [data], edx
        call print_line
        mov eax, .shadowed
        mov dr0, eax
        mov eax, L0
        mov dr7, eax
        mov dword [resume_eip], .shadowed_end
        mov [resume_esp], esp
        mov ss, edx
.shadowed:
        nop
        nop
        call print_ok
.shadowed_end:
        call show
        watch data, L0 | ACCESS, mov ss, [data]
        watch data, L0 | ACCESS, push dword [data + 4]
        call print_line
        mov eax, data
        mov dr0, eax
        mov eax, L0 | ACCESS
        mov dr7, eax
        mov dword [resume_eip], .both_end
        mov [resume_esp], esp
        pushfd
        or dword [esp], 0x100
        popfd
        mov ss, [data]
        mov eax, [data]
        nop
        nop
.both_end:
        call show
        ; A single step and a breakpoint at once.
        call print_line
        mov eax, data
        mov dr0, eax
        mov eax, L0 | ACCESS
        mov dr7, eax
        mov dword [resume_eip], .stepped_end
        mov [resume_esp], esp
        pushfd
        or dword [esp], 0x100
        popfd
        mov eax, [data]
        nop
.stepped_end:
        call show
        ; General detect.
        say 10
        say "detect"
        watch 0, 0x2400, mov eax, dr0
        watch 0, 0x2400, mov dr6, eax
        watch 0, 0x2400, mov eax, dr7
        watch 0, 0x2400, mov eax, dr4
        watch_user 0, 0x400, mov eax, dr0
        watch_user 0, 0x400, mov eax, dr4
        watch 0, 0x2400, db 0xf1
        watch 0, 0x400, db 0xf1
        watch 0, 0x2400, int 1
        ; User code.
        say 10
        say "user"
        watch_user data, L0 | ACCESS | FOUR, mov eax, [data]
        watch_user USTACK - 4, L0 | WRITE | FOUR, push eax
        watch_user data, L0 | ACCESS | FOUR, db 0xf1
        ; I/O.
        say 10
        say "ports"
        watch 0x80, L0 | PORT, in al, 0x80
        mov eax, 8
        mov cr4, eax
        watch 0x80, L0 | PORT, out 0x80, al
        watch 0x80, L0 | PORT, out 0x81, al
        watch 0x81, L0 | PORT | TWO, out 0x80, al
        watch 0x80, L0 | PORT | FOUR, out 0x83, al
        watch 0x84, L0 | PORT, out 0x83, ax
        watch 0x80, L0 | ACCESS, out 0x80, al
        watch 0, 0x400, mov eax, dr4
        watch 0, 0x2400, mov eax, dr4
        watch_user 0, 0x400, mov eax, dr4
        mov dx, 0x80
        mov dword [flags_shown], ~0x108d5
        watch 0x80, L0 | PORT, rep outsb
        watch data + 1, L0 | ACCESS, rep outsb
        xor eax, eax
        mov cr4, eax
        ; What can be written.
        say 10
        say "bits"
        xor eax, eax
        mov dr6, eax
        mov eax, dr6
        call print32
        dec eax
        mov eax, 0xffffffff
        mov dr6, eax
        mov eax, dr6
        call print32
        mov eax, 0xd800
        mov dr7, eax
        mov eax, dr7
        and eax, ~0x800         ; RTM: Bochs keeps it
        call print32
        jmp finish
.called:
        ret
