; Lab 3, solved: what was a privileged instruction is a hypercall, and what were many are one.

%pragma ringside mode xen
%pragma ringside technique paravirtualization
%pragma ringside memory 8

%ifndef PAGES
%define PAGES 16
%endif
PRESENT     equ 1
WRITABLE    equ 2

; Hypercalls: number in EAX, arguments in EBX, ECX, EDX, ESI.
SET_TRAP_TABLE    equ 0
MMU_UPDATE        equ 1
SET_CALLBACKS     equ 4
UPDATE_VA_MAPPING equ 14
SET_TIMER_OP      equ 15
CONSOLE_IO        equ 18
PV_IRET           equ 23
VCPU_OP           equ 24
SCHED_OP          equ 29
EVENT_CHANNEL_OP  equ 32

KERNEL_CODE       equ 0E019h
DOMID_SELF        equ 7FF0h
SHARED_INFO       equ 36                ; offsets in start_info
PT_BASE           equ 60
MFN_LIST          equ 68
MACHINE_TO_PHYSICAL equ 0F5800000h      ; for each machine frame its pseudo-physical number
UPCALL_PENDING    equ 0                 ; offsets in the shared page: bytes of vcpu_info
PENDING_SELECTOR  equ 4
FAULT_ADDRESS     equ 8                 ; CR2
SYSTEM_TIME       equ 32 + 16
PENDING           equ 2048
PERIOD            equ 1000000           ; ns

        org 100000h
        bits 32

start:  mov [start_info], esi
        mov esp, stack
        mov esi, text.start
        call print
        call set_handlers
        call map_shared
        call set_timer
        call fill
        call reverse
        mov esi, text.reversed
        call is_reversed
        je .say
        mov esi, text.not_reversed
.say:   call print
        inc dword [window]              ; read-only: a page fault, after which it is writable
        mov esi, text.written
        call print
        mov ecx, 3
.sleep: call wait_for_tick
        mov esi, text.tick
        call print
        loop .sleep
        mov esi, text.end
        call print
        mov eax, SCHED_OP
        mov ebx, 2                      ; shutdown
        mov ecx, zero                   ; power off
        int 82h

; Exceptions: a table that Xen reads. Events: one function for all of them.
set_handlers:
        mov eax, SET_TRAP_TABLE
        mov ebx, traps
        int 82h
        mov eax, SET_CALLBACKS
        mov ebx, KERNEL_CODE
        mov ecx, upcall
        mov edx, KERNEL_CODE
        mov esi, failed
        int 82h
        ret

; The page that Xen and the guest share, at a page of ours.
map_shared:
        mov ecx, [start_info]
        mov ecx, [ecx + SHARED_INFO]
        or ecx, PRESENT | WRITABLE
        mov ebx, shared
        xor edx, edx
        mov esi, 2                      ; INVLPG
        mov eax, UPDATE_VA_MAPPING
        int 82h
        ret

; A number in each page of `pages`.
fill:   mov edi, pages
        mov eax, 1111h
.page:  mov [edi], eax
        add eax, 1111h
        add edi, 1000h
        cmp edi, pages + PAGES * 1000h
        jb .page
        ret

; The pages at `window` become those at `pages`, in reverse order, and read-only: all entries by one hypercall.
reverse:
        mov esi, window
        call entry_of
        mov ebx, eax                    ; machine address of the first entry
        mov edi, requests
        mov edx, pages + (PAGES - 1) * 1000h
.page:  mov [edi], ebx
        call machine
        or eax, PRESENT
        mov [edi + 8], eax
        add edi, 16
        add ebx, 8
        sub edx, 1000h
        cmp edx, pages
        jae .page
        mov ebx, requests
        mov ecx, PAGES
        xor edx, edx
        mov esi, DOMID_SELF
        mov eax, MMU_UPDATE
        int 82h
        mov eax, 26                     ; mmuext_op: the old translations may be in the TLB
        mov ebx, flush
        mov ecx, 1
        xor edx, edx
        mov esi, DOMID_SELF
        int 82h
        ret

; EAX = machine address of the page at EDX.
machine:
        mov eax, [start_info]
        mov eax, [eax + MFN_LIST]
        push edx
        shr edx, 12
        mov eax, [eax + edx * 4]
        pop edx
        shl eax, 12
        ret

; EAX = machine address of the entry that maps ESI, an address in the first GiB: two levels down from the base.
entry_of:
        mov eax, [start_info]
        mov eax, [eax + PT_BASE]
        mov eax, [eax]                  ; page-directory-pointer entry 0
        call pseudo_physical
        mov edx, esi
        shr edx, 21
        mov eax, [eax + edx * 8]
        and eax, -1000h
        mov edx, esi
        shr edx, 12
        and edx, 1FFh
        lea eax, [eax + edx * 8]
        ret

; EAX = where the frame of the entry EAX is in the guest's first megabytes.
pseudo_physical:
        shr eax, 12
        mov eax, [MACHINE_TO_PHYSICAL + eax * 4]
        shl eax, 12
        ret

; ZF if they are.
is_reversed:
        mov edi, window
        mov eax, PAGES * 1111h
.page:  cmp [edi], eax
        jne .end
        add edi, 1000h
        sub eax, 1111h
        jnz .page
.end:   ret

; #PF: on the stack error code, EIP, CS, EFLAGS. The page becomes writable.
page_fault:
        pushad
        mov esi, text.fault
        call print
        mov ebx, [shared + FAULT_ADDRESS]
        and ebx, -1000h
        mov edx, pages + (PAGES - 1) * 1000h
        sub edx, ebx
        add edx, window
        call machine
        lea ecx, [eax + PRESENT + WRITABLE]
        xor edx, edx
        mov esi, 2                      ; INVLPG
        mov eax, UPDATE_VA_MAPPING
        int 82h
        popad
        add esp, 4
        iretd

; No ticker; the virtual timer at an event channel.
set_timer:
        mov eax, VCPU_OP
        mov ebx, 7                      ; stop_periodic_timer
        xor ecx, ecx
        int 82h
        mov eax, EVENT_CHANNEL_OP
        mov ebx, 1                      ; bind_virq
        mov ecx, bind
        int 82h
        mov eax, EVENT_CHANNEL_OP
        mov ebx, 9                      ; unmask
        mov ecx, bind.port
        int 82h
        ret

wait_for_tick:
        push ecx
        mov eax, SET_TIMER_OP
        mov ebx, [shared + SYSTEM_TIME]
        mov ecx, [shared + SYSTEM_TIME + 4]
        add ebx, PERIOD
        adc ecx, 0
        int 82h
        mov byte [ticked], 0
.again: mov eax, SCHED_OP
        mov ebx, 1                      ; block: unmasks the upcall, and waits
        xor ecx, ecx
        int 82h
        cmp byte [ticked], 0
        je .again
        pop ecx
        ret

; The upcall: Xen has masked further ones. On the stack: EIP, CS, EFLAGS.
upcall: pushad
        mov byte [shared + UPCALL_PENDING], 0   ; first this, then look: or an event is lost
        xor eax, eax
        xchg eax, [shared + PENDING_SELECTOR]
        xor eax, eax
        xchg eax, [shared + PENDING]    ; bit n: port n
        mov ebx, [bind.port]
        bt eax, ebx
        jnc .end
        mov byte [ticked], 1
.end:   popad
        push eax                        ; iret takes EAX from the stack, and unmasks by the IF in EFLAGS
        mov eax, PV_IRET
        int 82h

failed: ud2

; Prints the text at ESI.
print:  push ecx
        mov ecx, -1
.length:
        inc ecx
        cmp byte [esi + ecx], 0
        jne .length
        mov edx, esi
        xor ebx, ebx                    ; write
        mov eax, CONSOLE_IO
        int 82h
        pop ecx
        ret

ticked: db 0
text:
.start: db "start", 10, 0
.reversed: db "reversed", 10, 0
.not_reversed: db "not reversed", 10, 0
.fault: db "page fault", 10, 0
.written: db "written", 10, 0
.tick:  db "tick", 10, 0
.end:   db "end", 10, 0

        align 8
start_info: dd 0
zero:   dd 0
bind:   dd 0                            ; VIRQ_TIMER
        dd 0                            ; of vCPU 0
.port:  dd 0                            ; gets the port
flush:  dd 6, 0, 0, 0                   ; TLB_FLUSH_LOCAL
traps:  db 14, 0
        dw KERNEL_CODE
        dd page_fault, 0, 0
requests: times PAGES dq 0, 0           ; address of an entry, entry

        times 1024 db 0
stack:
        align 4096
shared: times 4096 db 0
pages:  times PAGES * 4096 db 0
window: times PAGES * 4096 db 0
