; Lab 6: extended page tables. The guest-physical memory that `build_ept` is to make, in pages of 4 KiB, write-back:
;
;   0 to 0FFFFFh           the guest's memory, at GUEST_BASE, all rights
;   100000h to 13FFFFh     the guest's memory, at GUEST_BASE + 100000h, mapped at the first touch, for reading and writing
;   140000h to 17FFFFh     the guest's memory, at GUEST_BASE + 140000h, for reading and writing, from the beginning
;   180000h                the page SHARED, for reading; at a write the guest gets a copy, at GUEST_BASE + 180000h
;   1C0000h                an entry that is writable and not readable, for GUEST_BASE + 1C0000h; repaired when the guest comes to it
;   all else               not mapped, ever: jump to `refuse` at a violation there
;
; A fetch that is refused: the guest goes on behind the CALL that led there, as if RET had been there.
;
; There is room for tables at EPT and behind it, and the pointer in the VMCS says that the top one is at EPT.

build_ept:
        ret

; The guest was refused the access to guest-physical RDI; RSI is the exit qualification (SDM Vol. 3, table 28-7).
on_violation:
        jmp refuse

; The guest met an entry for guest-physical RDI that the processor does not take.
on_misconfiguration:
        jmp refuse

; How many memory references a translation takes with nothing cached, and the guest's access itself not counted.
answers:
.both4: db 0                            ; guest: 4 levels, 4 KiB; EPT: 4 levels, 4 KiB
.large_guest: db 0                      ; guest: a page of 2 MiB; EPT: 4 KiB
.large_ept: db 0                        ; guest: 4 KiB; EPT: pages of 2 MiB
.both2: db 0                            ; both 2 MiB
.shadow: db 0                           ; 4 levels, 4 KiB, without EPT: shadow paging
