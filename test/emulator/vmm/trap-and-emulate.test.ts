import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import {
  boot,
  dword,
  guestMemory,
  guestWithTables,
  outcome,
  protectedGuest,
  register,
  registersOf,
  run,
} from "./guest.ts";
import { identityPaging, toRing3 } from "./setup.ts";

const technique = "trap-and-emulate";
const noTraps = new Set(["#PF", "#DB"]);

/** What trapped, in the words of the exit view, without page faults and without the HLT at the end. */
const trapsOf = (source: string): string[] =>
  run(technique, source)
    .exits.filter((exit) => !noTraps.has(exit.reason) && !["cli", "hlt"].includes(exit.what))
    .map((exit) => `${exit.reason}: ${exit.what}`);

describe("privileged instructions trap, and do what they do on the bare machine", () => {
  test.each<[string, string, string[]]>([
    ["STI, HLT and CLI are the end of every guest", "sti\n nop", ["#GP: sti"]],
    ["OUT", "mov al, 65\n out 0E9h, al", ["#GP: out 0xe9, al"]],
    ["IN", "mov dx, 3FDh\n in al, dx", ["#GP: in al, dx"]],
    ["INSB", "mov edi, 700h\n mov dx, 3FDh\n insb\n mov eax, [700h]", ["#GP: insb"]],
    ["REP OUTSB", "mov esi, 8000h\n mov ecx, 4\n mov dx, 0E9h\n rep outsb", ["#GP: rep outsb"]],
    ["MOV from CR0", "mov eax, cr0", ["#GP: mov eax, cr0"]],
    ["MOV to CR0", "mov eax, 3\n mov cr0, eax\n mov ebx, cr0", ["#GP: mov cr0, eax", "#GP: mov ebx, cr0"]],
    ["MOV CR2", "mov eax, 1234h\n mov cr2, eax\n mov ebx, cr2", ["#GP: mov cr2, eax", "#GP: mov ebx, cr2"]],
    ["MOV CR3", "mov eax, 5000h\n mov cr3, eax\n mov ebx, cr3", ["#GP: mov cr3, eax", "#GP: mov ebx, cr3"]],
    ["MOV CR4", "mov eax, 10h\n mov cr4, eax\n mov ebx, cr4", ["#GP: mov cr4, eax", "#GP: mov ebx, cr4"]],
    ["MOV DR", "mov eax, 1234h\n mov dr0, eax\n mov ebx, dr0", ["#GP: mov dr0, eax", "#GP: mov ebx, dr0"]],
    ["CLTS", "clts", ["#GP: clts"]],
    ["LMSW", "mov ax, 0Bh\n lmsw ax\n mov ebx, cr0", ["#GP: lmsw ax", "#GP: mov ebx, cr0"]],
    ["LGDT and LIDT", "lgdt [gdtr]\n lidt [idtr]", ["#GP: lgdt [GDTR]", "#GP: lidt [IDTR]"]],
    ["LLDT and LTR", "xor ax, ax\n lldt ax", ["#GP: lldt ax"]],
    ["INVLPG, INVD and WBINVD", "invlpg [700h]\n invd\n wbinvd", ["#GP: invlpg [0x700]", "#GP: invd", "#GP: wbinvd"]],
    ["INVPCID", "mov eax, 2\n invpcid eax, [700h]", ["#GP: invpcid eax, oword [0x700]"]],
    ["MONITOR and MWAIT", "mov eax, 700h\n xor ecx, ecx\n monitor\n mwait", ["#UD: monitor", "#UD: mwait"]],
    ["STAC and CLAC", "stac\n clac", ["#UD: stac", "#UD: clac"]],
    ["RDMSR", "mov ecx, 277h\n rdmsr", ["#GP: rdmsr"]],
    ["WRMSR", "mov ecx, 277h\n mov eax, 0\n mov edx, 6\n wrmsr\n rdmsr", ["#GP: wrmsr", "#GP: rdmsr"]],
    ["MOV to SS", "mov ax, 10h\n mov ss, ax", ["#GP: mov ss, ax"]],
    ["POP SS", "push dword 10h\n pop ss", ["#GP: pop ss"]],
    ["LSS", "mov dword [700h], 9000h\n mov word [704h], 10h\n lss esp, [700h]", ["#GP: lss esp, [0x700]"]],
    ["INT n", "mov ebx, 7\n int 30", ["#GP: int 0x1e", "#GP: mov ss, ax"]],
    ["INT3", "int3", ["#GP: int3", "#GP: mov ss, ax"]],
    ["RETF to ring 0", "push dword 8\n push dword over\n retf\nover:", ["#GP: retf"]],
    ["IRET to ring 0", "pushfd\n push dword 8\n push dword back\n iret\nback:", ["#GP: iretd"]],
  ])("%s", (_, body, expected) => {
    const source = guestWithTables(`${body}\nresume: nop`);
    const { machine, exits } = run(technique, source);
    const bare = run("bare-metal", source);
    expect(registersOf(machine)).toEqual(registersOf(bare.machine));
    expect(dword(machine, 0x500)).toBe(dword(bare.machine, 0x500));
    const traps = trapsOf(source).slice(trapsOf(guestWithTables("resume:")).length);
    expect(
      traps.map((trap) =>
        trap.replace(/(l[gi]dt) \[0x[0-9a-f]+\]/, (_m, op: string) => `${op} [${op.slice(1).toUpperCase()}R]`),
      ),
    ).toEqual(expected);
    expect(exits.every((exit) => exit.number === -1 && exit.technique === technique)).toBe(true);
  });

  it("CPUID does not trap: the guest sees the processor itself", () => {
    const source = protectedGuest("mov eax, 7\n xor ecx, ecx\n cpuid");
    expect(trapsOf(source)).toEqual([]);
    expect(registersOf(run(technique, source).machine)).toEqual(registersOf(run("bare-metal", source).machine));
  });

  it("says why", () => {
    const rules = run(technique, guestWithTables("clts\n mov al, 1\n out 0E9h, al\n int 30\nresume:"))
      .exits.filter((exit) => exit.reason !== "#PF")
      .slice(-6)
      .map((exit) => `${exit.what}: ${exit.why.rule}`);
    expect(rules).toEqual([
      "clts: CPL 1 > 0",
      "out 0xe9, al: CPL 1 > IOPL 0, and the I/O bitmap of the VMM's TSS allows no port",
      "int 0x1e: shadow IDT, gate 1Eh: DPL 0 < CPL 1, so #GP(F2h)",
      "mov ss, ax: selector 10h: RPL 0 ≠ CPL 1",
      "cli: CPL 1 > IOPL 0",
      "hlt: CPL 1 > 0",
    ]);
  });
});

describe("Robin and Irvine's 17: unprivileged, so they do not trap, and lie", () => {
  /** What each leaves in EAX on the bare machine and here. */
  test.each<[string, string, number, number]>([
    ["SGDT shows the VMM's table", "sgdt [700h]\n mov eax, [702h]", 0xf0000, 0xffc00000],
    ["SIDT shows the VMM's table", "sidt [700h]\n mov eax, [702h]", 0, 0xffc20000],
    ["SLDT shows the VMM's selector", "lgdt [gdtr]\n mov ax, 18h\n lldt ax\n xor eax, eax\n sldt ax", 0x18, 0xfff8],
    ["SMSW shows the VMM's CR0", "smsw eax", 0x11, 0x80010031],
    ["PUSHF shows the real IF", "pushfd\n pop eax\n and eax, 3200h", 0, 0x200],
    ["POPF changes no IF", "sti\n push dword 2\n popfd\n pushfd\n pop eax\n and eax, 200h", 0, 0x200],
    ["POPF changes no IOPL", "push dword 3002h\n popfd\n pushfd\n pop eax\n and eax, 3000h", 0x3000, 0],
    ["LAR shows ring 1", "mov ecx, 8\n lar eax, ecx", 0xcf9b00, 0xcfbb00],
    ["LSL sees a segment for RPL 1", "xor eax, eax\n mov ecx, 11h\n lsl eax, ecx", 0, 0xffffffff],
    ["VERR says yes for RPL 1", "xor eax, eax\n mov ecx, 11h\n verr cx\n setz al", 0, 1],
    ["VERW says yes for RPL 1", "xor eax, eax\n mov ecx, 11h\n verw cx\n setz al", 0, 1],
    ["PUSH CS shows ring 1", "push cs\n pop eax", 8, 9],
    ["PUSH SS shows ring 1", "push ss\n pop eax", 0x10, 0x11],
    ["CALL far pushes ring 1", "call 8:near_by\nnear_by: pop eax\n pop eax", 8, 9],
    ["STR shows the VMM's TSS", "str eax", 0, 0xfff0],
    ["MOV from CS shows ring 1", "mov eax, cs", 8, 9],
    ["MOV from SS shows ring 1", "mov eax, ss", 0x10, 0x11],
  ])("%s", (_, body, truth, lie) => {
    const source = protectedGuest(`${body}
        jmp end
gdtr:   dw 31
        dd gdt
        align 8
gdt:    dq 0, 00CF9B000000FFFFh, 00CF93000000FFFFh, 000082000500000Fh
end:`);
    const bare = run("bare-metal", source);
    const hosted = run(technique, source);
    expect(register(bare.machine, "RAX")).toBe(BigInt(truth));
    expect(register(hosted.machine, "RAX")).toBe(BigInt(lie));
    const mnemonic = /^(?:sgdt|sidt|sldt|smsw|push\w*|popf\w*|lar|lsl|ver[rw]|call|str|mov e?ax, [cs]s)/;
    expect(hosted.exits.filter((exit) => exit.reason !== "#PF" && mnemonic.test(exit.what))).toEqual([]);
  });

  /** What raises #GP on the bare machine, for the guest is in ring 0, and silently works in ring 1. */
  test.each([
    ["POP to a segment register", "push dword 11h\n pop ds"],
    ["MOV to a segment register", "mov ax, 11h\n mov ds, ax"],
    ["JMP far", "jmp 9:done"],
    ["RET far", "push dword 9\n push dword done\n retf"],
    ["IRET", "pushfd\n push dword 9\n push dword done\n iret"],
  ])("%s takes RPL 1", (_, body) => {
    const source = guestWithTables(`${body}\ndone:   nop\nresume: nop`);
    expect(dword(run("bare-metal", source).machine, 0x500)).toBe(13);
    expect(dword(run(technique, source).machine, 0x500)).toBe(0xffffffff);
  });

  it("IRET to a selector that PUSH CS gave changes no IF", () => {
    const source = protectedGuest(`
        sti
        push dword 2
        push cs
        push dword on
        iret
on:     pushfd
        pop eax
        and eax, 200h`);
    expect(register(run("bare-metal", source).machine, "RAX")).toBe(0n);
    expect(register(run(technique, source).machine, "RAX")).toBe(0x200n);
  });

  it("INT n is the exception: it traps, for the VMM's gates are for ring 0", () => {
    const source = guestWithTables("int 30\nresume: nop");
    expect(dword(run(technique, source).machine, 0x500)).toBe(30);
    expect(trapsOf(source)).toContain("#GP: int 0x1e");
  });

  it("with CR4.UMIP five of them trap, and tell the truth", () => {
    const source = protectedGuest("mov eax, 800h\n mov cr4, eax\n sgdt [700h]\n mov eax, [702h]");
    expect(register(run(technique, source).machine, "RAX")).toBe(0xf0000n);
    expect(trapsOf(source)).toContain("#GP: sgdt [0x700]");
  });
});

describe("exceptions and rings", () => {
  test.each([
    ["#DE", "xor ecx, ecx\n div ecx", 0],
    ["#UD", "ud2", 6],
    ["#GP of a bad selector", "mov ax, 50h\n mov ds, ax", 13],
    ["#GP of the null selector in SS", "xor ax, ax\n mov ss, ax", 13],
    ["#BR", "mov dword [700h], 5\n mov dword [704h], 6\n mov eax, 7\n bound eax, [700h]", 5],
  ])("%s is the guest's", (_, body, number) => {
    const source = guestWithTables(`${body}\n jmp finish\nresume: nop`);
    const hosted = run(technique, source).machine;
    const bare = run("bare-metal", source).machine;
    expect(dword(hosted, 0x500)).toBe(number);
    expect(dword(hosted, 0x504)).toBe(dword(bare, 0x504));
    expect(registersOf(hosted)).toEqual(registersOf(bare));
  });

  const toUser = (body: string): string =>
    guestWithTables(`
${toRing3("user", "50000h", "202h")}
user:   mov ax, 23h
        mov ds, ax
${body}
resume: nop`);

  test.each([
    ["INT n comes back to ring 0", "mov ecx, cs\n int 21", 21],
    ["CLI is #GP", "cli", 13],
    ["OUT is #GP without an I/O bitmap", "out 0E9h, al", 13],
    ["HLT is #GP", "hlt", 13],
    ["a kernel segment is #GP", "mov ax, 10h\n mov ds, ax", 13],
    ["#DE", "xor ecx, ecx\n div ecx", 0],
  ])("from ring 3: %s", (_, body, number) => {
    const source = toUser(body);
    const hosted = run(technique, source).machine;
    const bare = run("bare-metal", source).machine;
    expect(dword(hosted, 0x500)).toBe(number);
    expect(registersOf(hosted)).toEqual(registersOf(bare));
    expect(dword(hosted, 0x504)).toBe(dword(bare, 0x504));
  });

  it("ring 3 stays ring 3, and IRET to it brings the guest's IF back", () => {
    const source = toUser("mov ecx, cs\n pushfd\n pop ebx\n.spin: jmp .spin");
    const { machine } = run(technique, source, 2000);
    expect(machine.cpl).toBe(3);
    expect(register(machine, "RCX")).toBe(0x1bn);
  });
});

describe("descriptor tables", () => {
  it("are traced: a changed descriptor is what the next load finds", () => {
    const source = guestWithTables(`
        mov dword [gdt + 10h], 0000FFFFh
        mov dword [gdt + 14h], 00CF9301h ; base 10000h
        mov ax, 10h
        mov fs, ax
        mov dword [fs:700h], 77h
resume: mov eax, [10700h]`);
    const { machine, events } = run(technique, source);
    expect(register(machine, "RAX")).toBe(0x77n);
    const traced = events.filter((event) => event.kind === "shadow" && event.class === "trace/protected");
    expect(traced.length).toBeGreaterThanOrEqual(2);
  });

  it("lie in pages whose other contents can be written as well", () => {
    const source = protectedGuest(`
        lgdt [gdtr]
        mov ecx, 5
.next:  inc dword [counter]
        sgdt [table]
        loop .next
        mov eax, [counter]
        mov ebx, [table + 2]
        jmp end
        align 4096
gdtr:   dw 23
        dd gdt
gdt:    dq 0, 00CF9B000000FFFFh, 00CF93000000FFFFh
counter: dd 0
table:  times 6 db 0
end:`);
    const { machine } = run(technique, source);
    expect(registersOf(machine, ["RAX", "RBX"])).toEqual({ RAX: "5", RBX: "ffc00000" });
  });

  it("cannot be written at their shadow: the address is the VMM's", () => {
    const { stop } = run(technique, protectedGuest("mov dword [0FFC00008h], 0"));
    expect(stop).toMatchObject({ kind: "stopped", reason: "unsupported" });
    expect((stop as { text: string }).text).toContain("linear address FFC00008h");
  });
});

describe("shadow paging", () => {
  const paged = (body: string): string =>
    guestWithTables(`
${identityPaging}
${body}`);
  const page = 0x21000 + 4 * 0x40;

  it("fills, upgrades and drops one entry at a time, and keeps the guest's accessed and dirty bits", () => {
    const source = paged(`
        mov eax, [40000h]
        mov ebx, [21000h + 4 * 40h]
        mov [40000h], eax
        mov ecx, [21000h + 4 * 40h]
        invlpg [40000h]
        mov eax, [40000h]
resume: nop`);
    const { machine, events } = run(technique, source);
    expect(registersOf(machine, ["RBX", "RCX"])).toEqual({ RBX: "40027", RCX: "40067" });
    const classes = events
      .filter((event) => event.kind === "shadow" && event.linear === "40000")
      .map((e) => (e.kind === "shadow" ? e.class : ""));
    expect(classes).toEqual(["missing shadow", "dirty/access", "INVLPG"]);
    expect(dword(machine, page)).toBe(0x40067);
  });

  test.each([
    ["a page that is not present", "mov dword [21000h + 4 * 40h], 0", "mov eax, [40000h]", 0],
    [
      "a write to a read-only page with CR0.WP",
      "mov dword [21000h + 4 * 40h], 40005h\n mov eax, cr0\n or eax, 10000h\n mov cr0, eax",
      "mov [40000h], eax",
      3,
    ],
  ])("passes on the fault of %s", (_, prepare, access, errorCode) => {
    const source = paged(`${prepare}\n ${access}\n jmp finish\nresume: mov ecx, cr2`);
    const { machine, events } = run(technique, source);
    expect([dword(machine, 0x500), dword(machine, 0x504)]).toEqual([14, errorCode]);
    expect(register(machine, "RCX")).toBe(0x40000n);
    expect(events.some((event) => event.kind === "shadow" && event.class === "true guest fault")).toBe(true);
    expect(registersOf(machine)).toEqual(registersOf(run("bare-metal", source).machine));
  });

  it("lets the kernel write to a read-only page without CR0.WP, and no process", () => {
    const source = paged(`
        mov dword [21000h + 4 * 40h], 40005h
        mov dword [40000h], 55h
        mov eax, [40000h]
${toRing3("user", "50000h", "2")}
user:   mov cx, 23h
        mov ds, cx
        mov ebx, [40000h]
        mov dword [40000h], 66h
resume: mov ecx, cr2`);
    const hosted = run(technique, source).machine;
    expect(registersOf(hosted)).toEqual(registersOf(run("bare-metal", source).machine));
    expect([dword(hosted, 0x500), dword(hosted, 0x504), dword(hosted, 0x40000)]).toEqual([14, 7, 0x55]);
  });

  it("keeps a stale translation until the guest flushes it, as a TLB does", () => {
    const change = "mov eax, [40000h]\n mov dword [21000h + 4 * 40h], 41007h\n mov dword [41000h], 22h";
    const stale = paged(`mov dword [40000h], 11h\n ${change}\n mov ebx, [40000h]\nresume: nop`);
    const reload = "mov ecx, cr3\n mov cr3, ecx";
    const fresh = paged(`mov dword [40000h], 11h\n ${change}\n ${reload}\n mov ebx, [40000h]\nresume: nop`);
    for (const [source, value] of [
      [stale, 0x11n],
      [fresh, 0x22n],
    ] as const) {
      expect(register(run("bare-metal", source).machine, "RBX")).toBe(value);
      expect(register(run(technique, source).machine, "RBX")).toBe(value);
    }
  });
});

describe("equivalence with bare metal", () => {
  const folder = new URL("../../../examples/", import.meta.url);
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith(".asm") && name !== "sieve.asm" && name !== "silent-lies.asm")
    .map((name) => [name, readFileSync(new URL(name, folder), "utf8")] as const)
    .filter(([, source]) => source.includes("%pragma ringside mode protected"));

  test.each(sources)("%s", (_, source) => {
    const bare = run("bare-metal", source, 400_000, 16);
    const hosted = run(technique, source, 400_000, 16);
    expect(hosted.output).toBe(bare.output);
    expect(hosted.stop).toMatchObject({ kind: "stopped", reason: (bare.stop as { reason: string }).reason });
  });

  it("leaves the same memory", () => {
    const source = readFileSync(new URL("paging-two-level.asm", folder), "utf8");
    const [bare, hosted] = (["bare-metal", technique] as const).map((t) =>
      guestMemory(run(t, source, 400_000, 16).machine),
    );
    expect(Buffer.compare(bare!, hosted!)).toBe(0);
  });
});

/** A 32-bit guest that goes to long mode and back. */
const modeSwitch = protectedGuest(`
        mov dword [20000h], 21003h
        mov dword [21000h], 83h
        mov eax, 20h
        mov cr4, eax
        mov eax, 20000h
        mov cr3, eax
        mov ecx, 0C0000080h
        mov eax, 100h
        xor edx, edx
        wrmsr
        lgdt [gdtr]
        mov eax, 80000001h
        mov cr0, eax
        jmp 8:wide
        align 4096
gdtr:   dw 31
        dd gdt
gdt:    dq 0, 00AF9B000000FFFFh, 00CF93000000FFFFh, 00CF9B000000FFFFh
        align 4096
        bits 64
wide:   mov rbx, 123456789ABCDEFh
        sgdt [700h]
        mov r8, [702h]
        push qword 18h
        push narrow
        o64 retf
        bits 32
narrow: mov eax, 1
        mov cr0, eax
        sgdt [700h]
        mov ecx, [702h]
        mov ax, cs`);

describe("long mode", () => {
  it("is entered from 32-bit code and left again, with tables at the end of each address space", () => {
    const { machine, stop } = run(technique, modeSwitch);
    expect(stop).toMatchObject({ kind: "stopped", reason: "halted" });
    expect(registersOf(machine, ["RAX", "RCX"])).toEqual({ RAX: "19", RCX: "ffc00000" });
    const wide = machine.registers().find(({ name }) => name === "R8");
    if (wide) expect(wide.value).toBe(0xffff_ffff_ffc0_0000n);
  });

  const kernel = (body: string): string => `%pragma ringside mode long\n org 8000h\n bits 64\n${body}\n cli\n hlt`;

  test.each<[string, string, string[]]>([
    ["MOV from CS tells ring 3", "mov ax, cs", []],
    ["MOV from SS tells ring 3", "mov ax, ss", []],
    ["SGDT tells the shadow", "sgdt [700h]\n mov rax, [702h]", []],
    ["SIDT tells the shadow", "sidt [700h]\n mov rax, [702h]", []],
    ["STR tells of the VMM's TSS", "str ax", []],
    ["SMSW tells the real CR0", "smsw ax", []],
    ["PUSHF tells the real IF", "pushf\n pop rax", []],
    [
      "MOV from CR8 tells the truth",
      "mov eax, 5\n mov cr8, rax\n mov rbx, cr8",
      ["#GP: mov cr8, rax", "#GP: mov rbx, cr8"],
    ],
    ["SWAPGS", "swapgs", ["#GP: swapgs"]],
    ["SYSCALL without SCE is #UD for the guest, and a triple fault without an IDT", "syscall", ["#UD: syscall"]],
  ])("%s", (_, body, expected) => {
    const traps = trapsOf(kernel(body));
    expect(traps).toEqual(expected);
    if (expected.length > 0) return;
    const [bare, hosted] = (["bare-metal", technique] as const).map((t) =>
      register(run(t, kernel(body)).machine, "RAX"),
    );
    expect(hosted).not.toBe(bare);
  });

  it("says who runs at CPL 3, and why SYSCALL traps", () => {
    const { exits } = run(technique, kernel("swapgs\n syscall"));
    const whys = exits.filter(({ reason }) => reason !== "#PF").map(({ why }) => why);
    expect(whys[0]).toMatchObject({
      sentence: "SWAPGS is privileged. The guest's kernel believes to be at CPL 0, but runs at CPL 3.",
      rule: "CPL 3 > 0",
    });
    expect(whys[1]!.rule).toBe("real IA32_EFER.SCE = 0");
    const machine = boot(technique, kernel("syscall"));
    expect(machine.why()).toMatchObject({ outcome: "leaves", what: "syscall: #UD" });
  });

  it("stops where the guest uses the VMM's addresses", () => {
    const { stop } = run(technique, kernel("sgdt [700h]\n mov rax, [702h]\n mov rbx, [rax]"));
    expect(stop).toMatchObject({ kind: "stopped", reason: "unsupported" });
    expect((stop as { text: string }).text).toContain("linear address FFFFFFFFFFC00000h");
  });
});

describe("what it does not do, it says by name", () => {
  test.each([
    ["real mode", "mov eax, 10h\n mov cr0, eax"],
    [
      "virtual-8086 mode",
      "push dword 0\n push dword 0\n push dword 0\n push dword 0\n push dword 0\n push dword 1000h\n push dword 20002h\n push dword 0\n push dword 0\n iret",
    ],
  ])("%s", (what, body) => {
    const { stop } = run(technique, protectedGuest(body));
    expect(stop).toMatchObject({ kind: "stopped", reason: "unsupported" });
    expect((stop as { text: string }).text).toContain(what);
  });
});

describe("going back", () => {
  test.each(["timer.asm", "user-mode.asm", "paging-two-level.asm", "ring-compression.asm"])(
    "repeats %s from any moment",
    (name) => {
      const source = readFileSync(new URL(`../../../examples/${name}`, import.meta.url), "utf8");
      const machine = boot(technique, source, 16);
      const first = outcome(machine, machine.run({ steps: 100_000 }));
      const end = machine.now;
      for (const moment of [0, 1, 57, 120, end - 3]) {
        machine.goTo(moment);
        expect(machine.now).toBe(moment);
        expect(outcome(machine, machine.run({ steps: 100_000 })).events).toEqual(first.events);
        expect(machine.now).toBe(end);
      }
    },
  );
});
