; Grants and event channels: how paravirtual devices work. Who owns a page lets another domain map it, and an event says that
; there is something in it. Xen checks both.
;
; There is one domain here, which is both ends: the front grants its page and sends; the back, which hears of that by an upcall,
; maps the page to read it, prints what it finds, and lets go of it.

%pragma ringside mode xen
%pragma ringside technique paravirtualization
%pragma ringside ends shutdown
%pragma ringside output from another page\n

SET_CALLBACKS     equ 4
UPDATE_VA_MAPPING equ 14
CONSOLE_IO        equ 18
GRANT_TABLE_OP    equ 20
PV_IRET           equ 23
SCHED_OP          equ 29
EVENT_CHANNEL_OP  equ 32

ORIGIN            equ 100000h
KERNEL_CODE       equ 0E019h
SHARED_INFO       equ 36                ; offsets in start_info: a machine address,
FRAME_LIST        equ 68                ; and the list of the guest's machine frames
UPCALL_PENDING    equ 0                 ; offsets in the shared page
PENDING_SELECTOR  equ 4
PENDING           equ 2048
REFERENCE         equ 8                 ; the entry of the grant table that is used
READ_ONLY_ACCESS  equ 1 | 4             ; its flags: permit_access, readonly

%macro hypercall 1
        mov eax, %1
        int 82h
%endmacro
%macro map_page 1                       ; at %1, the page table entry in ECX
        mov ebx, %1
        xor edx, edx
        mov esi, 2                      ; INVLPG
        hypercall UPDATE_VA_MAPPING
%endmacro

        org ORIGIN
        bits 32

        mov ebp, [esi + FRAME_LIST]
        mov ecx, [esi + SHARED_INFO]
        or ecx, 3                       ; present, writable
        map_page shared
        mov ebx, KERNEL_CODE
        mov ecx, upcall
        mov edx, KERNEL_CODE
        mov esi, failed
        hypercall SET_CALLBACKS

        mov ebx, 2                      ; setup_table: Xen makes a grant table of one page,
        mov ecx, setup
        mov edx, 1
        hypercall GRANT_TABLE_OP
        mov ecx, [setup.frame]          ; which the guest maps to write its entries
        shl ecx, 12
        or ecx, 3
        map_page table

        mov ebx, 6                      ; alloc_unbound: the front's port
        mov ecx, front
        hypercall EVENT_CHANNEL_OP
        mov eax, [front.port]
        mov [back.remote], eax
        mov ebx, 0                      ; bind_interdomain: the back's, which leads to it
        mov ecx, back
        hypercall EVENT_CHANNEL_OP
        mov ebx, 9                      ; unmask
        mov ecx, back.port
        hypercall EVENT_CHANNEL_OP

        mov eax, [ebp + (ORIGIN + message - $$ >> 12) * 4]      ; the front: domain 0 may read its page
        mov [table + REFERENCE * 8 + 4], eax
        mov dword [table + REFERENCE * 8], READ_ONLY_ACCESS
        mov ebx, 4                      ; send: there is something in it
        mov ecx, front.port
        hypercall EVENT_CHANNEL_OP
        mov ebx, 1                      ; block: lets upcalls through
        hypercall SCHED_OP

        mov ebx, 2                      ; shutdown
        mov ecx, zero
        hypercall SCHED_OP

; The back hears of an event. On the stack: EIP, CS, EFLAGS.
upcall: pushad
        mov byte [shared + UPCALL_PENDING], 0
        xor eax, eax
        xchg eax, [shared + PENDING_SELECTOR]
        xor eax, eax
        xchg eax, [shared + PENDING]
        mov ebx, [back.port]
        bt eax, ebx
        jnc .end
        xor ebx, ebx                    ; map_grant_ref
        mov ecx, map
        mov edx, 1
        hypercall GRANT_TABLE_OP
        xor ebx, ebx                    ; write
        mov ecx, length
        mov edx, window
        hypercall CONSOLE_IO
        mov eax, [map.handle]
        mov [unmap.handle], eax
        mov ebx, 1                      ; unmap_grant_ref
        mov ecx, unmap
        mov edx, 1
        hypercall GRANT_TABLE_OP
.end:   popad
        push eax
        hypercall PV_IRET

failed: ud2

zero:   dd 0
setup:  dw 0, 0                         ; dom
        dd 1                            ; nr_frames
        dw 0, 0                         ; status
        dd .frame                       ; frame_list
.frame: dd 0
front:  dw 0, 0                         ; dom, remote_dom
.port:  dd 0
back:   dw 0, 0                         ; remote_dom
.remote: dd 0                           ; remote_port
.port:  dd 0                            ; local_port
map:    dq window                       ; host_addr
        dd 2 | 4                        ; GNTMAP_host_map, GNTMAP_readonly
        dd REFERENCE
        dw 0, 0                         ; dom, status
.handle: dd 0
        dq 0                            ; dev_bus_addr
unmap:  dq window, 0
.handle: dd 0
        dw 0, 0                         ; status

        align 4096
shared: times 4096 db 0
table:  times 4096 db 0
window: times 4096 db 0
message: db "from another page", 10
length  equ $ - message
