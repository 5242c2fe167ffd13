import { Choices } from "./choices.ts";
import { guestWithTables } from "./guest.ts";
import { identityPaging } from "./setup.ts";

const hex = (value: number): string => `0${(value >>> 0).toString(16).toUpperCase()}h`;

/** Page frames that a guest of 1 MiB has no business with: beyond its memory, the VMM's, devices', where sums wrap. */
const frames = [
  0x100, 0x101, 0x1ff, 0x200, 0x2ff, 0x300, 0x3ff, 0x400, 0x7_ffff, 0x8_0000, 0xf_fdff, 0xf_fe00, 0xf_fe01, 0xf_ffff,
  0xf_ec00, 0xf_ee00,
] as const;

const window = 0x40_0000;
const pageIn = (c: Choices): number => window + 0x1000 * c.below(16);
const registers = ["eax", "ebx", "edx", "esi"] as const;

type Attempt = (c: Choices, n: number) => string;

const map: Attempt = (c) => {
  const page = pageIn(c);
  const entry = 0x2_2000 + 4 * ((page - window) >> 12);
  return `mov dword [${hex(entry)}], ${hex(c.of(frames) * 0x1000 + 7)}\n invlpg [${hex(page)}]`;
};

const attempts: readonly Attempt[] = [
  map,
  map,
  map,
  (c) => `mov ${c.of(registers)}, [${hex(pageIn(c) + 4 * c.below(1024))}]`,
  (c) => `mov [${hex(pageIn(c) + 4 * c.below(1024))}], ${c.of(registers)}`,
  (c) => `mov edi, ${hex(pageIn(c))}\n mov ecx, ${c.below(3000)}\n rep stosd`,
  (c) => `mov esi, ${hex(pageIn(c))}\n mov edi, 40000h\n mov ecx, 400h\n rep movsd`,
  (c) => `lock xadd [${hex(pageIn(c) + 0xffe)}], eax`,
  // Tables of its own at frames that are not its own.
  (c) => `mov dword [20004h], ${hex(c.of(frames) * 0x1000 + 7)}\n invlpg [${hex(window)}]\n mov eax, [${hex(window)}]`,
  (c) =>
    `mov dword [20004h], ${hex(c.of(frames.slice(7)) * 0x1000 + 0x87)}\n invlpg [${hex(window)}]\n mov [${hex(window)}], eax`,
  () => "mov dword [20004h], 22007h\n mov eax, cr3\n mov cr3, eax",
  // Descriptor tables, task and stack outside.
  (c) =>
    `mov dword [500h + 10h], ${hex(c.of(frames) << 12)}\n mov word [500h + 0Eh], 0FFFFh\n sgdt [40000h]\n sidt [40010h]`,
  (c) => `mov ecx, ${hex(c.of([0x1b, 0x3a, 0x480, 0x48b, 0xc000_0080, 0xc001_0117]))}\n rdmsr`,
  (c) => `xor eax, eax\n xor edx, edx\n mov ecx, ${hex(c.of([0x3a, 0x480, 0xc001_0114, 0xc001_0117]))}\n wrmsr`,
  () => "mov eax, 2000h\n mov cr4, eax",
  (c) => `vmcall\n mov eax, ${c.below(20)}`,
  (c) => `db 0Fh, 1, ${hex(0xd8 + c.below(8))}`,
  () => "vmxoff",
  () => "cli\n mov ecx, 2000\n loop $",
  (c) => `mov dx, ${c.of([0x70, 0x1f0, 0x3f8, 0xcf8, 0x510])}\n in eax, dx\n out dx, eax`,
  (c) => `mov edx, ${hex(c.of(frames.slice(0, 10)) * 0x1000)}\n mov [edx], eax`,
];

/** Where software VMMs have their own tables in the guest's address space. A fault there may end the guest. */
const reserved: readonly Attempt[] = [
  (c) => `mov eax, [0FFC0${c.below(10)}000h]`,
  (c) => `mov [0FFC0${c.below(10)}000h], eax`,
];

/** A guest kernel that tries, in every way it has, to reach what is not its own. After a fault it tries the next. */
export function hostileGuest(seed: number, tries: number): string {
  const c = new Choices(seed);
  const all = seed % 3 === 2 ? [...attempts, ...reserved] : attempts;
  const body = Array.from({ length: tries }, (_, n) => {
    const text = c.of(all)(c, n);
    return `        mov dword [ss:next], slot${n + 1}\n        ${text}\nslot${n + 1}:`;
  }).join("\n");
  return guestWithTables(`
        mov dword [20004h], 22007h
${identityPaging}
${body}
        jmp finish
resume: mov esp, 60000h
        jmp [ss:next]
next:   dd 0`);
}

/** The same for a 64-bit kernel: tables of four levels that lead out of its memory, at every level. */
export function hostileLongGuest(seed: number, tries: number): string {
  const c = new Choices(seed);
  const longTables = [0x2_0ff8, 0x2_1000, 0x2_1ff8, 0x2_2008, 0x2_2ff0, 0x2_3200, 0x2_3208] as const;
  const longWindows = ["40000h", "41000h", "200000h", "0FFFFFFFFC0000000h", "0FFFFFFFFFFA00000h", "0FFFFFFFFC0041000h"];
  const longAttempts: readonly Attempt[] = [
    () =>
      `mov dword [${hex(c.of(longTables))}], ${hex(c.of(frames) * 0x1000 + c.of([7, 3, 0x87]))}\n mov rax, cr3\n mov cr3, rax`,
    () => `mov rdi, ${c.of(longWindows)}\n mov ${c.of(["rbx", "r9"])}, [rdi + ${8 * c.below(512)}]`,
    () => `mov rdi, ${c.of(longWindows)}\n mov [rdi + ${8 * c.below(512)}], rbx`,
    () => `mov rdi, ${c.of(longWindows)}\n mov ecx, ${c.below(900)}\n rep stosq`,
    () =>
      "mov dword [20FF8h], 21007h\n mov dword [21000h], 22007h\n mov dword [21FF8h], 22007h\n mov dword [22008h], 87h\n mov rax, cr3\n mov cr3, rax",
    () => `mov ecx, ${hex(c.of([0x1b, 0x3a, 0x480, 0xc000_0080, 0xc001_0117]))}\n rdmsr`,
    () => "mov eax, 2020h\n mov cr4, rax",
    () => `mov edi, ${hex(c.of(frames.slice(0, 10)) * 0x1000)}\n mov [rdi], rax`,
    () => "syscall",
    () => "swapgs\n mov ax, 2Bh\n mov gs, ax",
    () => "sgdt [700h]\n str [710h]",
  ];
  const body = Array.from(
    { length: tries },
    (_, n) => `        mov dword [next], slot${n + 1}\n        ${c.of(longAttempts)(c, n)}\nslot${n + 1}:`,
  ).join("\n");
  return `
%pragma ringside mode long
        org 8000h
        bits 64
        mov edi, idt
        mov ecx, 32
.gate:  mov word [rdi], taken
        mov word [rdi + 2], 8
        mov word [rdi + 4], 8E00h
        add edi, 16
        loop .gate
        lgdt [gdtr]
        lidt [idtr]
        mov dword [20000h], 21007h
        mov dword [20FF8h], 21007h
        mov dword [21000h], 22007h
        mov dword [21FF8h], 22007h
        mov dword [22000h], 23007h
        mov dword [22FE8h], 23007h
        mov edi, 23000h
        mov eax, 7
.fill:  mov [rdi], rax
        add eax, 1000h
        add edi, 8
        cmp edi, 24000h
        jb .fill
        mov eax, 20000h
        mov cr3, rax
        mov esp, 60000h
        jmp begin
taken:  mov esp, 60000h
        mov eax, [next]
        jmp rax
        align 8
next:   dq 0
gdtr:   dw 47
        dq gdt
idtr:   dw 32 * 16 - 1
        dq idt
        align 4096
gdt:    dq 0, 00AF9B000000FFFFh, 00CF93000000FFFFh, 00CFFB000000FFFFh, 00CFF3000000FFFFh, 00AFFB000000FFFFh
        align 4096
idt:    times 64 dq 0
begin:
${body}
        cli
        hlt
`;
}
