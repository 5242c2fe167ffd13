/** Paravirtual guests with four virtual CPUs; each prints what comes out the same however they are interleaved. */

const calls = `
UPDATE_VA_MAPPING equ 14
CONSOLE_IO        equ 18
PV_IRET           equ 23
VCPU_OP           equ 24
MMUEXT_OP         equ 26
SCHED_OP          equ 29
EVENT_CHANNEL_OP  equ 32
PENDING           equ 2048
%pragma ringside mode xen
        org 100000h`;

/** The boot vCPU maps the shared page and brings up the others, which begin at `other` with their number in EBX. */
const smp32 = (boot: string, other: string, upcall = "ud2"): string => `${calls}
        bits 32
%macro hypercall 1
        mov eax, %1
        int 82h
%endmacro
        mov ecx, [esi + 36]
        or ecx, 3
        mov ebx, shared
        xor edx, edx
        mov esi, 2
        hypercall UPDATE_VA_MAPPING
        mov ebx, 7
        xor ecx, ecx
        hypercall VCPU_OP               ; stop_periodic_timer
        mov edi, 1
start:  mov [context + 516], edi        ; EBX
        mov dword [context + 516 + 32], other
        mov dword [context + 516 + 36], 0E019h
        mov eax, edi
        shl eax, 12
        add eax, stacks
        mov [context + 516 + 44], eax
        mov dword [context + 516 + 48], 0E021h
        mov dword [context + 516 + 52], 0E021h
        mov dword [context + 516 + 56], 0E021h
        mov dword [context + 2708], 0E021h
        mov [context + 2712], eax
        mov eax, cr3
        mov [context + 2716 + 12], eax
        mov dword [context + 2780], 0E019h
        mov dword [context + 2784], upcall
        xor ebx, ebx
        mov ecx, edi
        mov edx, context
        hypercall VCPU_OP               ; initialise
        test eax, eax
        jnz wrong
        mov ebx, 1
        mov ecx, edi
        hypercall VCPU_OP               ; up
        inc edi
        cmp edi, 4
        jb start
        ${boot}
        mov ebx, 2
        mov ecx, zero
        hypercall SCHED_OP              ; shutdown
wrong:  ud2

other:  ${other}
down:   mov ebx, 2
        mov ecx, [vcpu]
        ud2

say:    mov [text], al                  ; AL
        xor ebx, ebx
        mov ecx, 1
        mov edx, text
        hypercall CONSOLE_IO
        ret

upcall: ${upcall}

zero:   dd 0
count:  dd 0
sum:    dd 0
ready:  dd 0
vcpu:   dd 0
text:   dd 0
bind:   times 4 dd 0, 0
        align 4
context: times 2800 db 0
        align 4096
shared: times 4096 db 0
stacks: times 4 * 4096 db 0
`;

const waitFor = (place: string, count: number): string =>
  `
%%wait: pause
        cmp dword [${place}], ${count}
        jb %%wait`.replaceAll("%%wait", `.until_${place}_${count}`);

const goDown = `
        mov ecx, ebx
        mov ebx, 2
        hypercall VCPU_OP               ; down
        ud2`;

const digit = (place: string): string => `
        mov al, '0'
        add al, [${place}]
        call say`;

/** A 64-bit guest that brings three vCPUs up, each of which adds its number and goes down. */
const starts64 = `${calls}
        bits 64
%macro hypercall 1
        mov eax, %1
        syscall
%endmacro
        mov edi, 7
        xor esi, esi
        hypercall VCPU_OP               ; stop_periodic_timer
        mov ebx, 1
start:  mov qword [context + 512], 4    ; in its kernel
        mov [context + 520 + 40], rbx
        mov qword [context + 520 + 128], other
        mov qword [context + 520 + 136], 0E033h
        mov eax, ebx
        shl eax, 12
        add eax, stacks
        mov [context + 520 + 152], rax
        mov qword [context + 520 + 160], 0E02Bh
        mov [context + 4976], rax
        mov rax, cr3
        mov [context + 4984 + 24], rax
        mov qword [context + 5152], gate
        xor edi, edi
        mov esi, ebx
        mov edx, context
        hypercall VCPU_OP               ; initialise
        test rax, rax
        jnz wrong
        mov edi, 1
        mov esi, ebx
        hypercall VCPU_OP               ; up
        inc ebx
        cmp ebx, 4
        jb start
.wait:  pause
        cmp dword [count], 3
        jb .wait
        mov al, '0'
        add al, [sum]
        mov [text], al
        xor edi, edi
        mov esi, 1
        mov edx, text
        hypercall CONSOLE_IO
        mov edi, 2
        mov esi, zero
        hypercall SCHED_OP              ; shutdown
wrong:  ud2

other:  mov eax, [gs:0]                 ; through the base of GS that it was given
        mul ebx
        lock add [sum], eax
        lock inc dword [count]
        mov edi, 2
        mov esi, ebx
        hypercall VCPU_OP               ; down
        ud2

zero:   dd 0
count:  dd 0
sum:    dd 0
gate:   dd 1
text:   dd 0
        align 8
context: times 5168 db 0
        align 4096
stacks: times 4 * 4096 db 0
`;

export interface XenSmpGuest {
  readonly name: string;
  readonly text: string;
  readonly output: string;
}

export const xenSmpGuests: readonly XenSmpGuest[] = [
  { name: "brings others up, in 64-bit code", text: starts64, output: "6" },
  {
    name: "brings the others up, which take themselves down",
    text: smp32(
      `boot:${waitFor("count", 3)}
.down:  mov edi, 3
.next:  mov ebx, 3
        mov ecx, edi
        hypercall VCPU_OP               ; is_up
        add [ready], eax
        dec edi
        jnz .next
        cmp dword [ready], 0
        je .said
        mov dword [ready], 0
        jmp .down
.said:${digit("sum")}`,
      `lock add [sum], ebx
        lock inc dword [count]${goDown}`,
    ),
    output: "6",
  },
  {
    name: "sends events that wake blocked ones and interrupt those that run",
    text: smp32(
      `boot:${waitFor("ready", 3)}
        mov ebp, 1
.round: mov edi, 1
.send:  mov ecx, [bind + edi * 8 + 4]
        mov [zero], ecx
        mov ebx, 4
        mov ecx, zero
        hypercall EVENT_CHANNEL_OP      ; send
        inc edi
        cmp edi, 4
        jb .send
        lea eax, [ebp + ebp * 2]
.heard: pause
        cmp [count], eax
        jb .heard
        inc ebp
        cmp ebp, 4
        jb .round
        mov dword [zero], 0${digit("count")}`,
      `
        mov [bind + ebx * 8], ebx
        mov esi, ebx
        lea ecx, [bind + ebx * 8]
        mov ebx, 7
        hypercall EVENT_CHANNEL_OP      ; bind_ipi
        mov ebx, 9
        lea ecx, [bind + esi * 8 + 4]
        hypercall EVENT_CHANNEL_OP      ; unmask
        lock inc dword [ready]
        cmp esi, 2
        je .spin
.block: mov ebx, 1
        hypercall SCHED_OP              ; block
        jmp .block
.spin:  mov eax, esi
        shl eax, 6
        mov byte [shared + eax + 1], 0  ; unmasks its upcall, and runs on
.run:   pause
        jmp .run`,
      `pushad
        mov edi, esi
        shl edi, 6
        mov byte [shared + edi], 0
        xor eax, eax
        xchg eax, [shared + edi + 4]
        mov ecx, [bind + esi * 8 + 4]
        lock btr dword [shared + PENDING], ecx
        jnc .end
        lock inc dword [count]
.end:   popad
        push eax
        hypercall PV_IRET`,
    ),
    output: "9",
  },
  {
    name: "has a timer for each",
    text: smp32(
      `boot:${waitFor("count", 9)}${digit("count")}`,
      `mov esi, ebx
        mov ebx, 7
        mov ecx, esi
        hypercall VCPU_OP               ; stop_periodic_timer
        mov dword [bind + esi * 8], 0
        sub esp, 12
        mov dword [esp], 0              ; VIRQ_TIMER
        mov [esp + 4], esi              ; of this one
        mov ebx, 1
        mov ecx, esp
        hypercall EVENT_CHANNEL_OP      ; bind_virq
        test eax, eax
        jnz wrong
        mov eax, [esp + 8]
        mov [bind + esi * 8 + 4], eax
        mov ebx, 9
        lea ecx, [esp + 8]
        hypercall EVENT_CHANNEL_OP      ; unmask
        mov edi, esi
        shl edi, 6
        mov ebp, 3
.again: mov ebx, [shared + edi + 32 + 16]
        mov ecx, [shared + edi + 32 + 20]
        imul eax, esi, 100000
        add ebx, eax
        adc ecx, 0
        hypercall 15                    ; set_timer_op
        mov ebx, 1
        hypercall SCHED_OP              ; block
        dec ebp
        jnz .again
        mov ebx, esi${goDown}`,
      `pushad
        mov edi, esi
        shl edi, 6
        mov byte [shared + edi], 0
        xor eax, eax
        xchg eax, [shared + edi + 4]
        mov ecx, [bind + esi * 8 + 4]
        lock btr dword [shared + PENDING], ecx
        jnc .end
        lock inc dword [count]
.end:   popad
        push eax
        hypercall PV_IRET`,
    ),
    output: "9",
  },
  {
    name: "sends NMIs to those that block and those that run",
    text: smp32(
      `boot:${waitFor("ready", 3)}
        mov edi, 1
.send:  mov ebx, 11
        mov ecx, edi
        hypercall VCPU_OP               ; send_nmi
        inc edi
        cmp edi, 4
        jb .send
${waitFor("count", 3)}
        cmp dword [sum], 3
        jne wrong${digit("sum")}`,
      `mov esi, ebx
        push dword 0
        push dword nmi
        mov ebx, 0
        mov ecx, esp
        hypercall 28                    ; nmi_op register_callback
        lock inc dword [ready]
        cmp esi, 2
        je .spin
        mov ebx, 1
        hypercall SCHED_OP              ; block
.spin:  pause
        cmp dword [vcpu + esi * 4], 0
        je .spin
        lock inc dword [count]
        mov ebx, esi${goDown}
nmi:    lock inc dword [sum]
        inc dword [vcpu + esi * 4]
        push eax
        hypercall PV_IRET`,
    ).replace("vcpu:   dd 0", "vcpu:   times 4 dd 0"),
    output: "3",
  },
  {
    name: "polls ports that are masked",
    text: smp32(
      `boot:${waitFor("ready", 3)}
        mov edi, 1
.send:  mov ecx, [bind + edi * 8 + 4]
        mov [zero], ecx
        mov ebx, 4
        mov ecx, zero
        hypercall EVENT_CHANNEL_OP      ; send
        inc edi
        cmp edi, 4
        jb .send
${waitFor("count", 3)}
        mov dword [zero], 0${digit("count")}`,
      `
        mov [bind + ebx * 8], ebx
        mov esi, ebx
        lea ecx, [bind + ebx * 8]
        mov ebx, 7
        hypercall EVENT_CHANNEL_OP      ; bind_ipi
        lock inc dword [ready]
        lea eax, [bind + esi * 8 + 4]
        sub esp, 16
        mov [esp], eax
        mov dword [esp + 4], 1
        mov dword [esp + 8], 0
        mov dword [esp + 12], 0
        mov ebx, 3
        mov ecx, esp
        hypercall SCHED_OP              ; poll
        lock inc dword [count]
        mov ebx, esi${goDown}`,
    ),
    output: "3",
  },
];
