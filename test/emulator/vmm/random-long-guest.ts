import { Choices } from "./choices.ts";

const hex = (value: number): string => `0${value.toString(16).toUpperCase()}h`;

type Op = (c: Choices, n: number) => string;

const registers = ["rax", "rbx", "rcx", "rdx", "rsi", "r8", "r12"] as const;
/** Pages 40h to 47h: the even ones are for processes, too. Next to them the same pages through a large page, and high up. */
const address = (c: Choices): string =>
  c.of(["", "", "0FFFF800000000000h + ", "0FFFFFFFF80000000h + ", "0FFFFFFFFC0000000h + "]) +
  hex(0x4_0000 + (c.below(8) << 12) + c.of([0, 0xffc, c.below(0xff0)]));
const pointer = (c: Choices): string => `mov rdi, ${address(c)}`;

/** What any ring may execute; faults by paging only. */
const plain: readonly Op[] = [
  (c) => `add ${c.of(registers)}, ${hex(c.below(0x7fffffff))}`,
  (c) => `xor ${c.of(registers)}, ${c.of(registers)}`,
  (c) => `${pointer(c)}\n mov [rdi], rbx`,
  (c) => `${pointer(c)}\n mov rbx, [rdi]`,
  (c) => `${pointer(c)}\n lock add [rdi], rbx`,
  (c) => `${pointer(c)}\n mov ecx, ${c.below(900)}\n cld\n rep stosq`,
  () => "xor edx, edx\n xor ecx, ecx\n div rcx",
  () => "ud2",
  () => "int 30",
  (c) => `mov r12, ${hex(0x4_a000 + c.of([0, 0x1000]))}\n mov fs:[r12], eax`,
  (c) => `${c.of(["rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase"])} ${c.of(["rbx", "r8"])}`,
  (c) => `mov bx, ${c.of(["0", "23h", "33h", "10h"])}\n mov ${c.of(["ds", "es"])}, bx`,
];

/** What only a kernel may do; a process that tries gets #GP. */
const privileged: readonly Op[] = [
  () => "cli",
  () => "sti",
  () => "out 0E8h, al",
  () => "in al, 0E8h",
  () => "clts",
  () => "mov rbx, cr0",
  () => "mov rbx, cr2",
  (c) => `mov ebx, ${c.below(20)}\n mov cr8, rbx\n mov r8, cr8`,
  (c) =>
    `mov ecx, ${hex(c.of([0xc000_0080, 0xc000_0081, 0xc000_0082, 0xc000_0100, 0xc000_0101, 0xc000_0102, 0x174, 0x277]))}\n rdmsr`,
  (c) =>
    `mov ecx, ${hex(c.of([0xc000_0100, 0xc000_0101, 0xc000_0102]))}\n mov eax, ${hex(c.below(0x1000))}\n mov edx, ${c.of(["0", "0", "0FFFFFFFFh", "8000h"])}\n wrmsr`,
  () => "swapgs",
  () => "mov rbx, dr6",
  () => "wbinvd",
  (c) =>
    `mov ebx, ${hex(0x4_0000 + (c.below(8) << 12))}\n mov dr0, rbx\n mov ebx, ${c.of(["0D0401h", "0F0402h", "400h"])}\n mov dr7, rbx`,
];

/** Code and stack selectors of processes: 64-bit code, or 32-bit code in compatibility mode. */
const toProcess =
  (wide: boolean): Op =>
  (c, n) => {
    const body = Array.from({ length: 1 + c.below(4) }, () => c.of([...plain, ...plain, ...privileged])(c, n)).join(
      "\n ",
    );
    const frame = `push qword ${wide ? "23h" : "23h"}\n push qword 3F000h\n push qword ${c.of(["2", "202h", "302h", "40002h"])}\n push qword ${wide ? "2Bh" : "1Bh"}\n push process${n}\n iretq`;
    const narrow = `bits 32\n add ebx, 5\n mov [40000h + ${c.below(8)} * 1000h], ebx\n ${c.of(["sysenter", "syscall", "mov cx, 23h\n mov es, cx", "out 0E8h, al", "int 30"])}\n int 31\n bits 64`;
    const end = c.of(["int 31", "syscall", "sysenter"]);
    return `${frame}\nprocess${n}: ${wide ? `${body}\n ${end}\n int 31` : narrow}`;
  };

const bySysret: Op = (c, n) =>
  `mov ecx, process${n}\n mov r11d, ${c.of(["2", "202h"])}\n o64 sysret\nprocess${n}: mov rbx, [40000h + ${c.below(8)} * 1000h]\n ${c.of(plain)(c, n)}\n syscall`;

/** Slot 40h of the GDT: code or data of DPL 0 or 3, present or not, and a load of it. */
const segment: Op = (c) => {
  const dpl = c.of([0, 3]);
  const access = 0x11 | (c.below(2) << 7) | (dpl << 5) | (c.below(8) << 1);
  return `mov dword [gdt + 40h], ${hex(((c.below(0x10000) << 16) >>> 0) + 0xffff)}
        mov dword [gdt + 44h], ${hex((access << 8) | c.below(4))}
        mov ax, ${hex(0x40 | (dpl & c.of([0, 3])))}
        mov ${c.of(["fs", "gs", "es", "ds"])}, ax`;
};

const toggle = (register: string, bit: string): string =>
  `mov rax, ${register}\n xor rax, ${bit}\n mov ${register}, rax`;

const kernel: readonly Op[] = [
  ...plain,
  ...plain,
  ...privileged,
  toProcess(true),
  toProcess(true),
  toProcess(true),
  toProcess(false),
  bySysret,
  bySysret,
  segment,
  segment,
  (c) => toggle("cr4", c.of(["10000h", "80h"])),
  (c) => toggle("cr0", c.of(["10000h", "8", "40000h"])),
  () => "mov ecx, 0C0000080h\n rdmsr\n xor eax, 1\n wrmsr",
  (c) => `xor dword [23000h + 8 * ${hex(0x40 + c.below(8))}], ${c.of(["1", "2", "4"])}\n mov rax, cr3\n mov cr3, rax`,
  // The guest's own tables at the end of the address space, where the VMM has its own.
  (c) => `mov dword [20FF8h], ${c.of(["0", "21007h", "21003h", "21005h"])}\n mov rax, cr3\n mov cr3, rax`,
  (c) => `mov dword [${c.of(["21FF0h", "21FF8h"])}], ${c.of(["0", "22007h", "87h"])}\n mov rax, cr3\n mov cr3, rax`,
  () => "mov eax, 0FFFFFFFFh\n lldt ax",
  () => "mov ax, 48h\n lldt ax",
  () => "mov ax, 4\n mov es, ax",
  () => "mov ax, 10h\n mov ss, ax",
  (c) => `mov ax, ${c.of(["0", "50h", "40h"])}\n mov ss, ax`,
  () => "lgdt [gdtr]\n lidt [idtr]",
  (_c, n) => `push qword 8\n push ret${n}\n o64 retf\nret${n}: nop`,
  (c, n) =>
    `push qword 10h\n push qword 60000h\n push qword ${c.of(["202h", "302h", "102h"])}\n push qword 8\n push back${n}\n iretq\nback${n}: nop`,
  (_c, n) => `mov dword [there], far${n}\n jmp far [there]\nfar${n}: nop`,
  () => "syscall",
  () => "call far [gate]",
];

const stubs = Array.from({ length: 32 }, (_, n) => {
  const coded = [8, 10, 11, 12, 13, 14, 17].includes(n);
  return `        ${coded ? "nop\n        nop" : "push 0"}\n        push ${n}\n        jmp near taken\n        align 16\n`;
}).join("");

/**
 * A 64-bit guest of random kernel work: processes in 64-bit and compatibility mode, system calls of all kinds, segments and their bases.
 * After a fault it goes on with the next operation. It uses nothing that is known to lie at CPL 3.
 */
export function randomLongGuest(seed: number, operations: number): string {
  const c = new Choices(seed);
  const body = Array.from({ length: operations }, (_, n) => {
    const text = c.of(kernel)(c, n);
    return `        mov dword [next], slot${n + 1}\n        ${text}\nslot${n + 1}:`;
  }).join("\n");
  return `
%pragma ringside mode long
        org 8000h
        bits 64
        mov edi, idt
        mov eax, handlers
        mov ecx, 32
.gate:  mov edx, eax
        mov [rdi], dx
        mov word [rdi + 2], 8
        mov word [rdi + 4], 0EE00h
        shr edx, 16
        mov [rdi + 6], dx
        add edi, 16
        add eax, 16
        loop .gate
        mov dword [idt + 16 * 30], soft
        mov word [idt + 16 * 30 + 2], 8
        mov word [idt + 16 * 30 + 6], 0
        mov word [idt + 16 * 30 + 4], 0EE00h
        lgdt [gdtr]
        lidt [idtr]
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov ax, 30h
        ltr ax
        mov esp, 60000h
        mov dword [20000h], 21007h
        mov dword [20800h], 21007h
        mov dword [20FF8h], 21007h
        mov dword [21000h], 22007h
        mov dword [21FF0h], 22007h
        mov dword [21FF8h], 22007h
        mov dword [22000h], 23007h
        mov edi, 23000h
        mov eax, 7
.fill:  mov [rdi], rax
        add eax, 1000h
        add edi, 8
        cmp edi, 24000h
        jb .fill
        mov dword [23000h + 8 * 41h], 41003h
        mov dword [23000h + 8 * 43h], 43003h
        mov dword [23000h + 8 * 45h], 45003h
        mov dword [23000h + 8 * 46h], 46005h
        mov eax, 20000h
        mov cr3, rax
        mov ecx, 0C0000080h
        rdmsr
        or eax, 801h
        wrmsr
        mov ecx, 0C0000081h
        xor eax, eax
        mov edx, 180008h
        wrmsr
        mov ecx, 0C0000082h
        mov eax, called
        xor edx, edx
        wrmsr
        mov ecx, 174h
        mov eax, 8
        wrmsr
        mov ecx, 176h
        mov eax, called
        wrmsr
        mov ecx, 175h
        mov eax, 60000h
        wrmsr
        xor ebp, ebp
${body}
        clac
        cli
        hlt
        align 16
handlers:
${stubs}
taken:  pop rax
        pop rdx
        jmp sum
called: mov eax, 99
        mov edx, ecx
sum:    imul ebp, ebp, 31
        add ebp, eax
        imul ebp, ebp, 31
        add ebp, edx
        mov ax, 10h
        mov ds, ax
        mov ss, ax
        mov es, ax
        mov esp, 60000h
        mov eax, [next]
        jmp rax
soft:   add rbx, 1
        iretq
        align 8
next:   dq 0
there:  dd 0, 8
gate:   dd 0, 50h
gdtr:   dw gdtend - gdt - 1
        dq gdt
idtr:   dw 32 * 16 - 1
        dq idt
        align 4096
gdt:    dq 0, 00AF9B000000FFFFh, 00CF93000000FFFFh, 00CFFB000000FFFFh, 00CFF3000000FFFFh, 00AFFB000000FFFFh
        dw 67h, tss, 8900h, 0
        dq 0
        dq 0
        dw 0Fh, ldt, 8200h, 0
        dq 0
gdtend:
        align 4096
ldt:    dq 00CF93000000FFFFh, 00CFF3000000FFFFh
tss:    dd 0
        dq 58000h
        times 22 dd 0
        dw 0, 68h
        align 16
idt:    times 64 dq 0
`;
}
