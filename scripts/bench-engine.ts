/**
 * Measures the engines on small loops: `node scripts/bench-engine.ts [name …]`. Prints millions of guest instructions per
 * CPU second of the interpreter and of translated code, best of several runs after a warm-up. Figures are of this machine at
 * this moment; only ratios mean something elsewhere.
 */
import { layout } from "../emulator/cpu/layout.ts";
import { type Bits, codeAt, createProcessor } from "../test/support/processor.ts";

interface Guest {
  readonly name: string;
  readonly bits: Bits;
  /** Loops for ever. */
  readonly code: readonly number[];
}

const le32 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];

const guests: readonly Guest[] = [
  {
    // l: add eax, ecx; xor eax, 1234h; rol eax, 3; imul eax, eax, 5; dec ecx; jnz l; jmp l
    name: "alu32",
    bits: 32,
    code: [0x01, 0xc8, 0x35, 0x34, 0x12, 0, 0, 0xc1, 0xc0, 3, 0x6b, 0xc0, 5, 0x49, 0x75, 0xf0, 0xeb, 0xee],
  },
  {
    // The same with 64-bit registers: dec rcx is 48 FF C9.
    name: "alu64",
    bits: 64,
    code: [
      0x48, 0x01, 0xc8, 0x48, 0x35, 0x34, 0x12, 0, 0, 0x48, 0xc1, 0xc0, 3, 0x48, 0x6b, 0xc0, 5, 0x48, 0xff, 0xc9, 0x75,
      0xea, 0xeb, 0xe8,
    ],
  },
  {
    // o: mov eax, ebx; inc ebx; s: test al, 1; jz e; lea eax, [eax+eax*2+1]; e: shr eax, 1; cmp eax, 1; ja s; jmp o
    name: "collatz32",
    bits: 32,
    code: [
      0x89, 0xd8, 0x43, 0xa8, 0x01, 0x74, 0x04, 0x8d, 0x44, 0x40, 0x01, 0xd1, 0xe8, 0x83, 0xf8, 0x01, 0x77, 0xf1, 0xeb,
      0xec,
    ],
  },
  {
    // o: mov ebx, 2; p: mov ecx, ebx; m: mov byte [ecx+100000h], 1; add ecx, ebx; cmp ecx, 80000h; jb m; inc ebx; cmp ebx, 1000; jb p; jmp o
    name: "sieve32",
    bits: 32,
    code: [
      ...[0xbb, ...le32(2), 0x89, 0xd9, 0xc6, 0x81, ...le32(0x10_0000), 1, 0x01, 0xd9, 0x81, 0xf9, ...le32(0x8_0000)],
      ...[0x72, 0xef, 0x43, 0x81, 0xfb, ...le32(1000), 0x72, 0xe4, 0xeb, 0xdd],
    ],
  },
  {
    // o: mov esi, 100000h; mov edi, 180000h; mov ecx, 10000h; c: mov eax, [esi]; mov [edi], eax; add esi, 4; add edi, 4; dec ecx; jnz c; jmp o
    name: "memcpy32",
    bits: 32,
    code: [
      ...[0xbe, ...le32(0x10_0000), 0xbf, ...le32(0x18_0000), 0xb9, ...le32(0x1_0000)],
      ...[0x8b, 0x06, 0x89, 0x07, 0x83, 0xc6, 4, 0x83, 0xc7, 4, 0x49, 0x75, 0xf3, 0xeb, 0xe2],
    ],
  },
  {
    // o: mov esi, 100000h; mov edi, 180000h; mov ecx, 8000h; c: mov rax, [rsi]; mov [rdi], rax; add rsi, 8; add rdi, 8; dec ecx; jnz c; jmp o
    name: "memcpy64",
    bits: 64,
    code: [
      ...[0xbe, ...le32(0x10_0000), 0xbf, ...le32(0x18_0000), 0xb9, ...le32(0x8000)],
      ...[
        0x48, 0x8b, 0x06, 0x48, 0x89, 0x07, 0x48, 0x83, 0xc6, 8, 0x48, 0x83, 0xc7, 8, 0xff, 0xc9, 0x75, 0xee, 0xeb,
        0xdd,
      ],
    ],
  },
  {
    // o: mov ecx, 1000; l: push ecx; call f; pop ecx; dec ecx; jnz l; jmp o; f: mov eax, [esp+4]; add eax, eax; ret
    name: "call32",
    bits: 32,
    code: [
      ...[0xb9, ...le32(1000), 0x51, 0xe8, ...le32(6), 0x59, 0x49, 0x75, 0xf6, 0xeb, 0xef],
      ...[0x8b, 0x44, 0x24, 0x04, 0x01, 0xc0, 0xc3],
    ],
  },
];

/** Millions of instructions per second over a run. */
function measure(guest: Guest, threshold: number | undefined, steps: number): number {
  const options = { bits: guest.bits, code: guest.code, ramBytes: 0x20_0000 + 0x10_0000 };
  const { cpu, engine } = createProcessor(threshold === undefined ? options : { ...options, threshold });
  let best = 0;
  for (let run = 0; run < 6; run++) {
    const before = cpu.f64[layout.steps >> 3]!;
    const start = process.cpuUsage();
    const stop = engine.run({ steps });
    const microseconds = process.cpuUsage(start).user;
    const executed = cpu.f64[layout.steps >> 3]! - before;
    if (stop.kind !== "limit" || executed !== steps || cpu.rip < codeAt || cpu.rip > codeAt + 100)
      throw new Error(`${guest.name}: ${stop.kind} after ${executed} steps at ${cpu.rip.toString(16)}`);
    best = Math.max(best, executed / microseconds);
  }
  return best;
}

const wanted = process.argv.slice(2);
console.log("guest       interpreter   translator   ratio      (million instructions a CPU second)");
for (const guest of guests) {
  if (wanted.length > 0 && !wanted.includes(guest.name)) continue;
  const interpreted = measure(guest, undefined, 4e6);
  const translated = measure(guest, 1000, 4e7);
  const columns = [guest.name.padEnd(10), interpreted.toFixed(0).padStart(11), translated.toFixed(0).padStart(12)];
  console.log(`${columns.join(" ")} ${(translated / interpreted).toFixed(1).padStart(8)}`);
}
