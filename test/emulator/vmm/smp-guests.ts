/** Guests with four processors; each prints what comes out the same however they are interleaved. */
import { smp } from "../machine/smp-program.ts";

const all = `
.wait:  pause
        cmp dword [count], 3
        jb .wait`;

const idt = `
        mov dword [idt + 40h * 8], (handler - $$) + 80000h
        mov dword [idt + 40h * 8 + 4], 00108E00h
        lidt [idtr]`;
const table = `
        align 8
idt:    times 65 dq 0
idtr:   dw $ - idt - 1
        dd idt`;
const say = (place: string): string => `
        mov al, '0'
        add al, [${place}]
        out 0E9h, al`;

/** A ticket lock: each takes a number with LOCK XADD, and waits until it is served. */
const locked = `
        mov ecx, 300
.add:   mov eax, 1
        lock xadd [ticket], eax
.spin:  cmp eax, [serving]
        je .mine
        pause
        jmp .spin
.mine:  mov eax, [sum]
        inc eax
        mov [sum], eax
        inc dword [serving]
        loop .add
        lock inc dword [count]
        jmp stop
ticket: dd 0
serving: dd 0
`;

/** Paging with 4 MiB pages, and one page at 400000h by a table, through the first two entries of `directory`. */
const paging = `
        mov eax, cr4
        or al, 10h
        mov cr4, eax
        mov eax, 300000h
        mov cr3, eax
        mov eax, cr0
        or eax, 80010000h
        mov cr0, eax`;

export interface SmpGuest {
  readonly name: string;
  readonly text: string;
  readonly output: string;
}

export const smpGuests: readonly SmpGuest[] = [
  { name: "starts the others", text: smp(`${all}${say("count")}`, "lock inc dword [count]"), output: "3" },
  {
    name: "adds under a ticket lock",
    text: smp(
      `${all}
        cmp dword [sum], 900
        mov al, '='
        je .say
        mov al, '<'
.say:   out 0E9h, al`,
      locked,
    ),
    output: "=",
  },
  {
    name: "wakes halted processors, which answer in turn",
    text: smp(
      `
.ready: cmp dword [sum], 3
        jb .ready
        mov ecx, 5
.send:  mov edx, [count]
        add edx, 3
        mov dword [apic + 300h], 0C4040h
.wait:  pause
        cmp [count], edx
        jb .wait
        loop .send${say("count")}`,
      `${idt}
        lock inc dword [sum]
        sti
.sleep: hlt
        jmp .sleep
handler: push eax
        lock inc dword [count]
        mov dword [apic + 0B0h], 0
        pop eax
        iret${table}`,
    ),
    output: "?",
  },
  {
    name: "shoots translations down",
    text: smp(
      `
        mov edi, 300000h
        xor eax, eax
        mov ecx, 2048
        rep stosd
        mov dword [300000h], 83h
        mov dword [300004h], 301003h
        mov dword [300FECh], 0FEC00093h
        mov dword [301000h], 302003h
        mov dword [302000h], 'A'
        mov dword [303000h], 'B'
        ${paging}
        mov dword [sum], 1
${all}
        mov dword [301000h], 303003h
        invlpg [400000h]
        mov dword [apic + 300h], 0C4040h
.acked: pause
        cmp dword [count], 6
        jb .acked
        mov dword [sum], 2
.said:  pause
        cmp dword [count], 9
        jb .said
        mov al, [400000h]
        out 0E9h, al`,
      `
.ready: pause
        cmp dword [sum], 1
        jb .ready
        ${paging}${idt}
        mov al, [400000h]
        cmp al, 'A'
        jne stop
        lock inc dword [count]
        sti
.wait:  pause
        cmp dword [sum], 2
        jb .wait
        mov al, [400000h]
        out 0E9h, al
        lock inc dword [count]
        jmp stop
handler: invlpg [400000h]
        lock inc dword [count]
        mov dword [apic + 0B0h], 0
        iret${table}`,
    ),
    output: "BBBB",
  },
  {
    name: "remaps pages of one table on all processors at once",
    text: smp(
      `
        mov edi, 300000h
        xor eax, eax
        mov ecx, 2048
        rep stosd
        mov dword [300000h], 83h
        mov dword [300004h], 301003h
        mov dword [300FECh], 0FEC00093h
        mov dword [sum], 1
${all}
        cmp dword [errors], 0
        mov al, '='
        je .say
        mov al, '<'
.say:   out 0E9h, al`,
      `
.ready: pause
        cmp dword [sum], 1
        jb .ready
        ${paging}
        mov esi, ebx
        shl esi, 12
        add esi, 400000h        ; its own page, through its own entry of the table at 301000h
        mov ebp, ebx
        shl ebp, 13
        add ebp, 310003h        ; mapped to one of two frames
        mov ecx, 60
.again: mov eax, ecx
        and eax, 1
        shl eax, 12
        add eax, ebp
        mov [301000h + ebx * 4], eax
        invlpg [esi]
        mov [esi], eax
        and eax, 0FFFFF000h
        mov edx, [eax]          ; the frame itself, through the large page
        or eax, 3
        cmp edx, eax
        je .right
        lock inc dword [errors]
.right: mov edx, [esi]
        cmp edx, eax
        je .same
        lock inc dword [errors]
.same:  loop .again
        lock inc dword [count]
        jmp stop
errors: dd 0
`,
    ),
    output: "=",
  },
  {
    name: "starts others again, that run and that halt",
    text: smp(
      `${all}
        mov dword [count], 0
        mov dword [apic + 300h], 0C4500h
        mov dword [apic + 300h], 0C4608h
${all.replaceAll(".wait", ".again")}${say("count")}
        out 0F4h, al`,
      `
        lock inc dword [count]
        test bl, 1
        jz stop
.spin:  jmp .spin`,
    ),
    output: "3",
  },
  {
    name: "interrupts each by its own timer",
    text: smp(
      `
.wait:  pause
        cmp dword [count], 9
        jb .wait
        mov al, 'k'
        out 0E9h, al
        out 0F4h, al`,
      `${idt}
        mov dword [apic + 3E0h], 0Bh
        mov dword [apic + 320h], 20040h
        mov dword [apic + 380h], 20000
        sti
.sleep: hlt
        jmp .sleep
handler: push eax
        lock inc dword [count]
        mov dword [apic + 0B0h], 0
        pop eax
        iret${table}`,
    ),
    output: "k",
  },
];
