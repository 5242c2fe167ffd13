/** The loops that `bench-engine.ts` measures, and the images they are booted by: for our processor alone, and for QEMU. */
import { assemble } from "../assembler/index.ts";
import { codeAt } from "../test/support/processor.ts";

export interface Guest {
  readonly name: string;
  readonly bits: 32 | 64;
  /** One round. It leaves EBP, which counts the rounds, alone. */
  readonly round: string;
  /** What the round calls. */
  readonly routine?: string;
  /** How many rounds QEMU does: enough for a second, as its time is told in hundredths. */
  readonly rounds: number;
}

export const guests: readonly Guest[] = [
  {
    name: "alu32",
    bits: 32,
    round: `
        mov ecx, 100000
.l:     add eax, ecx
        xor eax, 1234h
        rol eax, 3
        imul eax, eax, 5
        dec ecx
        jnz .l`,
    rounds: 8000,
  },
  {
    name: "alu64",
    bits: 64,
    round: `
        mov ecx, 100000
.l:     add rax, rcx
        xor rax, 1234h
        rol rax, 3
        imul rax, rax, 5
        dec rcx
        jnz .l`,
    rounds: 8000,
  },
  {
    name: "collatz32",
    bits: 32,
    round: `
        inc ebx
        and ebx, 0FFFFh
        mov eax, ebx
.s:     test al, 1
        jz .e
        lea eax, [eax+eax*2+1]
.e:     shr eax, 1
        cmp eax, 1
        ja .s`,
    rounds: 4_000_000,
  },
  {
    name: "sieve32",
    bits: 32,
    round: `
        mov ebx, 2
.p:     mov ecx, ebx
.m:     mov byte [ecx+100000h], 1
        add ecx, ebx
        cmp ecx, 80000h
        jb .m
        inc ebx
        cmp ebx, 1000
        jb .p`,
    rounds: 240,
  },
  {
    name: "memcpy32",
    bits: 32,
    round: `
        mov esi, 100000h
        mov edi, 180000h
        mov ecx, 10000h
.c:     mov eax, [esi]
        mov [edi], eax
        add esi, 4
        add edi, 4
        dec ecx
        jnz .c`,
    rounds: 9000,
  },
  {
    name: "memcpy64",
    bits: 64,
    round: `
        mov esi, 100000h
        mov edi, 180000h
        mov ecx, 8000h
.c:     mov rax, [rsi]
        mov [rdi], rax
        add rsi, 8
        add rdi, 8
        dec ecx
        jnz .c`,
    rounds: 18_000,
  },
  {
    name: "call32",
    bits: 32,
    round: `
        mov ecx, 1000
.l:     push ecx
        call twice
        pop ecx
        dec ecx
        jnz .l`,
    routine: `
twice:  mov eax, [esp+4]
        add eax, eax
        ret`,
    rounds: 120_000,
  },
];

/** From the first byte of the loop to what ends the guest, which has a page to itself: a breakpoint there slows no loop. */
const endAfter = 0x1000;

/** Where the loop ends on our processor. */
export const endAt = codeAt + endAfter;

/** Where the loop begins in the image that QEMU boots: the start of a page, as on our processor. */
const loopAt = 0x8000;

const loop = ({ bits, round, routine = "" }: Pick<Guest, "bits" | "round" | "routine">): string => `
        bits ${bits}
start:  ${round}
        dec ebp
        jnz start
        jmp end
        ${routine}
        times ${endAfter} - ($ - start) db 0
end:    mov al, 0
        out 0F4h, al
        jmp $
`;

/** From real mode to what the tests' processor begins with: flat segments, and in 64-bit mode the same tables at 80000h. */
const protectedMode = `
        bits 16
        cli
        xor ax, ax
        mov ds, ax
        lgdt [table]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 8:flat
gdt:    dq 0, 00CF9B000000FFFFh, 00CF93000000FFFFh, 00AF9B000000FFFFh
table:  dw 31
        dd gdt
        bits 32
flat:   mov eax, 16
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, 70000h
`;

const longMode = `
        mov dword [80000h], 81003h
        mov dword [81000h], 82003h
        mov dword [82000h], 83h
        mov eax, 20h
        mov cr4, eax
        mov eax, 80000h
        mov cr3, eax
        mov ecx, 0C0000080h
        mov eax, 100h
        xor edx, edx
        wrmsr
        mov eax, 80000011h
        mov cr0, eax
        jmp 18h:begin
`;

function bytesOf(name: string, text: string): Uint8Array {
  const { bytes, problems } = assemble({ file: name, text });
  if (problems.length > 0) throw new Error(`${name}: ${problems[0]!.message}`);
  return bytes;
}

/** The loop at `codeAt`. */
export const codeOf = (guest: Guest): Uint8Array => bytesOf(guest.name, `org ${codeAt}\n${loop(guest)}`);

/** An image that boots as PC firmware would boot it, does so many rounds and writes 0 to port F4h. */
export const bootImage = (guest: Pick<Guest, "name" | "bits" | "round" | "routine">, rounds: number): Uint8Array =>
  bytesOf(
    guest.name,
    `org 7C00h
${protectedMode}${guest.bits === 64 ? longMode : ""}
        bits ${guest.bits}
begin:  xor eax, eax
        xor ebx, ebx
        xor ecx, ecx
        mov ebp, ${rounds}
        jmp start
        times ${loopAt} - 7C00h - ($ - $$) db 0
${loop(guest)}`,
  );
