/*
 * What 32-bit guests do first, as parts of a source: tables for paging (the directory at 20000h, the page table of its first
 * entry at 21000h), gates for interrupts, the timer, and the way to ring 3.
 */

/** The first 4 MiB, or fewer pages, mapped to themselves, writable and for every ring. Changes EAX, ECX and EDI. */
export const identityTables = (pages = "400h"): string => `
        mov dword [20000h], 21007h
        mov edi, 21000h
        mov eax, 7
        mov ecx, ${pages}
.fill:  stosd
        add eax, 1000h
        loop .fill`;

/** Paging turned on with the directory at 20000h, and the bits that CR0 gets with it: PG alone unless told. Changes EAX. */
export const pagingOn = (cr0 = "80000000h"): string => `
        mov eax, 20000h
        mov cr3, eax
        mov eax, cr0
        or eax, ${cr0}
        mov cr0, eax`;

export const identityPaging = identityTables() + pagingOn();

/** Only the page of the guest's code and those at 40000h and 41000h mapped, paging turned on, the one page copied to the other's first bytes. */
export const fewPagesGuest = `
%pragma ringside mode protected
        org 8000h
        bits 32
        mov dword [20000h], 21000h + 3  ; page directory: one table
        mov dword [21000h + 8 * 4], 8000h + 3
        mov dword [21000h + 40h * 4], 40000h + 3
        mov dword [21000h + 41h * 4], 41000h + 3
${pagingOn()}
        mov eax, [40000h]
        mov [41000h], eax
        cli
        hlt
`;

/** An interrupt gate in the table `idt`, to code segment 8, that INT can use from this ring inwards. */
export const gate = (handler: string, vector = "30", ring: 0 | 3 = 3): string => `
        mov dword [idt + ${vector} * 8], ${handler}
        mov word [idt + ${vector} * 8 + 2], 8
        mov word [idt + ${vector} * 8 + 4], ${ring === 3 ? "0EE00h" : "8E00h"}
        mov word [idt + ${vector} * 8 + 6], 0`;

/** Ticks of the timer at vector 20h, one in so many of its clocks of 838 ns: the 8259 with only IRQ 0 let through, PIT channel 0. Changes AL. */
export const timerTicks = (clocks: number, mode: "rate" | "square wave" = "rate"): string => `
        mov al, 11h
        out 20h, al
        mov al, 20h
        out 21h, al
        mov al, 4
        out 21h, al
        mov al, 1
        out 21h, al
        mov al, 0FEh
        out 21h, al
        mov al, ${mode === "rate" ? "34h" : "36h"}
        out 43h, al
        mov al, ${clocks & 0xff}
        out 40h, al
        mov al, ${clocks >> 8}
        out 40h, al`;

/** On to a label in ring 3, with the selectors of `guestWithTables`. */
export const toRing3 = (label: string, stack: string, flags: string): string => `
        push dword 23h
        push dword ${stack}
        push dword ${flags}
        push dword 1Bh
        push dword ${label}
        iretd`;
