import { expect, test } from "vitest";
import { machineWith } from "./program.ts";

/** The other processor counts in EBX, far from where the first one counts in EAX. */
const two = `bits 32
        org 100000h
apic    equ 0FEE00000h
        mov esi, trampoline
        mov edi, 8000h
        mov ecx, trampoline_end - trampoline
        rep movsb
        mov dword [apic + 0F0h], 1FFh
        mov dword [apic + 300h], 0C4500h
        mov dword [apic + 300h], 0C4608h
.count: inc eax
        mov [100h], eax
        jmp .count

bits 16
trampoline:
        xor ebx, ebx
        mov ds, bx
.count: inc ebx
        mov [200h], ebx
        jmp .count
trampoline_end:
`;

const started = () => {
  const machine = machineWith(two, { processors: 2, memory: 2 });
  machine.run({ steps: 50_000 });
  return machine;
};
const other = (machine: ReturnType<typeof started>) => ({ vm: machine.vm, vcpu: 1 - machine.vcpu });

test("each processor is listed with where it is", () => {
  const machine = started();
  const [first, second] = machine.vcpus();
  expect([first, second].map((one) => [one?.vm, one?.vcpu, one?.state])).toEqual([
    ["vm0", 0, "running"],
    ["vm0", 1, "running"],
  ]);
  expect(first!.linearRip).toBeGreaterThanOrEqual(0x10_0000n);
  expect(second!.linearRip).toBeLessThan(0x9000n);
  expect(second!.bits).toBe(16);
});

test("registers and memory are those of the processor that is looked at, and it goes on as if nobody had looked", () => {
  const [looked, plain] = [started(), started()];
  const { vcpu } = looked;
  expect(looked.look(other(looked))).toBeUndefined();
  expect(looked.vcpu).toBe(1 - vcpu);
  const counts = looked.vcpu === 1 ? (["EBX", 0x200n] as const) : (["EAX", 0x100n] as const);
  const stored = looked.readMemory("linear", counts[1], 4).reduceRight<number>((sum, byte) => sum * 256 + byte!, 0);
  expect(Math.abs(Number(looked.register(counts[0])) - stored)).toBeLessThanOrEqual(1);
  expect(looked.digest).toEqual(plain.digest);
  expect(looked.vcpu).toBe(1 - vcpu);
  for (const machine of [looked, plain]) machine.run({ steps: 30_001 });
  expect(looked.digest).toEqual(plain.digest);
  expect(looked.now).toBe(plain.now);
});

test("a register that is set while another processor is looked at is set again in a replay", () => {
  const machine = started();
  const at = other(machine);
  machine.look(at);
  machine.setRegister(at.vcpu === 1 ? "EBX" : "EAX", 0x4000_0000n);
  machine.run({ steps: 25_000 });
  const { digest, now } = machine;
  machine.look(at);
  expect(machine.register(at.vcpu === 1 ? "EBX" : "EAX")).toBeGreaterThanOrEqual(0x4000_0000n);
  machine.goTo(10_000);
  machine.goTo(now);
  expect(machine.digest).toEqual(digest);
});

test.each([
  [{ vm: "guest", vcpu: 0 }, "There is no VM guest."],
  [{ vm: "vm0", vcpu: 2 }, "vm0 has no vCPU 2: it has 2, numbered from 0."],
])("%j is refused", (place, problem) => {
  expect(started().look(place)).toBe(problem);
});
