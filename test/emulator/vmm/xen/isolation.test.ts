import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Machine } from "../../../../emulator/index.ts";
import { rows } from "../../../../isa/index.ts";
import { randomNumbers, randomOfRow } from "../../engine/random-code.ts";
import { assembled, configurationOf } from "../../machine/program.ts";
import { brokenInvariants } from "./invariants.ts";

const payload = 0x2000;
const payloadBytes = 0x2000;

/** Every exception begins again somewhere in the random bytes. */
const kernels = {
  32: `%pragma ringside mode xen
      org 100000h
      bits 32
      mov eax, 0
      mov ebx, traps
      int 82h
      mov eax, 21
      xor ebx, ebx
      mov ecx, 2
      int 82h
      mov eax, 33
      mov ebx, 6
      mov ecx, level
      int 82h
      jmp next
handler: mov eax, 0E021h
      mov ss, eax
      mov ds, eax
      mov es, eax
next: mov esp, stack
      add dword [count], 61
      and dword [count], 1FFFh
      mov ebx, [count]
      add ebx, 102000h
      mov ecx, 20
      mov esi, 180000h
      mov edi, 190000h
      mov ebp, 102800h
      jmp ebx
level: dd 1
count: dd 0
%assign vector 0
traps:
%rep 20
      db vector, 0
      dw 0E019h
      dd handler
%assign vector vector + 1
%endrep
      dq 0
      times 1800h - ($ - $$) db 0
stack: times 2000h - ($ - $$) db 0`,
  64: `%pragma ringside mode xen
      org 100000h
      bits 64
      mov eax, 0
      mov edi, traps
      syscall
      mov eax, 21
      xor edi, edi
      mov esi, 2
      syscall
      mov eax, 33
      mov edi, 6
      mov esi, level
      syscall
handler: mov esp, stack
      add dword [count], 61
      and dword [count], 1FFFh
      mov ebx, [count]
      add ebx, 102000h
      mov ecx, 20
      mov esi, 180000h
      mov edi, 190000h
      mov ebp, 102800h
      jmp rbx
level: dd 1
count: dd 0
%assign vector 0
      align 8
traps:
%rep 20
      db vector, 0
      dw 0E033h
      dd 0
      dq handler
%assign vector vector + 1
%endrep
      dq 0, 0
      times 1800h - ($ - $$) db 0
stack: times 2000h - ($ - $$) db 0`,
} as const;

/** Linear addresses of pages of Xen's that no request changes: IDT, own descriptors, machine-to-physical table. */
const xensPages = {
  32: [0xfc02_0000n, 0xfc00_e000n, 0xf580_0000n],
  64: [0xffff_8200_0002_0000n, 0xffff_8200_0000_e000n, 0xffff_8000_0000_0000n],
} as const;

/** Hypercalls that do not end the guest or take its handlers away. */
const calls = Array.from({ length: 36 }, (_, n) => n).filter((number) => ![0, 23, 29].includes(number));

/** The kernel, then random instructions of all rows with random bytes and hypercalls among them. */
function machineOf(bits: 32 | 64, seed: number, translate: boolean): Machine {
  const random = randomNumbers(seed);
  const assembly = assembled(kernels[bits]);
  const image = new Uint8Array(payload + payloadBytes);
  image.set(assembly.bytes);
  for (let at = payload; at < image.length - 24; ) {
    const kind = random(12);
    let code: readonly number[] | undefined = randomOfRow(random, rows[random(rows.length)]!, bits);
    if (kind === 0) code = Array.from({ length: random(6) }, () => random(256));
    if (kind === 1)
      code = [0xb8, calls[random(calls.length)]!, 0, 0, 0, ...(bits === 32 ? [0xcd, 0x82] : [0x0f, 0x05])];
    image.set(code ?? [], at);
    at += code?.length ?? 0;
  }
  return new Machine({
    ...configurationOf(assembly, { technique: "paravirtualization", memory: 4, translate }),
    image,
  });
}

/** A page, read through the page tables as they are in memory, whoever may read it. */
function pageOf(machine: Machine, bits: 32 | 64, linear: bigint): string {
  const word = (address: bigint): bigint => {
    const bytes = machine.readMemory("host-physical", address, 8);
    return new DataView(Uint8Array.from(bytes.map((byte) => byte ?? 0)).buffer).getBigUint64(0, true);
  };
  const cr3 = machine.registers().find(({ name }) => name === "CR3")!.value;
  let table = cr3;
  for (let shift = bits === 64 ? 39n : 30n; shift >= 12n; shift -= 9n)
    table = word(table + ((linear >> shift) & 511n) * 8n) & 0xf_ffff_ffff_f000n;
  const page = machine.readMemory("host-physical", table, 4096);
  return createHash("sha1")
    .update(Uint8Array.from(page.map((byte) => byte ?? 0)))
    .digest("hex");
}

describe.each([32, 64] as const)("random code in a %i-bit guest", (bits) => {
  test.each([1, 3, 5, 7])("reaches nothing of Xen's, by either engine: seed %i", (seed) => {
    const [translated, interpreted] = [true, false].map((translate) => machineOf(bits, seed, translate));
    const machine = translated!;
    const before = xensPages[bits].map((linear) => pageOf(machine, bits, linear));
    for (const each of [translated!, interpreted!]) each.run({ steps: 3000 });
    const register = (name: string) => machine.registers().find((found) => found.name === name)!.value;
    expect(register("CPL")).not.toBe(0n);
    expect(xensPages[bits].map((linear) => pageOf(machine, bits, linear))).toEqual(before);
    expect(brokenInvariants({ machine, bits }, [Number(register("CR3") >> 12n)])).toEqual([]);
    const summary = (each: Machine) => ({
      now: each.now,
      cycle: each.cycle,
      stopped: each.stopped,
      registers: each.registers(),
    });
    expect(summary(translated!)).toEqual(summary(interpreted!));
    expect(machine.now).toBeGreaterThan(20);
  });
});
