; Lab 5: a kernel that manages memory as if that cost nothing. On the bare machine it hardly does. Under shadow paging each of its
; habits is an exit, or several. It must go on printing the same; how often it leaves the guest is up to you.
;
; Its memory: the first 4 MiB are mapped to themselves. Frames that it uses for pages are from FRAMES up. It looks at them
; through pages at WINDOW. Two processes each have a page of their own, at PRIVATE.

%pragma ringside mode protected
%pragma ringside technique vtx-shadow
%pragma ringside memory 8

%ifndef PAGES
%define PAGES 32                        ; frames to be filled, at most 256
%endif
%ifndef TURNS
%define TURNS 16                        ; turns of each process
%endif
%ifndef SEED
%define SEED 0                          ; changes what is written
%endif

DIRECTORY   equ 20000h                  ; page directory of the kernel
LOW_TABLE   equ 21000h                  ; page table of the first 4 MiB
TABLE       equ 22000h                  ; page table of the window
SPACES      equ 23000h                  ; for each process: page directory, page table
FRAMES      equ 200000h
PRIVATES    equ 600000h                 ; frames of the private pages
WINDOW      equ 400000h
PRIVATE     equ 800000h
COUNTER     equ DIRECTORY + 0FFCh       ; of events: the directory has room at its end
READ        equ 1                       ; page-table entries: present
WRITE       equ 3                       ; present, writable

        org 8000h
        bits 32

start:  mov esp, 70000h
        call build
        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, cr0
        or eax, 80010000h               ; PG, WP
        mov cr0, eax
        call fill
        mov esi, text.fill
        call report
        call sum
        mov esi, text.sum
        call report
        call run
        mov esi, text.run
        call report
        call counted
        mov esi, text.events
        call report
        cli
        hlt

; The kernel's page tables, and those of the processes, which have the kernel's first 4 MiB too.
build:  mov dword [DIRECTORY], LOW_TABLE | WRITE
        mov dword [DIRECTORY + WINDOW / 400000h * 4], TABLE | WRITE
        mov edi, LOW_TABLE
        mov eax, WRITE
        mov ecx, 1024
.page:  stosd
        add eax, 1000h
        loop .page
        mov edi, SPACES
        mov eax, PRIVATES | WRITE
.space: mov dword [edi], LOW_TABLE | WRITE
        lea edx, [edi + 1000h + WRITE]
        mov [edi + PRIVATE / 400000h * 4], edx
        mov [edi + 1000h], eax
        add edi, 2000h
        add eax, 1000h
        cmp edi, SPACES + 4000h
        jb .space
        ret

; Maps frame ECX in the window with the rights EDX. EDI = where.
map:    mov eax, ecx
        shl eax, 12
        lea eax, [eax + FRAMES + edx]
        mov [TABLE], eax
        mov edi, WINDOW
        jmp flush

unmap:  mov dword [TABLE], 0
flush:  mov eax, cr3
        mov cr3, eax
        ret

; An event in the kernel's statistics: a frame filled or added up, or a turn.
count:  add dword [COUNTER], 1000h      ; bit 0 stays 0: the entry is not present
        ret

; EAX = how many there were.
counted:
        mov eax, [COUNTER]
        shr eax, 12
        ret

; Fills each frame with numbers of its own. EAX = the last one.
fill:   xor ecx, ecx
.frame: mov edx, WRITE
        call map
        imul eax, ecx, 12345h
        add eax, SEED
        push ecx
        mov ecx, 1024
.word:  mov [edi], eax
        add edi, 4
        add eax, 7
        loop .word
        pop ecx
        push eax
        call unmap
        call count
        pop eax
        inc ecx
        cmp ecx, PAGES
        jb .frame
        ret

; Adds up each frame, and leaves the sum in its first word. EAX = the exclusive or of all sums.
sum:    xor ebx, ebx
        xor ecx, ecx
.frame: mov edx, READ
        call map
        xor eax, eax
        xor edx, edx
.word:  add eax, [edi + edx * 4]
        inc edx
        cmp edx, 1024
        jb .word
        xor ebx, eax
        push eax
        mov edx, WRITE
        call map
        pop eax
        mov [edi], eax
        call unmap
        call count
        inc ecx
        cmp ecx, PAGES
        jb .frame
        mov eax, ebx
        ret

; The processes take turns. EAX = what both have counted to, added up in an order that matters.
run:    xor ebx, ebx
        xor ecx, ecx
.turn:  mov esi, SPACES
.next:  mov cr3, esi                    ; its address space
        mov eax, [PRIVATE]
        inc eax
        mov [PRIVATE], eax
        imul ebx, ebx, 3
        add ebx, eax
        mov eax, DIRECTORY              ; back to the kernel's, to count
        mov cr3, eax
        call count
        add esi, 2000h
        cmp esi, SPACES + 4000h
        jb .next
        inc ecx
        cmp ecx, TURNS
        jb .turn
        mov eax, ebx
        ret

; Prints the text at ESI and EAX.
report: mov ebx, eax
        mov edx, 3F8h
.next:  lodsb
        test al, al
        jz .number
        out dx, al
        jmp .next
.number:
        mov ecx, 8
.digit: rol ebx, 4
        mov eax, ebx
        and eax, 0Fh
        mov al, [digits + eax]
        out dx, al
        loop .digit
        mov al, 10
        out dx, al
        ret

digits: db "0123456789ABCDEF"
text:
.fill:  db "fill   ", 0
.sum:   db "sum    ", 0
.run:   db "run    ", 0
.events: db "events ", 0

; What the kernel did for each frame in `sum` before you changed anything: how many shadow events of each class.
answers:
.trace: db 0                            ; trace/protected
.resync: db 0                           ; resync
.cr3:   db 0                            ; CR3 load
.missing: db 0                          ; missing shadow
