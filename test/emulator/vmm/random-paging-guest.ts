import { Choices } from "./choices.ts";

/** Paging with entries of 8 bytes: PAE in 32-bit code, or four levels in 64-bit code. */
export type WidePaging = "pae" | "four-level";

const hex = (value: number): string => `0${value.toString(16).toUpperCase()}h`;

/**
 * Where the guest's tables are. All map the first 2 MiB to themselves: `pt` at 0, a large page or `pt` again at 200000h, and
 * the same once more a level higher (`alias`). In four-level paging entry 2 of the PML4 leads back to it.
 */
const at = { top: 0x2_0000, pdpt: 0x2_1000, pd: 0x2_2000, pt: 0x2_3000 } as const;
const alias = { pae: 0x4000_0000, "four-level": 2 ** 39 } as const;
const selfMap = 2 * 2 ** 39;
/** Page numbers: the guest's to play with; and one that holds a RET and never changes. */
const played = 8;
const firstPlayed = 0x40;
const codePage = 0x4a;

interface Setting {
  readonly paging: WidePaging;
  readonly c: Choices;
  /** A register by its last letters: "ax" is EAX or RAX. */
  readonly r: (name: string) => string;
}

type Op = (setting: Setting, n: number) => string;

const page = (c: Choices): number => firstPlayed + c.below(played);
const somewhere = ({ c, paging }: Setting, number: number): number =>
  c.of([0, 0, 0x20_0000, alias[paging]]) + number * 0x1000;
const address = (s: Setting): string => hex(somewhere(s, page(s.c)) + s.c.of([0, 8, 0xffc, s.c.below(0xff0)]));

/** To a register first: 64-bit code has no absolute addresses of 64 bits in most instructions. */
const pointer = (s: Setting, to: string): string => `mov ${s.r("si")}, ${to}`;

const flushAll = ({ r }: Setting): string => `mov ${r("ax")}, cr3\n mov cr3, ${r("ax")}`;
const flushPage = (s: Setting, number: number): string =>
  [0, 0x20_0000, alias[s.paging], alias[s.paging] + 0x20_0000]
    .map((base) => `${pointer(s, hex(base + number * 0x1000))}\n invlpg [${s.r("si")}]`)
    .join("\n ");

const editPage: Op = (s) => {
  const number = s.c.of([page(s.c), page(s.c), page(s.c), codePage]);
  const entry = at.pt + 8 * number;
  const way = s.paging === "four-level" && s.c.below(4) === 0 ? selfMap + 8 * number : entry;
  const high = s.c.below(4) === 0;
  const change = high
    ? `xor dword [${s.r("si")} + 4], 80000000h`
    : `xor dword [${s.r("si")}], ${s.c.of(["1", "2", "4", "20h", "40h", "42h"])}`;
  return `${pointer(s, hex(way))}\n ${change}\n ${s.c.below(2) === 0 ? flushAll(s) : flushPage(s, number)}`;
};

const remapPage: Op = (s) => {
  const entry = at.pt + 8 * page(s.c);
  const flags = s.c.of([3, 7, 0x63, 0x67, 5]);
  return `mov dword [${hex(entry)}], ${hex(page(s.c) * 0x1000 + flags)}\n mov dword [${hex(entry + 4)}], 0\n ${flushAll(s)}`;
};

const editDirectory: Op = (s) =>
  `mov dword [${hex(at.pd + 8)}], ${s.c.of(["87h", "83h", "0E7h", "0", "85h", hex(at.pt + 7), hex(at.pt + 3), hex(at.pt + 1)])}\n ${flushAll(s)}`;

const editTop: Op = (s) => {
  const below = s.paging === "pae" ? at.pd : at.pdpt;
  const flags = s.paging === "pae" ? s.c.of([1, 1, 0]) : s.c.of([7, 3, 5, 0, 0x27]);
  return `mov dword [${hex(at.top + 8)}], ${hex(flags === 0 ? 0 : below + flags)}\n ${flushAll(s)}`;
};

const access: readonly Op[] = [
  (s) => `${pointer(s, address(s))}\n mov ${s.r("bx")}, [${s.r("si")}]`,
  (s) => `${pointer(s, address(s))}\n mov [${s.r("si")}], ${s.r("bx")}`,
  (s) => `${pointer(s, address(s))}\n add dword [${s.r("si")}], ${s.c.below(1000)}`,
  (s) => `mov ${s.r("di")}, ${address(s)}\n mov ecx, ${1 + s.c.below(600)}\n cld\n rep stosd`,
  (s) => `${pointer(s, hex(somewhere(s, codePage)))}\n call ${s.r("si")}`,
];

/** A process reads at rSI and writes at rDI. */
const process: Op = (s) =>
  `${pointer(s, address(s))}\n mov ${s.r("di")}, ${s.c.below(3) === 0 ? hex(at.pt + 0x800) : address(s)}\n mov ${s.r("dx")}, ${s.c.below(2)}\n jmp toprocess`;

const toggle = (s: Setting, register: string, bit: string): string =>
  `mov ${s.r("ax")}, ${register}\n xor ${s.r("ax")}, ${bit}\n mov ${register}, ${s.r("ax")}`;

const modes: readonly Op[] = [
  (s) => toggle(s, "cr0", "10000h"),
  (s) => toggle(s, "cr4", s.c.of(["80h", "10h", "100000h", "200000h"])),
  () => "mov ecx, 0C0000080h\n rdmsr\n xor eax, 800h\n wrmsr",
  (s) => `${s.c.of(["stac", "clac"])}`,
  (s) => `mov ${s.r("ax")}, ${s.c.of(["2", "3"])}\n invpcid ${s.r("ax")}, [descriptor]`,
  (s) => flushAll(s),
  (s) =>
    s.paging === "four-level"
      ? `mov rax, cr4\n or rax, 20000h\n mov cr4, rax\n mov eax, ${hex(at.top + s.c.below(3))}\n mov cr3, rax`
      : `${toggle(s, "cr0", "80000000h")}\n ${toggle(s, "cr0", "80000000h")}`,
];

const ops: readonly Op[] = [
  ...access,
  ...access,
  ...access,
  editPage,
  editPage,
  editPage,
  editPage,
  remapPage,
  editDirectory,
  editTop,
  process,
  process,
  ...modes,
];

const tables = (paging: WidePaging): string => {
  const entry = (place: number, value: number): string => `mov dword [${hex(place)}], ${hex(value)}\n`;
  const upper =
    paging === "pae"
      ? entry(at.top, at.pd + 1) + entry(at.top + 8, at.pd + 1)
      : entry(at.top, at.pdpt + 7) +
        entry(at.top + 8, at.pdpt + 7) +
        entry(at.top + 16, at.top + 3) +
        entry(at.pdpt, at.pd + 7);
  const fill = paging === "pae" ? ["edi", "eax"] : ["rdi", "rax"];
  return `
        ${upper}
        ${entry(at.pd, at.pt + 7)}
        ${entry(at.pd + 8, 0x87)}
        mov ${fill[0]}, ${hex(at.pt)}
        mov eax, 3
        mov ecx, 512
.fill:  mov dword [${fill[0]}], eax
        mov dword [${fill[0]} + 4], 0
        add eax, 1000h
        add ${fill[0]}, 8
        loop .fill
        ${Array.from({ length: codePage - firstPlayed + 1 }, (_, n) => entry(at.pt + 8 * (firstPlayed + n), (firstPlayed + n) * 0x1000 + 7)).join("        ")}
        mov byte [${hex(codePage * 0x1000)}], 0C3h
        mov eax, user
        shr eax, 12
        or dword [${hex(at.pt)} + 8 * ${fill[1]}], 4
        or dword [${hex(at.pt)} + 8 * 3Fh], 4`;
};

const stubs = (): string =>
  Array.from({ length: 32 }, (_, n) => {
    const coded = [8, 10, 11, 12, 13, 14, 17].includes(n);
    return `        ${coded ? "nop\n        nop" : "push 0"}\n        push ${n}\n        jmp near taken\n        align 16\n`;
  }).join("");

/** Puts exception n's number and error code into a running sum, and goes on with the next operation. */
const handlers = (s: Setting): string => {
  const { r } = s;
  return `
        align 16
handlers:
${stubs()}
taken:  pop ${r("ax")}
        pop ${r("dx")}
        imul ebp, ebp, 31
        add ebp, eax
        imul ebp, ebp, 31
        add ebp, edx
next_op:
        mov ax, 10h
        mov ss, ax
        mov ds, ax
        mov es, ax
        mov ${r("sp")}, 60000h
        mov ${r("ax")}, [next]
        jmp ${r("ax")}
        align 8
next:   dq 0
rounds: dd 0
descriptor: dq 0, 0`;
};

const idt64 = `
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
        loop .gate`;
const idt32 = idt64.replaceAll("rdi", "edi").replace("add edi, 16", "add edi, 8");

const toProcess = (s: Setting): string =>
  s.paging === "pae"
    ? `toprocess: push dword 23h
        push dword 3FFF0h
        push dword 2
        push dword 1Bh
        push dword user
        iret`
    : `toprocess: push qword 23h
        push qword 3FFF0h
        push qword 2
        push qword 2Bh
        push qword user
        iretq`;

/** Segments: 8 code, 10h data, 18h | 3 32-bit code and 20h | 3 data for ring 3, 28h | 3 64-bit code, 30h a TSS. */
const data = (s: Setting): string => `
        align 4096
user:   mov ${s.r("ax")}, [${s.r("si")}]
        test ${s.r("dx")}, ${s.r("dx")}
        jz .skip
        mov [${s.r("di")}], ${s.r("ax")}
.skip:  int 31
        align 4096
gdt:    dq 0, ${s.paging === "pae" ? "00CF9B000000FFFFh" : "00AF9B000000FFFFh"}, 00CF93000000FFFFh, 00CFFB000000FFFFh, 00CFF3000000FFFFh, 00AFFB000000FFFFh
        dw 67h, tss, 8900h, 0
        dq 0
gdtend:
gdtr:   dw gdtend - gdt - 1
        dq gdt
idtr:   dw 32 * 16 - 1
        dq idt
        align 16
tss:    ${s.paging === "pae" ? "dd 0, 58000h, 10h\n        times 22 dd 0" : "dd 0\n        dq 58000h\n        times 22 dd 0"}
        dw 0, 68h
        align 16
idt:    times 64 dq 0`;

/** A guest of random work on its page tables, in each of `rounds` rounds the same, so that its code gets hot. */
export function randomPagingGuest(seed: number, paging: WidePaging, operations: number, rounds: number): string {
  const c = new Choices(seed);
  const wide = paging === "four-level";
  const s: Setting = { paging, c, r: (name) => (wide ? "r" : "e") + name };
  const body = Array.from({ length: operations }, (_, n) => {
    const text = c.of(ops)(s, n);
    return `        mov dword [next], slot${n + 1}\n        ${text}\nslot${n + 1}:`;
  }).join("\n");
  const enable = wide
    ? `mov eax, ${hex(at.top)}\n        mov cr3, rax\n        mov ecx, 0C0000080h\n        rdmsr\n        or eax, 800h\n        wrmsr`
    : `mov eax, 20h\n        mov cr4, eax\n        mov ecx, 0C0000080h\n        mov eax, 800h\n        xor edx, edx\n        wrmsr\n        mov eax, ${hex(at.top)}\n        mov cr3, eax\n        mov eax, cr0\n        or eax, 80000000h\n        mov cr0, eax`;
  return `
%pragma ringside mode ${wide ? "long" : "protected"}
        org 8000h
        bits ${wide ? 64 : 32}
        ${wide ? idt64 : idt32}
        lgdt [gdtr]
        lidt [idtr]
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov ax, 30h
        ltr ax
        mov ${s.r("sp")}, 60000h
        ${tables(paging)}
        ${enable}
        xor ebp, ebp
again:
${body}
        inc dword [rounds]
        cmp dword [rounds], ${rounds}
        jb near again
        clac
        cli
        hlt
${toProcess(s)}
${handlers(s)}
${data(s)}
`;
}
