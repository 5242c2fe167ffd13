import { describe, expect, test } from "vitest";
import { configurationProblem } from "../../../emulator/index.ts";
import { assembled, configurationOf, machineWith, outputOf } from "./program.ts";
import { smp } from "./smp-program.ts";

const counted = smp(
  `
.wait:  pause
        cmp dword [count], 3
        jb .wait
        mov al, '0'
        add al, [count]
        out 0E9h, al`,
  "lock inc dword [count]",
);

const configuration = { processors: 4, memory: 4 } as const;

describe("start-up", () => {
  test.each([true, false])("INIT and SIPI start the others, once (translated: %s)", (translate) => {
    const machine = machineWith(counted, { ...configuration, translate });
    expect(machine.run({ steps: 1_000_000 })).toMatchObject({ kind: "stopped", reason: "halted" });
    expect(outputOf(machine)).toBe("3");
  });

  test("each has its own ID in the APIC and in CPUID, and all say how many there are", () => {
    const body = `
        mov eax, 1
        cpuid
        mov eax, ebx
        shr eax, 24
        shl ebx, 8
        shr ebx, 24
        lock xadd [sum], eax
        lock add [sum_of_counts], ebx
        lock inc dword [count]`;
    const text = smp(
      `
.wait:  pause
        cmp dword [count], 3
        jb .wait
        mov al, [sum]
        add al, '0'
        out 0E9h, al
        mov al, [sum_of_counts]
        add al, '0'
        out 0E9h, al`,
      body,
    );
    const machine = machineWith(text, configuration);
    machine.run({ steps: 1_000_000 });
    // IDs 1 + 2 + 3; three processors that each know of four.
    expect(outputOf(machine)).toBe("6<");
  });

  test("without a start-up message they wait for ever", () => {
    const machine = machineWith("bits 32\norg 100000h\nmov ecx, 100000\n.l: loop .l\ncli\nhlt", configuration);
    expect(machine.run({ steps: 1_000_000 })).toMatchObject({ kind: "stopped", reason: "halted" });
    expect(machine.now).toBeLessThan(100_010);
  });
});

describe("shared memory", () => {
  const adding = (lock: string, unlock: string) =>
    smp(
      `
.wait:  pause
        cmp dword [count], 3
        jb .wait
        cmp dword [sum], 30000
        mov al, '='
        je .say
        mov al, '<'
.say:   out 0E9h, al`,
      `
        mov ecx, 10000
.add:   ${lock}
        mov eax, [sum]
        inc eax
        mov [sum], eax
        ${unlock}
        loop .add
        lock inc dword [count]`,
    );

  const spin = `
.spin:  lock bts dword [lock_word], 0
        jnc .got
        pause
        jmp .spin
.got:`;

  test.each([true, false])("additions under a spin lock are all there (translated: %s)", (translate) => {
    const text = adding(spin, "mov dword [lock_word], 0");
    const machine = machineWith(text, { ...configuration, translate });
    machine.run({ steps: 30_000_000 });
    expect(outputOf(machine)).toBe("=");
  });

  test("without the lock some are lost: the processors really run between each other", () => {
    const machine = machineWith(adding("", ""), configuration);
    machine.run({ steps: 30_000_000 });
    expect(outputOf(machine)).toBe("<");
  });

  test("code that one processor writes is what another one runs", () => {
    const text = smp(
      `
.wait:  cmp dword [count], 3
        jb .wait
        mov byte [patched + 1], '!'
        mov dword [sum], 1
.again: cmp dword [count], 6
        jb .again`,
      `
        mov ecx, 20000
.warm:  call patched
        loop .warm
        lock inc dword [count]
.wait:  call patched
        cmp dword [sum], 1
        jne .wait
        call patched
        out 0E9h, al
        lock inc dword [count]
        jmp stop
patched: mov al, '?'
        ret
      `,
    );
    const machine = machineWith(text, configuration);
    machine.run({ steps: 30_000_000 });
    expect(outputOf(machine)).toBe("!!!");
  });
});

describe("interprocessor interrupts", () => {
  const idt = `
        mov dword [idt + 40h * 8], (handler - $$) + 80000h
        mov dword [idt + 40h * 8 + 4], 00108E00h
        lidt [idtr]`;
  const handler = `
handler: push eax
        lock inc dword [count]
        mov dword [apic + 0B0h], 0
        pop eax
        iret
        align 8
idt:    times 65 dq 0
idtr:   dw $ - idt - 1
        dd idt`;

  test("wake halted processors", () => {
    const text = smp(
      `
.ready: cmp dword [sum], 3
        jb .ready
        mov ecx, 5
.send:  mov edx, [count]
        add edx, 3
        mov dword [apic + 300h], 0C4040h
.wait:  pause
        cmp [count], edx
        jb .wait
        loop .send
        mov al, [count]
        add al, '0'
        out 0E9h, al`,
      `
        ${idt}
        lock inc dword [sum]
        sti
.sleep: hlt
        jmp .sleep
        ${handler}`,
    );
    const machine = machineWith(text, configuration);
    machine.run({ steps: 5_000_000 });
    expect(outputOf(machine)).toBe("?");
    const interrupted = machine.events(0, 1e6, ["interrupt"]).map(({ vcpu }) => vcpu);
    expect(interrupted.sort()).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
  });

  test("a local timer wakes its processor", () => {
    const text = smp(
      `
.wait:  pause
        cmp dword [count], 9
        jb .wait
        mov al, 'k'
        out 0E9h, al
        out 0F4h, al`,
      `
        ${idt}
        mov dword [apic + 3E0h], 0Bh
        mov dword [apic + 320h], 20040h
        mov dword [apic + 380h], 50000
        sti
.sleep: hlt
        jmp .sleep
        ${handler}`,
    );
    const machine = machineWith(text, configuration);
    machine.run({ steps: 5_000_000 });
    expect(outputOf(machine)).toBe("k");
    expect(machine.cycle).toBeGreaterThan(150_000);
    expect(machine.cycle).toBeLessThan(250_000);
  });

  test("local timers interrupt processors that run, each in its own time", () => {
    const text = smp(
      `
.wait:  pause
        cmp dword [count], 9
        jb .wait
        mov al, 'k'
        out 0E9h, al
        out 0F4h, al`,
      `
        ${idt}
        mov dword [apic + 3E0h], 0Bh
        mov dword [apic + 320h], 20040h         ; periodic
        mov dword [apic + 380h], 3000
        sti
.spin:  jmp .spin
        ${handler}`,
    );
    const machine = machineWith(text, configuration);
    machine.run({ steps: 5_000_000 });
    expect(outputOf(machine)).toBe("k");
    expect(machine.cycle).toBeLessThan(40_000);
  });
});

describe("what a guest finds out", () => {
  test("ACPI and MP tables tell of all processors", () => {
    const text = `bits 32
        org 100000h
        mov eax, 'PCMP'
        call count
        mov eax, 'APIC'
        call count
        cli
        hlt

; Finds the table with the signature in EAX at a multiple of 16 in the BIOS area and prints how many processors it lists.
count:  mov edi, 0F0000h
.find:  cmp [edi], eax
        je .found
        add edi, 16
        cmp edi, 100000h
        jb .find
        ret
.found: xor edx, edx
        cmp eax, 'PCMP'
        je .mp
        mov ecx, [edi + 4]
        add ecx, edi
        add edi, 44
.acpi:  cmp byte [edi], 0
        jne .next
        inc edx
.next:  movzx ebx, byte [edi + 1]
        add edi, ebx
        cmp edi, ecx
        jb .acpi
        jmp .say
.mp:    movzx ecx, word [edi + 34]
        add edi, 44
.entry: cmp byte [edi], 0
        mov ebx, 8
        jne .after
        inc edx
        mov ebx, 20
.after: add edi, ebx
        loop .entry
.say:   mov al, dl
        add al, '0'
        out 0E9h, al
        ret`;
    const machine = machineWith(text, { ...configuration, processors: 5 });
    machine.run({ steps: 1_000_000 });
    expect(outputOf(machine)).toBe("55");
  });

  test("CR8 is the class of the task priority, and holds interrupts back", () => {
    const machine = machineWith(
      `bits 64
        org 100000h
apic    equ 0FEE00000h
        mov rdi, apic
        mov rbx, cr3
        mov rbx, [rbx]
        and ebx, 0FFFFF000h
        ; Maps the local APIC's page, uncached, by a 1 GiB page at 3 GiB.
        mov eax, 0C000009Bh
        mov [rbx + 3 * 8], rax
        mov dword [rdi + 0F0h], 1FFh
        mov eax, 9
        mov cr8, rax
        mov eax, [rdi + 80h]
        shr eax, 4
        add al, '0'
        out 0E9h, al
        mov dword [rdi + 80h], 50h
        mov rax, cr8
        add al, '0'
        out 0E9h, al
        ; An interrupt of class 5 waits; of class 6 it would come, through an IDT that is not there.
        mov dword [rdi + 300h], 4055h
        sti
        nop
        nop
        mov al, '.'
        out 0E9h, al
        cli
        hlt`,
      configuration,
    );
    expect(machine.run({ steps: 1_000_000 })).toMatchObject({ reason: "halted" });
    expect(outputOf(machine)).toBe("95.");
  });
});

describe("time", () => {
  const text = smp(
    `
.wait:  pause
        cmp dword [count], 3
        jb .wait
        mov esi, done
        call print
        jmp end
done:   db "done", 0
end:`,
    `
        mov ecx, 3000
.add:   inc dword [sum]
        loop .add
        lock inc dword [count]`,
  );

  test("the same in one run and in many", () => {
    const whole = machineWith(text, configuration);
    whole.run({ steps: 1_000_000 });
    const cut = machineWith(text, { ...configuration, translate: false });
    for (let n = 1; !cut.stopped; n = (n * 7 + 3) % 1009) cut.run({ steps: n + 1 });
    expect(cut.now).toBe(whole.now);
    expect(cut.events(0, 1e6)).toEqual(whole.events(0, 1e6));
  });

  test("going back and forward again ends in the same state", () => {
    const machine = machineWith(text, configuration);
    machine.run({ steps: 1_000_000 });
    const end = {
      now: machine.now,
      cycle: machine.cycle,
      events: machine.events(0, 1e6),
      bytes: machine.bytes.slice(),
    };
    for (const moment of [end.now - 1, end.now - 5000, 17_000, 10_001, 50]) {
      machine.goTo(moment);
      expect(machine.now).toBe(moment);
      machine.run({ steps: 1_000_000 });
      expect([machine.now, machine.cycle]).toEqual([end.now, end.cycle]);
      expect(machine.events(0, 1e6)).toEqual(end.events);
      expect(Buffer.compare(machine.bytes, end.bytes)).toBe(0);
    }
  });

  test("breakpoints stop every processor that comes by", () => {
    const machine = machineWith(text, configuration);
    const { symbols } = assembled(text);
    const address = symbols.get("protected")!.value!;
    for (const id of [1, 2, 3]) {
      expect(machine.run({ steps: 1_000_000, breakpoints: new Set([address]) })).toMatchObject({ kind: "breakpoint" });
      expect(machine.registers().find(({ name }) => name === "EIP")?.value).toBe(address);
      expect(machine.walk(address).vcpu).toBe(id);
    }
    expect(machine.run({ steps: 1_000_000, breakpoints: new Set([address]) })).toMatchObject({ kind: "stopped" });
  });
});

test("impossible numbers of processors are refused", () => {
  const made = configurationOf(assembled("bits 32\norg 100000h\nhlt"));
  expect(configurationProblem({ ...made, processors: 0 })).toMatch(/number of processors.* 1 to 64; it is 0/);
  expect(configurationProblem({ ...made, processors: 65 })).toMatch(/it is 65/);
  expect(configurationProblem({ ...made, processors: 2, technique: "trap-and-emulate" })).toMatch(
    /one processor so far/,
  );
});
