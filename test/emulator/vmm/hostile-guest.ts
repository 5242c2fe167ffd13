import { guestWithTables } from "./guest.ts";
import { Choices } from "./random-guest.ts";

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
        mov dword [20000h], 21007h
        mov dword [20004h], 22007h
        mov edi, 21000h
        mov eax, 7
        mov ecx, 400h
.fill:  stosd
        add eax, 1000h
        loop .fill
        mov eax, 20000h
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax
${body}
        jmp finish
resume: mov esp, 60000h
        jmp [ss:next]
next:   dd 0`);
}
