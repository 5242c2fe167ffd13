import { Choices } from "./choices.ts";
import { guestWithTables } from "./guest.ts";
import { gate, identityPaging } from "./setup.ts";

const registers = ["eax", "ebx", "ecx", "edx", "esi", "ebp"] as const;
const hex = (value: number): string => `0${(value >>> 0).toString(16).toUpperCase()}h`;
/**
 * Pages 40h to 47h are the guest's to play with: their page-table entries change all the time. 400000h up is
 * a 4 MiB page of the same memory, as long as CR4.PSE is set.
 */
const page = (c: Choices): number => 0x40 + c.below(8);
const address = (c: Choices): string =>
  hex((c.below(6) === 0 ? 0x400000 : 0) + (page(c) << 12) + c.of([0, 0x7fe, 0xffe, c.below(0x1000)]));

type Op = (c: Choices, n: number) => string;

/** Instructions that any ring may execute; they fault only by paging. */
const plain: readonly Op[] = [
  (c) => `add ${c.of(registers)}, ${hex(c.below(0x7fffffff))}`,
  (c) => `xor ${c.of(registers)}, ${c.of(registers)}`,
  (c) => `imul ${c.of(registers)}, ${c.of(registers)}`,
  (c) => `rol ${c.of(registers)}, ${c.below(31)}`,
  (c) => `mov [${address(c)}], ${c.of(registers)}`,
  (c) => `mov ${c.of(registers)}, [${address(c)}]`,
  (c) => `xchg [${address(c)}], ${c.of(registers)}`,
  (c) => `lock add [${address(c)}], ${c.of(registers)}`,
  (c) => `push ${c.of(registers)}\n pop ${c.of(registers)}`,
  (c) => `mov edi, ${address(c)}\n mov ecx, ${c.below(2000)}\n cld\n rep stosd`,
  (c) => `mov esi, ${address(c)}\n mov edi, ${address(c)}\n mov ecx, ${c.below(3000)}\n cld\n rep movsb`,
  () => "xor edx, edx\n xor ecx, ecx\n div ecx",
  () => "ud2",
  () => "int 30",
];

/** What only a kernel may do; a process that tries gets #GP. */
const privileged: readonly Op[] = [
  () => "cli",
  () => "sti",
  () => "out 0E8h, al",
  () => "in al, 0E8h",
  () => "clts",
  () => "invd",
  () => "mov eax, cr0",
  () => "mov ecx, 277h\n rdmsr",
  () => "mov eax, cr2",
];

const toProcess = (c: Choices, n: number): string => {
  const body = Array.from({ length: 1 + c.below(4) }, () => c.of([...plain, ...privileged])(c, n)).join("\n ");
  return `
        push dword 23h
        push dword 3F000h
        push dword ${c.of(["2", "202h"])}
        push dword 1Bh
        push dword process${n}
        iret
process${n}: mov di, 23h
        mov ds, di
        mov es, di
        ${body}
        int 31`;
};

/** A descriptor of DPL 0 or 3 in slot 30h (rings 1 and 2 are where ring compression shows), and a load of it. */
const segment = (c: Choices): string => {
  const access = 0x11 | (c.below(2) << 7) | (c.of([0, 3]) << 5) | (c.below(8) << 1);
  const selector = 0x30 | c.of([0, 3]);
  const register = c.of(["fs", "gs", "es"]);
  return `
        mov dword [gdt + 30h], ${hex((c.below(0x10000) << 16) | 0xffff)}
        mov dword [gdt + 34h], ${hex((access << 8) | c.below(4))}
        mov ax, ${hex(selector)}
        mov ${register}, ax
        mov ebx, [${register}:${hex(c.below(0x2000))}]`;
};

/** Changes of the page tables, with the flush that the manual asks for. */
const paging: readonly Op[] = [
  (c) => {
    const number = page(c);
    return `xor dword [${hex(0x21000 + 4 * number)}], ${c.of(["1", "2", "4", "20h", "40h"])}\n invlpg [${hex(number << 12)}]`;
  },
  (c) => `mov dword [${hex(0x21000 + 4 * page(c))}], ${hex((page(c) << 12) | 7)}\n mov eax, cr3\n mov cr3, eax`,
  (c) => `mov dword [20004h], ${c.of(["87h", "83h", "85h", "0"])}\n invlpg [400000h]`,
  (c) => `mov eax, cr0\n xor eax, ${c.of(["10000h", "8", "2"])}\n mov cr0, eax`,
  (c) => `mov eax, cr4\n xor eax, ${c.of(["80h", "10h", "10h", "4"])}\n mov cr4, eax`,
];

const kernel: readonly Op[] = [
  ...paging,
  ...paging,
  ...paging,
  ...plain,
  ...privileged,
  toProcess,
  segment,
  () => "mov eax, cr3\n mov cr3, eax",
  (c) => `mov dr${c.below(4)}, eax\n mov ebx, dr${c.below(4)}`,
  (c) => `lmsw ${c.of(["ax", "bx"])}`,
  (_c, n) => `jmp 8:far${n}\nfar${n}: nop`,
  () => "mov ax, 28h\n ltr ax",
  () => "lgdt [gdtr]\n lidt [idtr]",
  () => "mov ax, 10h\n mov ss, ax",
  (c) => `mov ax, ${c.of(["0", "50h", "18h", "23h"])}\n mov ss, ax`,
  (_c, n) => `push dword 8\n push dword ret${n}\n retf\nret${n}: nop`,
  (_c, n) => `push dword 202h\n push dword 8\n push dword back${n}\n iret\nback${n}: nop`,
];

/**
 * A guest of random kernel work with paging, processes, faults and descriptors. After a fault or interrupt 31 it goes on
 * with the next operation. It uses nothing that is known to lie in ring 1.
 */
export function randomGuest(seed: number, operations: number): string {
  const c = new Choices(seed);
  const body = Array.from({ length: operations }, (_, n) => {
    const text = c.of(kernel)(c, n);
    return `        mov dword [ss:next], slot${n + 1}\n        ${text}\nslot${n + 1}:`;
  }).join("\n");
  return guestWithTables(`
${identityPaging}
${gate("soft")}
${body}
        jmp finish
soft:   add ebx, 1
        iret
resume: mov esp, 60000h
        jmp [ss:next]
next:   dd 0`).replace("tss, 8900h, 0\n", "tss, 8900h, 0\n        dq 0\n");
}
