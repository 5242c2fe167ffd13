import { describe, expect, test } from "vitest";
import { oneProcessorBecause } from "../../../emulator/vmm/index.ts";
import { techniques } from "../../../isa/technique.ts";
import { hosted, vmWith } from "../machine/host.ts";
import { machineWith } from "../machine/program.ts";
import { smp } from "../machine/smp-program.ts";

/** What each processor does in an order that its own random numbers give; its ID is in EBX, and EDX and EAX are free. */
const operations = [
  "push ebx\n cpuid\n pop ebx",
  "out 80h, al",
  // An interrupt for one of the four, perhaps itself; and an NMI for the boot processor, which always has a table for it.
  "call target\n mov dword [apic + 300h], 4040h",
  "mov dword [apic + 310h], 0\n mov dword [apic + 300h], 4400h",
  // A short sleep, that its own timer ends.
  "mov dword [apic + 320h], 40h\n mov dword [apic + 380h], 900\n sti\n hlt\n cli",
  "inc dword [count]",
  "lock add [sum], ebx",
  "pause\n pause\n pause",
  // The boot processor resets another one and starts it again.
  "test ebx, ebx\n jnz next\n call target\n jz next\n mov dword [apic + 300h], 4500h\n mov dword [apic + 300h], 4608h",
  "pushfd\n popfd",
  "sti\n nop\n cli",
  "rdtsc",
  "push ecx\n mov ecx, 1Bh\n rdmsr\n pop ecx",
  // A page that nobody has touched yet, perhaps.
  "and edx, 0FF000h\n lock inc dword [edx + 400000h]",
  "in al, 60h",
  "invlpg [400000h]",
];

const program = (seed: number): string =>
  smp(
    `mov esp, 1F0000h
        xor ebx, ebx
        jmp begin`,
    `
begin:  lidt [idtr]
        mov dword [idt + 2 * 8], (nmi - $$) + 80000h
        mov dword [idt + 2 * 8 + 4], 00108E00h
        mov dword [idt + 40h * 8], (handler - $$) + 80000h
        mov dword [idt + 40h * 8 + 4], 00108E00h
next:   imul edx, [numbers + ebx * 4], 1664525
        add edx, 1013904223
        mov [numbers + ebx * 4], edx
        shr edx, 8
        mov eax, edx
        shr eax, 12
        and eax, 15
        jmp [table + eax * 4]
${operations.map((body, n) => `op${n}:\n${body}\n jmp next`).join("\n")}

; Names one of the four processors to the local APIC; ZF: it is the boot processor.
target: and edx, 3
        mov eax, edx
        shl eax, 24
        mov [apic + 310h], eax
        test edx, edx
        ret

nmi:    lock inc dword [ready]
        iret
handler: push eax
        lock inc dword [ready]
        mov dword [apic + 0B0h], 0
        pop eax
        iret
        align 8
idt:    times 65 dq 0
idtr:   dw $ - idt - 1
        dd idt
table:  dd ${operations.map((_, n) => `op${n}`).join(", ")}
numbers: dd ${[1, 2, 3, 4].map((n) => seed * 7919 + n * 104729).join(", ")}
ready:  dd 0
`,
  );

const several = techniques
  .map(({ id }) => id)
  .filter((id) => oneProcessorBecause(id) === undefined && id !== "paravirtualization");
const steps = 25_000;

describe.each(several)("four processors that do as they like under %s", (technique) => {
  test.each([1, 2, 3])("do the same in both engines, in cut runs and after going back: seed %i", (seed) => {
    const configuration = { technique, processors: 4, memory: 8 } as const;
    const whole = machineWith(program(seed), configuration);
    whole.run({ steps });
    expect(whole.stopped).toBeUndefined();
    expect(new Set(whole.events(0, 1e6).map(({ vcpu }) => vcpu)).size).toBe(4);
    const cut = machineWith(program(seed), { ...configuration, translate: false });
    for (let n = 1; cut.now < whole.now; n = (n * 7 + 3) % 1009)
      cut.run({ steps: Math.min(n + 1, whole.now - cut.now) });
    expect(cut.events(0, 1e6)).toEqual(whole.events(0, 1e6));
    expect(cut.digest).toEqual(whole.digest);
    const { digest } = whole;
    whole.goTo(steps / 5);
    whole.goTo(steps);
    expect(whole.digest).toEqual(digest);
  });
});

const hosting = several.filter((id) => id !== "bare-metal");

/** Two such guests with more vCPUs than the host has physical CPUs. */
const crowd = (technique: (typeof several)[number], translate: boolean) =>
  hosted(
    { pcpus: 2, scheduler: { name: "credit" }, seed: 5, until: 1_000_000 },
    [vmWith("a", program(4), { processors: 3, memory: 8 }), vmWith("b", program(5), { processors: 2, memory: 8 })],
    { technique, translate, hypervisor: { pauseLoop: { gap: 64, window: 200, count: 10 } } },
  );

test.each(hosting)("the same on shared physical CPUs: %s", (technique) => {
  const whole = crowd(technique, true);
  whole.run({ steps: 40_000 });
  const cut = crowd(technique, false);
  for (let n = 1; cut.now < whole.now; n = (n * 7 + 3) % 1009) cut.run({ steps: Math.min(n + 1, whole.now - cut.now) });
  expect(new Set(whole.events(0, 1e6, ["exit"]).map(({ vm, vcpu }) => `${vm}/${vcpu}`)).size).toBe(5);
  expect(cut.events(0, 1e6)).toEqual(whole.events(0, 1e6));
  expect(cut.digest).toEqual(whole.digest);
  const { digest } = whole;
  whole.goTo(12_345);
  whole.goTo(40_000);
  expect(whole.digest).toEqual(digest);
});
