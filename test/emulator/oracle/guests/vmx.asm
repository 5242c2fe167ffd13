; VMX: what each instruction does outside and inside VMX operation, which fields there are, how guests leave and what that
; leaves in the VMCS, what is injected, and which states an entry refuses.
%include "vmx.inc"

%macro every 1                  ; a macro over all instructions
        %1 vmxoff
        %1 vmclear [vmcs_at]
        %1 vmptrld [vmcs_at]
        %1 vmptrst [pointer]
        %1 vmread rax, rbx
        %1 vmwrite rax, rbx
        %1 vmlaunch
        %1 vmresume
        %1 vmcall
        %1 invept rax, [pointer]
        %1 invvpid rax, [pointer]
%endmacro
%macro trying 1+
        call print_line
        try %1
%endmacro
%macro by_user 1+
        call print_line
        user 2, %1
%endmacro
%macro on_line 1+
        call print_line
        vmx %1
%endmacro

main:   call outside
        call allow_vmx
        call into_operation
        call pointers
        call fields
        call standard_controls
        call standard_host
        call standard_guest
        call guests
        call invalidations
        call injections
        call checks
        on_line vmxoff
        trying vmptrst [pointer]
        mov rax, cr4
        and eax, ~0x2000
        try mov cr4, rax
        ret

outside:
        every trying
        every by_user
        trying vmxon [vmxon_at]
        by_user vmxon [vmxon_at]
        mov rax, cr4
        or eax, 0x2000
        trying mov cr4, rax
        every trying
        by_user vmxon [vmxon_at]
        trying vmxon [vmxon_at] ; CR0.NE is 0
        ret

into_operation:
        mov qword [pointer], VMXON_REGION + 8
        on_line vmxon [pointer]
        mov rax, 1 << 52
        mov [pointer], rax
        on_line vmxon [pointer]
        mov qword [pointer], 0x7000
        on_line vmxon [pointer]
        or byte [VMXON_REGION + 3], 0x80
        on_line vmxon [vmxon_at]
        and byte [VMXON_REGION + 3], 0x7f
        trying vmxon [0x601000]
        on_line vmxon [vmxon_at]
        on_line vmxon [vmxon_at]
        ; Nothing is current: VMfailInvalid.
        on_line vmclear [vmxon_at]
        on_line vmptrld [vmxon_at]
        on_line vmread rax, rbx
        on_line vmwrite rax, rbx
        on_line vmlaunch
        on_line vmresume
        on_line vmcall
        mov eax, 7
        on_line invept rax, [pointer]
        on_line vmptrst [pointer]
        mov rax, [pointer]
        call print64
        every by_user
        by_user vmxon [vmxon_at]
        ; Bits that VMX operation fixes.
        mov rax, cr4
        and eax, ~0x2000
        trying mov cr4, rax
        mov rax, cr0
        and eax, ~0x20
        trying mov cr0, rax
        mov rax, cr0
        btr eax, 31
        trying mov cr0, rax
        ret

pointers:
        on_line vmclear [vmcs_at]
        on_line vmptrld [vmcs_at]
        on_line vmptrst [pointer]
        mov rax, [pointer]
        call print64
        on_line vmxon [vmxon_at]
        mov qword [pointer], VMCS + 0x10
        on_line vmclear [pointer]
        on_line vmptrld [pointer]
        mov rax, 1 << 50
        mov [pointer], rax
        on_line vmclear [pointer]
        on_line vmptrld [pointer]
        on_line vmclear [vmxon_at]
        on_line vmptrld [vmxon_at]
        mov qword [pointer], 0x7000
        on_line vmptrld [pointer]
        trying vmptrld [0x601000]
        trying vmclear [0x601000]
        trying vmptrst [0x601000]
        ; VMCLEAR of another VMCS leaves the current one; of the current one, none.
        on_line vmclear [vmcs2_at]
        on_line vmptrst [pointer]
        mov rax, [pointer]
        call print64
        on_line vmclear [vmcs_at]
        on_line vmptrst [pointer]
        mov rax, [pointer]
        call print64
        on_line vmclear [vmcs_at]
        on_line vmptrld [vmcs_at]
        on_line vmresume
        ret

; Every field that is of VMX itself: what stays of all ones, and of other values.
fields: mov edi, .list
.next:  mov ecx, [rdi]
        cmp ecx, -1
        je .others
        call print_line
        mov eax, ecx
        call print16
        mov rdx, -1
        vmx vmwrite rcx, rdx
        xor eax, eax
        vmx vmread rax, rcx
        call print64
        mov rdx, 0x123456789abcdef0
        vmx vmwrite rcx, rdx
        vmx vmread [pointer], rcx
        mov rax, [pointer]
        call print64
        add edi, 4
        jmp .next
.others:
        mov edi, .unsupported
.other: mov rcx, [rdi]
        call print_line
        mov rax, rcx
        call print64
        vmx vmread rax, rcx
        vmx vmwrite rcx, rdx
        add edi, 8
        cmp edi, .unsupported_end
        jb .other
        ; Halves of a field of 64 bits.
        call print_line
        mov ecx, 0x2010
        mov rdx, 0x1122334455667788
        vmwrite rcx, rdx
        inc ecx
        vmx vmread rax, rcx
        call print64
        mov rdx, 0xaabbccdd99887766
        vmx vmwrite rcx, rdx
        dec ecx
        vmread rax, rcx
        call print64
        trying vmread [0x601000], rcx
        trying vmwrite rcx, [0x601000]
        ret
.list:  dd 0x0000
        dd 0x2000, 0x2002, 0x2004, 0x2006, 0x2008, 0x200a, 0x2010, 0x201a
        dd 0x2804, 0x2806, 0x280a, 0x2810, 0x2c00, 0x2c02
        dd 0x4004, 0x4006, 0x4008, 0x400a, 0x400e, 0x4010, 0x4014, 0x4016, 0x4018, 0x401a
        dd 0x4800, 0x480e, 0x4810, 0x482a, 0x4c00
        dd 0x6000, 0x6004, 0x6008, 0x600e, 0x6800, 0x6802, 0x6804, 0x6806, 0x6814, 0x6816, 0x681a, 0x681c, 0x681e
        dd 0x6824, 0x6c00, 0x6c06, 0x6c14, 0x6c16
        dd -1
        align 8
.unsupported:
        dq 0x0001, 0x4001, 0x6001, 0x4403               ; no high halves
        dq 0x1000, 0x5000, 0x8000, 0x14000, 0x0fe, 0x68fe, 0x4c02, 0x2c0e, 0x100000000, 0x8000000000000000
.unsupported_end:

guests: jmp .start
.target:
        mov eax, PML4                   ; a CR3-target value, then another
        mov cr3, rax
        mov eax, PML4 + 0x18
        mov cr3, rax
.start: guest LENGTH, vmcall
        guest LENGTH, cpuid
        guest LENGTH, invd
        guest LENGTH, vmxoff
        guest LENGTH, vmlaunch
        guest LENGTH, vmresume
        guest FULL, vmxon [vmxon_at]
        guest FULL, vmclear [rbx + rsi * 4 + 0x12345]
        guest FULL, vmptrld [rsp - 8]
        guest FULL, vmptrst [fs:0x1234]
        guest FULL, vmread rdx, r9
        guest FULL, vmread [r12 + r13 * 8 - 5], rsi
        guest FULL, vmwrite r8, rcx
        guest FULL, vmwrite rdi, [ebx + 2]
        guest FULL, invept rbp, [rax]
        guest FULL, invvpid r15, [rel $ + 0x100]
        guest LENGTH, rdmsr
        guest LENGTH, wrmsr
        ; A triple fault.
        write 0x4812, 0
        guest 0, ud2
        ; Controls that make instructions leave.
        primary 0x80000080
        guest LENGTH, hlt
        primary 0x80000200
        guest LENGTH, invlpg [rbx + 0x123456]
        primary 0x80000400
        guest LENGTH, mwait
        primary 0x80000800
        guest LENGTH, rdpmc
        primary 0x80001000
        guest LENGTH, rdtsc
        secondary 8
        guest LENGTH, rdtscp
        primary 0x80008000
        guest LENGTH, mov cr3, rsi
        write 0x400a, 2
        write 0x6008, 0x1234000
        write 0x600a, PML4
        call print_line
        mov dword [shown], LENGTH
        mov eax, .target
        call run
        primary 0x80010000
        guest LENGTH, mov r9, cr3
        primary 0x80080000
        guest LENGTH, mov cr8, rbx
        primary 0x80100000
        guest LENGTH, mov r11, cr8
        primary 0x80800000
        guest LENGTH, mov dr7, rbp
        guest LENGTH, mov r14, dr2
        primary 0x81000000
        guest LENGTH, in al, 0x21
        guest LENGTH, out dx, eax
        guest LENGTH | LINEAR, insb
        guest LENGTH | LINEAR, insd
        guest FULL | LINEAR, {fs outsw}
        guest FULL | LINEAR, {a32 outsb}
        primary 0xa0000000
        guest LENGTH, monitor
        primary 0xc0000000
        guest LENGTH, pause
        primary 0x80000000
        secondary 4
        guest LENGTH, sgdt [rbx]
        guest LENGTH, lidt [rsp + rbp * 2 + 7]
        guest FULL, sldt eax
        guest FULL, str [pointer]
        guest FULL, lldt si
        guest FULL, ltr [0x5000]
        secondary 0x40
        guest LENGTH, wbinvd
        secondary 0x800
        guest LENGTH, rdrand r10
        secondary 0x10000
        guest LENGTH, rdseed cx
        primary 0x80000200
        secondary 0x1000
        guest FULL, invpcid rdx, [rcx + 0x99]
        call standard_controls
        call bitmaps
        call exceptions
        call control_registers
        call levels
        call windows
        call nested_paging
        call areas
        call modes
        ret

; A port and an MSR that exit, beside ones that do not.
bitmaps:
        primary 0x82000000
        mov byte [IO_MAP + 0x10], 2                     ; port 81h
        mov byte [IO_MAP + 0x1000 + 0xfff], 0x80        ; port FFFFh
        guest LENGTH, {in al, 0x80}
        guest LENGTH, {in al, 0x81}
        guest LENGTH, {in ax, 0x80}
        guest LENGTH, {in eax, 0x7e}
        primary 0x60100000
        mov byte [MSR_MAP + (0x174 >> 3)], 1 << 4
        mov byte [MSR_MAP + 0xc00 + (0x102 >> 3)], 1 << 2
        jmp .reads
.174:   mov ecx, 0x174
        rdmsr
        mov ecx, 0x175
        rdmsr
        vmcall
.175:   mov ecx, 0x175
        rdmsr
        mov ecx, 0xc0000102
        rdmsr
        wrmsr
        vmcall
.high:  mov ecx, 0x40000000
        rdmsr
        vmcall
.reads: mov dword [shown], LENGTH
        call print_line
        mov eax, .174
        call run
        call print_line
        mov eax, .175
        call run
        call print_line
        mov eax, .high
        call run
        mov byte [MSR_MAP + (0x174 >> 3)], 0
        mov byte [MSR_MAP + 0xc00 + (0x102 >> 3)], 0
        call standard_controls
        ret

; Exceptions that the VMM wants to see, with their qualification and error code.
exceptions:
        write 0x4004, -1
        guest 0, ud2
        guest LENGTH, int3
        guest 0, {mov rax, [rbx]}
        guest 0, {mov eax, [0x601000]}
        call print_error
        guest 0, {mov [0x601000], eax}
        call print_error
        guest 0, {mov dx, 0xff0}
        guest 0, div ebx
        guest LENGTH, {db 0xf1}
        guest 0, {mov ax, 0xff8}
        jmp .segments
.segment:
        mov eax, 0xff8
        mov ds, ax
        vmcall
.step:  nop
        vmcall
.segments:
        call print_line
        mov dword [shown], 0
        mov eax, .segment
        call run
        call print_error
        ; A single step.
        write 0x6820, 0x102
        call print_line
        mov eax, .step
        call run
        ; Page faults by error code: mask and match.
        write 0x4004, 0x4000
        write 0x4006, 2
        write 0x4008, 2
        guest 0, {mov [0x601000], eax}
        call print_error
        write 0x4004, 0
        guest 0, {mov eax, [0x601000]}
        call print_error
        call standard_controls
        ret

print_error:
        mov ecx, 0x4406
        vmread rax, rcx
        call print32
        ret

; Masks and shadows of CR0 and CR4.
control_registers:
        write 0x6000, 0x28
        write 0x6004, 0x20
        guest LENGTH, clts
        guest LENGTH, {mov rax, cr0}
        guest LENGTH, {lmsw bx}
        jmp .more
.read:  mov rax, cr0
        mov rbx, cr4
        vmcall
.set:   mov rax, cr0
        or eax, 8
        mov cr0, rax
        vmcall
.own:   mov rax, cr0
        or eax, 2
        mov cr0, rax
        vmcall
.lmsw:  mov eax, 0x9
        lmsw ax
        vmcall
.lmsw_memory:
        mov dword [GSTACK], 0xfff9
        lmsw [GSTACK]
        vmcall
.cr4:   mov rax, cr4
        or eax, 4
        mov cr4, rax
        vmcall
.fixed: mov rax, cr4
        and eax, ~0x2000
        mov cr4, rax
        vmcall
.more:  mov dword [shown], LENGTH
        mov edi, .codes
.next:  call print_line
        mov eax, [rdi]
        push rdi
        call run
        mov rax, cr4
        call print32
        pop rdi
        add edi, 4
        cmp edi, .codes_end
        jb .next
        write 0x6002, 0x2004
        write 0x6006, 0x20
        call print_line
        mov eax, .read
        call run
        call print_line
        mov eax, .cr4
        call run
        write 0x6002, 0
        write 0x4004, 0x2000
        mov dword [shown], 0
        call print_line
        mov eax, .fixed
        call run
        call standard_controls
        ret
        align 4
.codes: dd .read, .set, .own, .lmsw, .lmsw_memory
.codes_end:

; A guest at CPL 3: what leaves all the same, and what faults first.
%macro ring3 2+
        write 0x0802, UCODE
        write 0x0804, UDATA
        write 0x4816, 0xa0fb
        write 0x4818, 0xc0f3
        write 0x4804, 0xffffffff
        jmp %%over
%%code: %2
        ud2
%%over: call print_line
        mov dword [shown], %1
        mov eax, %%code + USER
        call run
%endmacro
levels: write 0x4004, -1
        ring3 LENGTH, vmcall
        ring3 LENGTH, cpuid
        ring3 FULL, vmread rax, rbx
        ring3 LENGTH, vmxoff
        ring3 0, hlt
        ring3 0, rdmsr
        ring3 0, invd
        ring3 0, {mov rax, cr0}
        ring3 0, {in al, 0x21}
        primary 0x81001080
        ring3 0, {in al, 0x21}
        ring3 LENGTH, rdtsc
        ring3 0, hlt
        call standard_controls
        ret

; Interrupt windows, halts and what ends them; the preemption timer.
windows:
        primary 0x80000004
        write 0x6820, 0x202
        guest 0, nop
        primary 0x80000004
        guest 0, {sti}
        primary 0x80000004
        write 0x6820, 0x202
        write 0x4824, 1
        guest 0, nop
        write 0x6820, 0x202
        write 0x4824, 2
        guest 0, nop
        call standard_controls
        pin 0x40
        write 0x482e, 0
        guest 0, nop
        call standard_controls
        ; Blocking by MOV SS in the host.
        call print_line
        mov ecx, 0x6c14
        vmwrite rcx, rsp
        mov eax, ss
        mov ss, eax
        vmx vmresume
        mov eax, ss
        mov ss, eax
        nop
        ret

; Violations and misconfigurations of EPT.
nested_paging:
        call make_ept
        secondary 2
        guest 0, cpuid
        jmp .start
.read:  mov eax, [0x200123]
        vmcall
.write: mov [0x200123], eax
        vmcall
.modify:
        add [0x200123], eax
        vmcall
.fetch: mov eax, 0x200200
        jmp rax
.cross: mov eax, [0x3ffffe]
        vmcall
.walk:  mov rax, cr3
        mov cr3, rax
        mov eax, [0x600000]
        vmcall
        ; The entry of the second 2 MiB, one after another.
.entries:
        dq 0, 1, 2, 3, 4, 5, 6, 7
        dq 0x2000b0, 0x2000b1, 0x2000b2, 0x2000b3, 0x2000b4, 0x2000b5, 0x2000b6, 0x200097, 0x2000c7, 0x2000b7
        dq 0x80000000002000b7, 0x40000002000b7, 0x20008f
.entries_end:
.codes: dd .read, .write, .modify, .fetch
.codes_end:
.start: mov dword [shown], PHYSICAL_ADDRESS
        mov dword [0x200200], 0xc1010f          ; VMCALL
        mov edi, .entries
.entry: mov rax, [rdi]
        mov [EPT + 0x2008], rax
        mov esi, .codes
.code:  call print_line
        push rdi
        push rsi
        mov eax, [rdi]
        call print32
        mov rsi, [rsp]
        mov eax, [rsi]
        ; Of misconfigurations the qualification is undefined.
        call run
        mov eax, 2
        mov qword [pointer], EPT + 0x1e
        mov qword [pointer + 8], 0
        invept rax, [pointer]
        pop rsi
        pop rdi
        add esi, 4
        cmp esi, .codes_end
        jb .code
        add edi, 8
        cmp edi, .entries_end
        jb .entry
        mov qword [EPT + 0x2008], 0x2000b7
        ; A paging structure of the guest that may not be read, nor written.
        mov dword [shown], PHYSICAL_ADDRESS | LINEAR
        mov dword [EPT + 0x2000], EPT + 0x3007
        mov edi, EPT + 0x3000
        mov ecx, 512
        mov eax, 0x37
.page:  mov [rdi], rax
        add rdi, 8
        add eax, 0x1000
        loop .page
        mov dword [EPT + 0x3000 + PT / 0x200], PT + 0x30
        mov dword [PT], 0x28027                 ; accessed, so that it is only read
        call print_line
        mov eax, .walk
        call run
        mov dword [EPT + 0x3000 + PT / 0x200], PT + 0x31
        call print_line
        mov eax, .walk
        call run
        mov dword [EPT + 0x3000 + PT / 0x200], PT + 0x37
        call print_line
        mov eax, .walk
        call run
        ; The page itself.
        mov dword [EPT + 0x3000 + 0x28000 / 0x200], 0
        call print_line
        mov eax, .walk
        call run
        mov dword [EPT + 0x3000 + 0x28000 / 0x200], 0x28037
        ; Accessed and dirty flags.
        write 0x201a, EPT + 0x5e
        call print_line
        mov eax, .write
        call run
        mov rax, [EPT]
        call print64
        mov rax, [EPT + 0x2008]
        call print64
        mov rax, [EPT + 0x3000 + PT / 0x200]
        call print64
        call make_ept
        call standard_controls
        ret

; MSR areas, good and bad.
%macro area 4                   ; address, MSR, low, high
        mov dword [%1], %2
        mov dword [%1 + 4], 0
        mov dword [%1 + 8], %3
        mov dword [%1 + 12], %4
%endmacro
areas:  area MSRS, 0xc0000102, 0, 0
        area MSRS + 16, 0x174, 0, 0
        area MSRS + 0x100, 0xc0000102, 0x11111111, 0x2222
        area MSRS + 0x200, 0xc0000102, 0x33333333, 0x4444
        area MSRS + 0x210, 0xc0000081, 0x55555555, 0x66666666
        write 0x400e, 2
        write 0x4010, 1
        write 0x4014, 2
        guest 0, {nop}
        mov rax, [MSRS + 8]
        call print64
        mov rax, [MSRS + 24]
        call print64
        mov ecx, 0xc0000102
        rdmsr
        call print32
        mov eax, edx
        call print32
        mov ecx, 0xc0000081
        rdmsr
        call print32
        ; Entries that cannot be loaded: exit 34 with their number.
        mov edi, .bad
.next:  call print_line
        mov rax, [rdi]
        mov [MSRS + 0x210], rax
        mov rax, [rdi + 8]
        mov [MSRS + 0x218], rax
        push rdi
        mov eax, .code
        call run
        pop rdi
        add edi, 16
        cmp edi, .bad_end
        jb .next
        mov ecx, 0xc0000081
        xor eax, eax
        xor edx, edx
        wrmsr
        call standard_controls
        ret
.code:  vmcall
        align 16
.bad:   dq 0xc0000100, 0, 0xc0000101, 0
        dq 0x100000174, 0
        dq 0x175, 0x8000000000000000
        dq 0x277, 0x0202020202020202
.bad_end:

; Guests in other modes than the host's.
modes:  call make_ept
        ; 32-bit code in compatibility mode, where there are no VMX instructions but VMCALL.
        write 0x4004, 0x40
        write 0x4816, 0xc09b
        write 0x0802, KCODE32
        jmp .start
        bits 32
.compatible:
        vmcall
.compatible_vmxoff:
        vmxoff
.compatible_cpuid:
        cpuid
        bits 16
.real:  mov eax, cr0
        cpuid
.real_vmxoff:
        vmxoff
.real_vmcall:
        vmcall
        bits 64
.start: mov dword [shown], LENGTH
        call print_line
        mov eax, .compatible
        call run
        mov dword [shown], 0
        write 0x4816, 0xc09b
        write 0x0802, KCODE32
        call print_line
        mov eax, .compatible_vmxoff
        call run
        mov edi, .reals
.next:  call print_line
        push rdi
        ; Real mode needs EPT and unrestricted guest.
        secondary 0x82
        control 0x4012, 0x490, 0
        write 0x6800, 0x30
        write 0x6802, 0
        write 0x6804, 0x2000
        write 0x2806, 0
        mov esi, .real_fields
        call write_fields
        mov eax, [rdi]
        call run
        ; The control follows the guest's mode; here it stays out of long mode.
        mov ecx, 0x4012
        vmread rax, rcx
        and eax, 0x200
        call print32
        pop rdi
        add edi, 4
        cmp edi, .reals_end
        jb .next
        call standard_controls
        ret
        align 4
.reals: dd .real, .real_vmxoff, .real_vmcall
.reals_end:
.real_fields:
        field 0x4004, 0x40
        field 0x0800, 0
        field 0x0802, 0
        field 0x0804, 0
        field 0x0806, 0
        field 0x0808, 0
        field 0x080a, 0
        field 0x4800, 0xffff
        field 0x4802, 0xffff
        field 0x4804, 0xffff
        field 0x4806, 0xffff
        field 0x4808, 0xffff
        field 0x480a, 0xffff
        field 0x4814, 0x93
        field 0x4816, 0x9b
        field 0x4818, 0x93
        field 0x481a, 0x93
        field 0x481c, 0x93
        field 0x481e, 0x93
        field 0x4812, 0x3ff
        dd -1

invalidations:
        mov qword [pointer + 8], 0
        mov rbx, EPT + 0x1e
        mov edi, 0
.ept:   mov [pointer], rbx
        mov rax, rdi
        on_line invept rax, [pointer]
        mov qword [pointer], EPT + 0x1a
        vmx invept rax, [pointer]
        mov qword [pointer], EPT + 0x16
        vmx invept rax, [pointer]
        inc edi
        cmp edi, 4
        jb .ept
        mov edi, 0
.vpid:  mov eax, edi
        mov qword [pointer], 1
        mov qword [pointer + 8], 0x1000
        on_line invvpid rax, [pointer]
        mov qword [pointer], 0
        vmx invvpid rax, [pointer]
        mov qword [pointer], 0x10001
        vmx invvpid rax, [pointer]
        mov qword [pointer], 1
        bts qword [pointer + 8], 63
        vmx invvpid rax, [pointer]
        inc edi
        cmp edi, 5
        jb .vpid
        mov eax, 1
        trying invept rax, [0x601000]
        mov eax, 1
        trying invvpid rax, [0x601000]
        mov qword [pointer + 8], 0
        ret

; Events that an entry delivers through the guest's IDT: its handlers print them, and go on at the guest code.
%macro injected 3               ; information, error code, instruction length
        call print_line
        mov dword [shown], 0
        mov qword [resume_rip], after_event
        mov qword [resume_rsp], GSTACK - 0x400
        write 0x4016, %1
        write 0x4018, %2
        write 0x401a, %3
        mov eax, before_event
        call run
%endmacro
before_event:
        nop
        vmcall
after_event:
        cpuid
injections:
        write 0x6820, 0x202
        injected 0x80000040, 0, 0
        injected 0x80000300, 0, 0
        injected 0x80000306, 0, 0
        injected 0x80000b0d, 0x1234, 0
        injected 0x80000b0e, 3, 0
        injected 0x80000b08, 0, 0
        injected 0x80000301, 0, 0
        injected 0x80000440, 0, 2
        injected 0x80000603, 0, 1
        injected 0x80000604, 0, 1
        injected 0x80000501, 0, 1
        injected 0x80000447, 0, 2
        ; Through a gate that is not there, seen by the VMM.
        write 0x4004, -1
        injected 0x80000447, 0, 2
        write 0x4812, 0x7f
        injected 0x80000b0d, 0x1234, 0
        write 0x4812, 0x7f
        write 0x6820, 0x202
        injected 0x80000040, 0, 0
        call standard_controls
        ; Into a guest that is halted.
        write 0x6820, 0x202
        write 0x4826, 1
        injected 0x80000040, 0, 0
        ret

; One change of a good VMCS at a time: the error number, or the exit, that it gives.
checks: mov edi, broken
.next:  mov ecx, [rdi]
        cmp ecx, -1
        je .done
        call print_line
        mov eax, ecx
        call print16
        mov rax, [rdi + 4]
        call print64
        mov rdx, [rdi + 4]
        mov ecx, [rdi]
        vmwrite rcx, rdx
        mov dword [shown], 0
        push rdi
        mov eax, before_event
        cmp dword [rdi], 0x681e
        je .own_rip
        call run
        jmp .ran
.own_rip:
        call enter
.ran:   call standard_controls
        call standard_host
        call standard_guest
        pop rdi
        add edi, 12
        jmp .next
.done:  ret

broken: field 0x4000, 0
        field 0x4000, 0x80000016
        field 0x4002, 0
        field 0x400c, 0
        field 0x400c, 0x236fff1
        field 0x4012, 0
        field 0x4012, 0x91fb
        field 0x400a, 5
        field 0x400e, 1
        field 0x4014, 0
        field 0x4016, 0x80000100
        field 0x4016, 0x80000203
        field 0x4016, 0x80000320
        field 0x4016, 0x8000030e
        field 0x4016, 0x80000b06
        field 0x4016, 0x80001020
        field 0x4016, 0x80000040                ; IF is 0
        ; Host state.
        field 0x6c00, 0x31
        field 0x6c00, 0x80000011
        field 0x6c00, 0x180000031
        field 0x6c02, 1 << 52
        field 0x6c04, 0x20
        field 0x6c04, 0x2000
        field 0x6c04, 0x80002020
        field 0x0c00, 0x13
        field 0x0c02, 0x0c
        field 0x0c02, 0
        field 0x0c04, 0
        field 0x0c06, 0x11
        field 0x0c08, 0x14
        field 0x0c0a, 0x12
        field 0x0c0c, 0
        field 0x0c0c, 0x43
        field 0x6c06, 1 << 47
        field 0x6c08, 1 << 47
        field 0x6c0a, 1 << 47
        field 0x6c0c, 1 << 47
        field 0x6c0e, 1 << 47
        field 0x6c10, 1 << 47
        field 0x6c12, 1 << 47
        field 0x6c16, 1 << 47
        ; Guest state.
        field 0x6800, 0x31
        field 0x6800, 0x80000011
        field 0x6800, 0x80000030
        field 0x6802, 1 << 52
        field 0x6804, 0x20
        field 0x6804, 0x2000
        field 0x6804, 0x80002020
        field 0x6820, 0
        field 0x6820, 0x8002
        field 0x6820, 0x400002
        field 0x6820, 0x20002
        field 0x681e, 1 << 47
        field 0x6808, 1
        field 0x6808, 1 << 32
        field 0x680a, 1 << 32
        field 0x680c, 1 << 32
        field 0x680e, 1 << 47
        field 0x6810, 1 << 47
        field 0x6812, 1 << 47
        field 0x6814, 1 << 47
        field 0x6816, 1 << 47
        field 0x6818, 1 << 47
        field 0x6824, 1 << 47
        field 0x6826, 1 << 47
        field 0x4810, 0x10000
        field 0x4812, 0x10000
        field 0x0802, 0x0b
        field 0x0802, 0x0c
        field 0x0804, 0x13
        field 0x080e, 0x44
        field 0x4802, 0xfffffffe
        field 0x4802, 0
        field 0x4804, 0x1ffff
        field 0x4806, 0xfff
        field 0x480e, 0x100000
        field 0x4816, 0xa093
        field 0x4816, 0xa08b
        field 0x4816, 0xa09a
        field 0x4816, 0xa01b
        field 0x4816, 0xa0bb
        field 0x4816, 0xe09b
        field 0x4816, 0xa19b
        field 0x4816, 0x1a09b
        field 0x4816, 0xa09f
        field 0x4818, 0xc091
        field 0x4818, 0xc09b
        field 0x4818, 0xc083
        field 0x4818, 0xc013
        field 0x4818, 0xc0b3
        field 0x4818, 0x10000
        field 0x481a, 0xc099
        field 0x481a, 0xc09b
        field 0x481a, 0xc092
        field 0x481a, 0xc083
        field 0x481a, 0x10000
        field 0x481a, 0xc0f3
        field 0x481c, 0xc391
        field 0x4820, 0x82
        field 0x4820, 0x83
        field 0x4820, 0x02
        field 0x4820, 0x92
        field 0x4822, 0x89
        field 0x4822, 0x83
        field 0x4822, 0x9b
        field 0x4822, 0x0b
        field 0x4822, 0x1008b
        field 0x6822, 0x4000                    ; a single step, which comes before the first instruction
        field 0x6822, 0x10
        field 0x6822, 0x2000
        field 0x6822, 0x8000
        field 0x6812, 1 << 47
        field 0x4824, 1
        field 0x4824, 3
        field 0x4824, 4
        field 0x4824, 0x20
        field 0x4824, 8
        field 0x4826, 4
        field 0x2800, 0
        dd -1
