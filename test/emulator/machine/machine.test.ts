import { describe, expect, test } from "vitest";
import {
  configurationProblem,
  costProfiles,
  createMachine,
  Machine,
  type MachineConfiguration,
  type MachineEvent,
} from "../../../emulator/index.ts";
import { techniques } from "../../../isa/technique.ts";
import { timerTicks } from "../vmm/setup.ts";
import { assembled, configurationOf, machineWith, outputOf } from "./program.ts";

const real = (body: string) => `bits 16\norg 7C00h\n${body}`;
const protectedMode = (body: string) => `bits 32\norg 8000h\n${body}`;
const long = (body: string) => `bits 64\norg 8000h\n${body}`;

const built = ["bare-metal", "trap-and-emulate", "binary-translation", "vtx-ept"] as const;

describe("how guests stop", () => {
  const endings: [string, string, string, RegExp][] = [
    ["HLT with interrupts disabled", real("cli\nhlt"), "halted", /IF = 0/],
    ["HLT with interrupts enabled and no device armed", real("sti\nhlt"), "halted", /IF = 1/],
    ["debug exit", real("mov al, 7\nout 0F4h, al"), "debug-exit", /wrote 7 to/],
    ["triple fault without an IDT", protectedMode("ud2"), "triple-fault", /#UD, then #GP, then #DF\./],
    ["triple fault by a page fault", long("mov rax, 1 << 40\nmov al, [rax]"), "triple-fault", /#PF, then #DF\./],
    ["running off the end", real("nop"), "ran-off-code", /7c01h/],
    ["jumping into nothing", protectedMode("jmp 90000h"), "ran-off-code", /90000h/],
  ];
  test.each(endings)("%s", (_name, text, reason, words) => {
    const machine = machineWith(text);
    const stop = machine.run({ steps: 1000 });
    expect(stop).toMatchObject({ kind: "stopped", reason, text: expect.stringMatching(words) });
    expect(machine.events(0, 100, ["stop"])).toMatchObject([{ kind: "stop", reason }]);
    expect(machine.run({ steps: 1000 })).toEqual(stop);
    expect(machine.stopped).toEqual(stop);
  });
});

describe("a run with room for so many events", () => {
  const text = protectedMode("mov al, 'x'\nmov ecx, 5000\nnext: out 0E9h, al\nloop next\ncli\nhlt");

  test.each(built)("ends with the step that fills it, and loses none: %s", (technique) => {
    const machine = machineWith(text, { technique });
    const numbers: number[] = [];
    let runs = 0;
    for (let ended = false; !ended; runs++) {
      const before = machine.lastSequence;
      ended = machine.run({ steps: 1e6, events: 100 }).kind === "stopped";
      const recorded = machine.events(before, 1000);
      expect(recorded.length).toBeLessThan(110);
      numbers.push(...recorded.map(({ sequence }) => sequence));
    }
    expect(runs).toBeGreaterThan(50);
    expect(numbers).toEqual(Array.from({ length: machine.lastSequence }, (_, n) => n + 1));
    const whole = machineWith(text, { technique });
    whole.run({ steps: 1e6 });
    expect([machine.now, machine.cycle, machine.lastSequence]).toEqual([whole.now, whole.cycle, whole.lastSequence]);
    expect(machine.digest).toEqual(whole.digest);
  });

  test("ends before any is given up, however many it has room for", () => {
    const machine = machineWith(text.replace("5000", "200000"), { technique: "vtx-ept" });
    machine.run({ steps: 1e7, events: 1e7 });
    expect(machine.stopped).toBeUndefined();
    expect(machine.events(0, 1)[0]!.sequence).toBe(1);
    machine.run({ steps: 1e7 });
    expect(machine.events(0, 1)[0]!.sequence).toBeGreaterThan(1);
  });
});

describe("start modes", () => {
  const names = ["CS", "DS", "SS", "CS.base", "ESP", "EIP", "EFLAGS", "CR0", "RSP", "RIP", "RFLAGS"];
  const registersOf = (text: string) =>
    Object.fromEntries(
      machineWith(text)
        .registers()
        .filter(({ name }) => names.includes(name))
        .map(({ name, value }) => [name, Number(value)]),
    );

  test("real: as a boot sector", () => {
    const expected = { CS: 0, DS: 0, SS: 0, "CS.base": 0, ESP: 0x7c00, EIP: 0x7c00, EFLAGS: 2, CR0: 0x10 };
    expect(registersOf(real("hlt"))).toEqual(expected);
  });

  test("real, with an origin in the interrupt table: in a segment of its own", () => {
    const machine = machineWith("bits 16\norg 100h\nhlt");
    const expected = { CS: 0x1000, DS: 0x1000, SS: 0x1000, "CS.base": 0x10000, ESP: 0xfffe, EIP: 0x100 };
    expect(registersOf("bits 16\norg 100h\nhlt")).toMatchObject(expected);
    expect(machine.linearRip).toBe(0x10100n);
    expect(machine.readMemory("linear", 0x10100n, 1)).toEqual([0xf4]);
  });

  test("protected: flat, stack at the end of memory", () => {
    const expected = { CS: 8, DS: 16, SS: 16, "CS.base": 0, ESP: 16 << 20, EIP: 0x8000, EFLAGS: 2, CR0: 0x11 };
    expect(registersOf(protectedMode("hlt"))).toEqual(expected);
  });

  test("long: 64-bit code, all memory mapped to itself, nothing beyond", () => {
    const machine = machineWith(long("hlt"), { memory: 3 });
    expect(machine.bits).toBe(64);
    expect(machine.walk(0x8000n)).toMatchObject({ physical: "8000", verdict: expect.any(String) });
    expect(machine.walk(0x8000n).steps.map(({ table }) => table)).toEqual(["PML4E", "PDPTE", "PDE"]);
    expect(machine.walk(0x400000n).physical).toBeUndefined();
    expect(machine.readMemory("linear", 0x3ffff0n, 1)).toEqual([undefined]);
  });

  test.each(["protected", "long"] as const)(
    "%s: the descriptor table holds what the segments were loaded with",
    (mode) => {
      const machine = machineWith(mode === "long" ? long("hlt") : protectedMode("hlt"));
      expect(machine.setRegister("DS", 0x10n)).toBe(true);
      expect(machine.setRegister("CS", 0x08n)).toBe(true);
      expect(machine.bits).toBe(mode === "long" ? 64 : 32);
    },
  );
});

describe("running", () => {
  const loop = protectedMode("mov ecx, 1000\nagain: inc eax\ndec ecx\njnz again\ncli\nhlt");

  test("stops after the steps asked for, and counts time", () => {
    const machine = machineWith(loop);
    expect(machine.run({ steps: 10 })).toEqual({ kind: "limit" });
    expect([machine.now, machine.cycle, machine.instructions]).toEqual([10, 10, 10]);
    expect(machine.step()).toEqual({ kind: "step" });
    expect(machine.now).toBe(11);
  });

  test("stops before a breakpoint each time, but not at the one it starts from", () => {
    const machine = machineWith(loop);
    const breakpoints = new Set([0x8005n]);
    for (let n = 0; n < 3; n++) {
      expect(machine.run({ steps: 100, breakpoints })).toEqual({ kind: "breakpoint", address: 0x8005n });
      expect(machine.now).toBe(1 + 3 * n);
    }
  });

  test.each([true, false])(
    "finds breakpoints where a device's deadline cuts the run (translating: %s)",
    (translate) => {
      // A timer whose edges come every few steps; interrupts are disabled.
      const text = protectedMode(
        "mov al, 34h\nout 43h, al\nmov al, 2\nout 40h, al\nmov al, 0\nout 40h, al\nagain: inc eax\ninc ebx\njmp again",
      );
      const machine = machineWith(text, { translate });
      const breakpoints = new Set([0x800dn]);
      for (let n = 1; n <= 500; n++) {
        expect(machine.run({ steps: 100, breakpoints })).toMatchObject({ kind: "breakpoint" });
        expect(machine.now).toBe(7 + 3 * (n - 1));
      }
    },
  );

  test("stops with an exit pending where asked, and goes on from it", () => {
    const machine = machineWith(protectedMode("mov eax, 1\ncpuid\nout 0E9h, al\ncpuid\nhlt"), { technique: "vtx-ept" });
    const isCpuid = (event: { kind: string }) => "reason" in event && event.reason === "CPUID";
    const stop = machine.run({ steps: 100, stopOnExit: isCpuid });
    expect(stop.kind).toBe("exit");
    expect(machine.pendingExit).toMatchObject({ kind: "exit", reason: "CPUID", number: 10, cost: 0, rip: "8005" });
    expect(machine.linearRip).toBe(0x8005n);
    expect(machine.run({ steps: 100, stopOnExit: true }).kind).toBe("exit");
    expect(machine.pendingExit).toMatchObject({ reason: "IO_INSTRUCTION" });
    expect(machine.run({ steps: 100, stopOnExit: isCpuid }).kind).toBe("exit");
    expect(machine.run({ steps: 100 }).kind).toBe("stopped");
    const costs = machine.events(0, 100, ["exit"]).map((event) => (event.kind === "exit" ? event.cost : 0));
    expect(costs.slice(0, -1).every((cost) => cost > 0)).toBe(true);
  });

  test("crossings cost what the profile says", () => {
    const text = protectedMode("cpuid\nhlt");
    const cycles = costProfiles.map(({ name }) => {
      const machine = machineWith(text, { technique: "vtx-ept", costs: name });
      machine.run({ steps: 100, stopOnExit: (event) => "reason" in event && event.reason === "CPUID" });
      const before = machine.cycle;
      machine.step();
      return machine.cycle - before;
    });
    // Handling takes a step, the entry its price, VMREAD and VMWRITE theirs.
    for (const [n, { entry, vmread }] of costProfiles.entries()) {
      expect(cycles[n]).toBeGreaterThanOrEqual(entry + 1);
      if (vmread === 0) expect(cycles[n]).toBe(entry + 1);
      else expect(cycles[n]).toBeGreaterThan(entry + 1);
    }
  });

  const ticking = protectedMode(`
      lidt [idtr]
${timerTicks(20)}
      sti
    work:
      add ebx, ecx
      rol ebx, 5
      inc ecx
      cmp ecx, 200000
      jb work
      cli
      hlt
    tick:
      inc dword [ticks]
      push eax
      mov al, 20h
      out 20h, al
      pop eax
      iretd
      align 8
    ticks: dd 0, 0
    idt: times 20h dq 0
      dw tick, 8, 8E00h, 0
    idtr: dw idtr - idt - 1
      dd idt`);

  test("interrupts reach translated code at the same instruction as interpreted code", () => {
    const [quick, exact] = [true, false].map((translate) => machineWith(ticking, { translate, memory: 1 }));
    for (const machine of [quick!, exact!]) machine.run({ steps: 10_000_000 });
    expect(quick!.stopped).toMatchObject({ reason: "halted" });
    expect([quick!.now, quick!.cycle]).toEqual([exact!.now, exact!.cycle]);
    expect(quick!.registers()).toEqual(exact!.registers());
    expect(quick!.events(0, 1e9)).toEqual(exact!.events(0, 1e9));
    expect(quick!.events(0, 1e9, ["interrupt"]).length).toBeGreaterThan(400);
  });

  test("a replay of translated code is exact", () => {
    const machine = machineWith(ticking, { memory: 1 });
    machine.run({ steps: 700_000 });
    const state = () => [machine.cycle, machine.registers(), machine.events(0, 1e9), machine.save()];
    const last = state();
    for (const step of [699_999, 350_000, 3]) {
      machine.goTo(step);
      expect(machine.now).toBe(step);
      machine.goTo(700_000);
      expect(state()).toEqual(last);
    }
  });

  test("a halted processor skips to the timer's interrupt", () => {
    const machine = machineWith(
      ticking.replace("work:", "work: hlt\ncmp dword [ticks], 3\njae done\njmp work\ndone: cli\nhlt"),
    );
    machine.run({ steps: 1000 });
    const at = machine.events(0, 1e9, ["interrupt"]).map(({ cycle }) => cycle);
    expect(at.length).toBe(3);
    expect([at[1]! - at[0]!, at[2]! - at[1]!]).toEqual([2000, 2000]);
  });
});

describe("looking and changing", () => {
  test("memory by its three kinds of address", () => {
    const machine = machineWith(protectedMode("hlt"), { technique: "vtx-ept", memory: 1 });
    const host = 0x208000n;
    expect(machine.readMemory("linear", 0x8000n, 1)).toEqual([0xf4]);
    expect(machine.readMemory("guest-physical", 0x8000n, 1)).toEqual([0xf4]);
    expect(machine.readMemory("host-physical", host, 1)).toEqual([0xf4]);
    expect(machine.writeMemory("linear", 0x8000n, Uint8Array.of(0x90, 0xf4))).toBe(2);
    expect(machine.readMemory("host-physical", host, 2)).toEqual([0x90, 0xf4]);
    expect(machine.readMemory("guest-physical", 0xfffffn, 2)).toEqual([0, undefined]);
    expect(machine.writeMemory("guest-physical", 0xfffffn, Uint8Array.of(1, 2))).toBe(1);
    machine.run({ steps: 100 });
    expect(machine.linearRip).toBe(0x8002n);
  });

  test("a changed instruction is executed as changed, also after it ran", () => {
    const machine = machineWith(protectedMode("again: mov al, 1\njmp again"));
    machine.run({ steps: 1000 });
    machine.writeMemory("linear", 0x8001n, Uint8Array.of(2));
    machine.run({ steps: 2 });
    expect(machine.registers().find(({ name }) => name === "EAX")?.value).toBe(2n);
  });

  const underEach = (text: string, memory = 1) =>
    built
      .map((technique) => configurationOf(assembled(text), { technique, memory }))
      .filter((configuration) => configurationProblem(configuration) === undefined)
      .map((configuration) => new Machine(configuration));

  const refusals: [string, string, bigint, RegExp][] = [
    [real("hlt"), "RAX", 1n, /no register RAX in 16-bit code/],
    [real("hlt"), "EAX", 1n << 32n, /32 bits/],
    [real("hlt"), "EIP", 0x10000n, /code segment/],
    [real("hlt"), "EFLAGS", 0n, /Bit 1/],
    [real("hlt"), "CR0", 0x11n, /PE and PG/],
    [real("hlt"), "CPL", 3n, /cannot be changed/],
    [protectedMode("hlt"), "DS", 0x33n, /not in the descriptor table/],
    [protectedMode("hlt"), "SS", 0x13n, /privilege level 0/],
    [protectedMode("hlt"), "CS", 0x10n, /not a code segment/],
    [long("hlt"), "IA32_LSTAR", 1n << 47n, /canonical/],
    [long("hlt"), "CR3", 1n << 52n, /MOV to CR3 would raise #GP/],
    [protectedMode("hlt"), "CR3", 1n << 32n, /32 bits/],
    [long("hlt"), "CR4", 0n, /PAE must be 1 in long mode/],
    [protectedMode("hlt"), "CR4", 0x4000n, /MOV to CR4 would raise #GP/],
    [protectedMode("hlt"), "CR0", 0x2000_0011n, /NW needs CD/],
    [long("hlt"), "CR8", 16n, /at most 15/],
    [long("hlt"), "DR6", 1n << 32n, /MOV to DR6 would raise #GP/],
    [long("hlt"), "IA32_EFER", 0x801n, /LME and LMA/],
    [protectedMode("hlt"), "IA32_EFER", 0x1000n, /WRMSR would raise #GP: only SCE/],
    [protectedMode("hlt"), "IA32_PAT", 2n, /memory type/],
    [protectedMode("hlt"), "IA32_SYSENTER_CS", 1n << 32n, /fit in 32 bits/],
    [long("hlt"), "GDTR.base", 1n << 47n, /canonical/],
  ];
  test.each(refusals)("%j: %s cannot be %s", (text, name, value, why) => {
    for (const machine of underEach(text)) {
      const before = machine.registers();
      expect(machine.setRegister(name, value)).toMatch(why);
      expect(machine.registers()).toEqual(before);
    }
  });

  test("every writable register takes its own value, and gives it back", () => {
    for (const machine of [real("hlt"), protectedMode("hlt"), long("hlt")].flatMap(underEach)) {
      const before = machine.registers();
      for (const { name, value, writable } of before)
        if (writable) expect([name, machine.setRegister(name, value)]).toEqual([name, true]);
      expect(machine.registers()).toEqual(before);
    }
  });

  test("registers that are set are what the guest then has", () => {
    const machine = machineWith(real("add ax, bx\nout 0E9h, al\nhlt"));
    machine.setRegister("EAX", 0x40n);
    machine.setRegister("EBX", 1n);
    machine.setRegister("ZF", 1n);
    expect(machine.registers().find(({ name }) => name === "EFLAGS")?.value).toBe(0x42n);
    machine.run({ steps: 100 });
    expect(outputOf(machine)).toBe("A");
  });
});

describe("system registers", () => {
  const registerOf = (machine: Machine, name: string) => machine.registers().find((view) => view.name === name)?.value;
  const guest = (technique: (typeof built)[number], body: string) =>
    machineWith(protectedMode(body), { technique, memory: 1 });

  /** Sets registers; the guest then stores what it reads of them. */
  const settable: [string, bigint, string][] = [
    ["CR0", 0x1_003fn, "mov eax, cr0"],
    ["CR2", 0x1234n, "mov eax, cr2"],
    ["CR3", 0x5000n, "mov eax, cr3"],
    ["CR4", 0x90n, "mov eax, cr4"],
    ["DR0", 0x8000n, "mov eax, dr0"],
    ["DR6", 0xffff_4ff1n, "mov eax, dr6"],
    ["DR7", 0xffff_0400n, "mov eax, dr7"],
    ["IA32_PAT", 0x0101_0101n, "mov ecx, 277h\nrdmsr"],
    ["IA32_EFER", 1n, "mov ecx, 0C0000080h\nrdmsr"],
    ["IA32_SYSENTER_EIP", 0x4321n, "mov ecx, 176h\nrdmsr"],
    ["IA32_LSTAR", 0x7654n, "mov ecx, 0C0000082h\nrdmsr"],
    ["IF", 1n, "pushfd\npop eax\nshr eax, 9\nand eax, 1"],
  ];
  test.each(settable.flatMap((row) => built.map((technique) => [technique, ...row] as const)))(
    "%s: %s = %i is what the guest reads",
    (technique, name, value, read) => {
      const machine = guest(technique, `${read}\nmov [500h], eax\nmov ebx, eax\nhlt`);
      expect(machine.setRegister(name, value)).toBe(true);
      expect(registerOf(machine, name)).toBe(value);
      machine.run({ steps: 1000 });
      expect(registerOf(machine, "EBX")).toBe(value);
      expect(registerOf(machine, name)).toBe(value);
    },
  );

  test.each(built)("%s: setting the time-stamp counter moves it, across exits too", (technique) => {
    const machine = guest(technique, "cpuid\nrdtsc\nmov esi, edx\nhlt");
    expect(machine.setRegister("IA32_TIME_STAMP_COUNTER", 5n << 32n)).toBe(true);
    machine.run({ steps: 1000 });
    expect(registerOf(machine, "ESI")).toBe(5n);
  });

  test.each(built)("%s: setting CR3 forgets translations, as MOV CR3 does", (technique) => {
    const machine = machineWith(
      protectedMode(`
        mov edi, 10000h
        mov dword [10000h], 83h            ; 4 MiB pages: memory mapped to itself
        mov dword [10000h + 4], 83h
        mov dword [11000h], 83h            ; and again, with 4 MiB on being 8 MiB on
        mov dword [11000h + 4], 800083h
        mov eax, cr4
        or eax, 10h
        mov cr4, eax
        mov cr3, edi
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax
        mov dword [400000h], 1
        mov ebx, [400000h]
        nop
        mov ebx, [400000h]
        hlt`),
      { technique, memory: 16 },
    );
    const nop = machine.readMemory("guest-physical", 0x8000n, 200).indexOf(0x90);
    expect(machine.run({ steps: 1000, breakpoints: new Set([0x8000n + BigInt(nop)]) }).kind).toBe("breakpoint");
    expect([registerOf(machine, "EBX"), registerOf(machine, "CR3")]).toEqual([1n, 0x10000n]);
    machine.writeMemory("guest-physical", 0x80_0000n, Uint8Array.of(2));
    expect(machine.setRegister("CR3", 0x11000n)).toBe(true);
    const { now } = machine;
    machine.run({ steps: 1000 });
    expect(registerOf(machine, "EBX")).toBe(2n);
    const end = [machine.now, machine.registers(), machine.events(0, 1000)];
    machine.goTo(now - 3);
    machine.run({ steps: 1000 });
    expect([machine.now, machine.registers(), machine.events(0, 1000)]).toEqual(end);
  });

  test("show the guest's machine, and the real one beside it", () => {
    const shown = (technique: (typeof built)[number], ...names: string[]) => {
      const machine = guest(technique, "nop\nhlt");
      machine.step();
      return names.map((name) => registerOf(machine, name));
    };
    expect(shown("bare-metal", "CR0", "CPL", "CR0 (real)")).toEqual([0x11n, 0n, undefined]);
    expect(shown("vtx-ept", "CR0", "CR0 (real)", "CR4", "CR4 (real)")).toEqual([0x11n, 0x31n, 0n, 0x2000n]);
    expect(shown("trap-and-emulate", "CR0", "CPL", "CPL (real)", "IF", "IF (real)")).toEqual([0x11n, 0n, 1n, 0n, 1n]);
  });

  test("set at a pending exit are the guest's when it goes on", () => {
    for (const technique of ["trap-and-emulate", "vtx-ept"] as const) {
      const body = technique === "vtx-ept" ? "cpuid\nmov ebx, cr0\nhlt" : "in al, 80h\nmov ebx, cr0\nhlt";
      const machine = guest(technique, body);
      const atTheFirst = (event: MachineEvent) => event.kind === "exit" && /cpuid|in al/.test(event.what);
      expect(machine.run({ steps: 1000, stopOnExit: atTheFirst }).kind).toBe("exit");
      expect(machine.setRegister("CR0", 0x39n)).toBe(true);
      machine.run({ steps: 1000 });
      expect(registerOf(machine, "EBX")).toBe(0x39n);
    }
  });
});

describe("configuration", () => {
  const good: MachineConfiguration = {
    technique: "bare-metal",
    image: Uint8Array.of(0xf4),
    origin: 0x7c00,
    mode: "real",
    memory: 1,
  };
  const bad: [Partial<MachineConfiguration>, RegExp][] = [
    [{ memory: 0 }, /1 to 1024; it is 0/],
    [{ memory: 1.5 }, /whole number/],
    [{ costs: "fast" }, /no cost profile "fast"; there are unit/],
    [{ origin: 0x10000 }, /first 64 KiB/],
    [{ mode: "protected", origin: 0xf0000 }, /ends at f0001h, but a guest of 1 MiB has room up to f0000h/],
    [{ technique: "magic" as "vtx-ept" }, /no technique "magic"/],
  ];
  test.each(bad)("%j is refused with its reason", (over, why) => {
    const configuration = { ...good, ...over };
    expect(configurationProblem(configuration)).toMatch(why);
    expect(() => createMachine(configuration)).toThrow(why);
  });

  test("every technique either runs a guest or says why not", () => {
    for (const { id } of techniques) {
      const configuration = { ...good, technique: id, mode: "protected" as const };
      const problem = configurationProblem(configuration);
      if (problem === undefined) expect(createMachine(configuration).run({ steps: 100 }).kind).toBe("stopped");
      else expect(problem).toMatch(/^\S.*\.$/);
    }
  });
});
