import { describe, expect, it, test } from "vitest";
import { type InterceptName, intercepts } from "../../../emulator/svm/intercepts.ts";
import { boot, dword, guestWithTables, outcome, protectedGuest, register, run } from "./guest.ts";
import { identityTables, pagingOn } from "./setup.ts";
import { read, write } from "./vmcb.ts";

/** Runs a guest with one intercept more than the VMM sets. */
function intercepting(name: InterceptName, source: string) {
  const machine = boot("svm-npt", source);
  const { word, bit } = intercepts[name];
  write(machine, word, read(machine, word) | (1n << BigInt(bit)));
  return outcome(machine, machine.run({ steps: 10_000 }));
}

/** Each runs natively unless its intercept is set; then it leaves the guest before it has done anything. */
describe("intercepts that the VMM does not set", () => {
  test.each<[InterceptName, string, string, RegExp]>([
    ["PUSHF", "pushfd", "0", /^pushf/],
    ["POPF", "push dword 2\n popfd", "0", /^popf/],
    ["IRET", "iret", "0", /^iret/],
    ["SWINT", "int 80h", "80", /^int 80h$/],
    ["ICEBP", "int1", "0", /^int1$/],
    ["RDTSC", "rdtsc", "0", /^rdtsc$/],
    ["RDTSCP", "rdtscp", "0", /^rdtscp$/],
    ["RDPMC", "rdpmc", "0", /^rdpmc$/],
    ["INVLPG", "invlpg [12345h]", "12345", /^invlpg 12345h$/],
    ["INVPCID", "invpcid eax, [700h]", "0", /^invpcid$/],
    ["WBINVD", "wbinvd", "0", /^wbinvd$/],
    ["MONITOR", "monitor", "0", /^monitor$/],
    ["MWAIT", "xor ecx, ecx\n mwait", "0", /^mwait$/],
    ["IDTR_READ", "sidt [700h]", "0", /^sidt$/],
    ["GDTR_READ", "sgdt [700h]", "0", /^sgdt$/],
    ["LDTR_READ", "sldt ax", "0", /^sldt$/],
    ["TR_READ", "str ax", "0", /^str$/],
    ["IDTR_WRITE", "lidt [idtr]", "0", /^lidt$/],
    ["GDTR_WRITE", "lgdt [gdtr]", "0", /^lgdt$/],
    ["LDTR_WRITE", "xor eax, eax\n lldt ax", "0", /^lldt$/],
    ["TR_WRITE", "mov ax, 28h\n ltr ax", "0", /^ltr$/],
    ["CR0_SEL_WRITE", "mov ebx, cr0\n xor ebx, 20h\n mov cr0, ebx", "8000000000000003", /^mov cr0, ebx/],
    ["CR0_SEL_WRITE", "mov eax, cr0\n lmsw ax", "0", /^lmsw$/],
    ["TASK_SWITCH", "jmp 30h:0", "30", /^JMP to the task of TSS 30h$/],
  ])("%s: %s", (name, body, qualification, what) => {
    const source = guestWithTables(`${body}\n jmp finish\nresume:`).replace(
      "dw 67h, tss, 8900h, 0",
      "dw 67h, tss, 8900h, 0\n        dw 67h, 700h, 8900h, 0",
    );
    const { machine, exits, stop } = intercepting(name, source);
    const last = exits.at(-1)!;
    expect([last.number, last.reason]).toEqual([intercepts[name].code, `VMEXIT_${name}`]);
    expect(last.qualification).toBe(qualification);
    expect(last.what).toMatch(what);
    // The VMM did not ask for it, and says so.
    expect(stop).toMatchObject({ reason: "unsupported", text: `The VMM has no handler for the exit VMEXIT_${name}.` });
    expect(read(machine, "rip")).toBe(machine.rip);
    expect(run("svm-npt", source).exits.map(({ reason }) => reason)).not.toContain(`VMEXIT_${name}`);
  });

  it("let CR0 writes of TS and MP pass, and CLTS", () => {
    const { exits } = intercepting(
      "CR0_SEL_WRITE",
      guestWithTables("mov eax, cr0\n xor al, 10\n mov cr0, eax\n clts\nresume: nop"),
    );
    expect(exits.map(({ reason }) => reason)).not.toContain("VMEXIT_CR0_SEL_WRITE");
  });

  /** Where the manual checks exceptions first, there is no exit (APM Vol. 2, table 15-7). */
  test.each<[InterceptName, string, number]>([
    ["CR0_SEL_WRITE", "mov eax, 80000000h\n mov cr0, eax", 13],
    ["LDTR_WRITE", "db 0Fh, 0FFh", 6],
  ])("%s come after exceptions: %s", (name, body, vector) => {
    const { machine, exits } = intercepting(name, guestWithTables(`${body}\n jmp finish\nresume:`));
    expect(exits.map(({ reason }) => reason)).not.toContain(`VMEXIT_${name}`);
    expect(dword(machine, 0x500)).toBe(vector);
  });

  it("of exceptions give the error code, and of #PF the address, before CR2 is written", () => {
    const paging = `
        mov dword [20000h], 21007h
        mov dword [21000h + 4 * 8], 8007h
${pagingOn()}
        mov [123456h], eax
resume: nop`;
    const machine = boot("svm-npt", guestWithTables(paging));
    write(machine, "exceptions", read(machine, "exceptions") | (1n << 14n));
    const { exits } = outcome(machine, machine.run({ steps: 10_000 }));
    expect(exits.at(-1)).toMatchObject({ reason: "VMEXIT_EXCP14", number: 0x4e, qualification: "2" });
    expect([read(machine, "exitInfo2"), read(machine, "cr2")]).toEqual([0x123456n, 0n]);
    expect(exits.at(-1)!.fields.map(({ value }) => value)).toContain("123456h");
  });

  it("of INT3 leave RIP at it, with nRIP behind it", () => {
    const machine = boot("svm-npt", guestWithTables("int3\nresume: nop"));
    write(machine, "exceptions", read(machine, "exceptions") | (1n << 3n));
    machine.run({ steps: 10_000 });
    expect(read(machine, "exitCode")).toBe(0x43n);
    expect(read(machine, "nextRip")).toBe(read(machine, "rip") + 1n);
  });
});

describe("VMRUN", () => {
  const atCpuid = (body = "mov ebx, 5\n cpuid\n mov ecx, ebx") => {
    const machine = boot("svm-npt", protectedGuest(body));
    machine.run({ steps: 100, stopOnExit: (event) => event.kind === "exit" && event.reason === "VMEXIT_CPUID" });
    return machine;
  };

  it("stops the machine with the check that failed and the field", () => {
    const machine = atCpuid();
    write(machine, "asid", 0n);
    const stop = machine.run({ steps: 10 });
    expect(stop).toMatchObject({ kind: "stopped", reason: "vm-entry-failure" });
    expect((stop as { text: string }).text).toBe(
      "VMRUN failed (VMEXIT_INVALID): The ASID is not 0, which is the host's. Check asid.nonzero: Guest ASID (VMCB 058h) = 0h.",
    );
    expect(read(machine, "exitCode")).toBe(0xffff_ffff_ffff_ffffn);
    expect(outcome(machine, stop).exits.at(-1)).toMatchObject({ reason: "VMEXIT_INVALID", number: -1 });
  });

  it("loads rAX, rSP and rIP from the VMCB, and other general registers from nowhere", () => {
    const machine = atCpuid("mov ebx, 5\n cpuid\n nop\n nop");
    write(machine, "rsp", 0x1234n);
    machine.run({ steps: 1 });
    expect(register(machine, "RSP")).toBe(0x1234n);
  });

  it("and #VMEXIT move ES, CS, SS and DS, but leave FS, GS, LDTR and TR to VMSAVE and VMLOAD", () => {
    const machine = boot(
      "svm-npt",
      guestWithTables("mov ax, 23h\n mov es, ax\n mov fs, ax\n cpuid\n mov bx, fs\n mov cx, es\n jmp finish\nresume:"),
    );
    machine.run({ steps: 5000, stopOnExit: (event) => event.kind === "exit" && event.reason === "VMEXIT_CPUID" });
    expect([read(machine, "esSelector"), read(machine, "fsSelector")]).toEqual([0x23n, 0x10n]);
    write(machine, "fsSelector", 0x18n);
    write(machine, "esSelector", 0x10n);
    machine.run({ steps: 1 });
    machine.run({ steps: 2 });
    expect([register(machine, "RBX") & 0xffffn, register(machine, "RCX") & 0xffffn]).toEqual([0x23n, 0x10n]);
  });

  /** The guest has changed a page-table entry and not flushed its TLB; page 41h is global with `global`. */
  const staleEntry = (global: boolean) =>
    guestWithTables(`
${identityTables("100h")}
        mov dword [42000h], 42h
        mov dword [41000h], 41h
        mov dword [21000h + 4 * 41h], ${global ? "41107h" : "41007h"}
        mov eax, 80h
        mov cr4, eax
${pagingOn()}
        mov ebx, [41000h]
        mov dword [21000h + 4 * 41h], 42007h
        cpuid
        mov edi, [41000h]
        jmp finish
resume:`);
  test.each([
    ["nothing", 0n, false, 0x41n],
    ["everything", 1n, true, 0x42n],
    ["this guest's entries", 3n, true, 0x42n],
    ["this guest's entries that are not global", 7n, false, 0x42n],
    ["no global entries", 7n, true, 0x41n],
  ])("flushes %s for TLB_CONTROL %i, global %s", (_, command, global, found) => {
    const machine = boot("svm-npt", staleEntry(global));
    machine.run({ steps: 5000, stopOnExit: (event) => event.kind === "exit" && event.reason === "VMEXIT_CPUID" });
    write(machine, "tlbControl", command);
    machine.run({ steps: 1 });
    machine.run({ steps: 2 });
    expect(register(machine, "RDI")).toBe(found);
  });

  it("loads a group of registers only where its clean bit is 0", () => {
    const machine = atCpuid();
    expect(read(machine, "clean")).toBe(0xffff_ffffn);
    write(machine, "cr2", 0x777n);
    // A debugger's write clears the clean bits: the VMM knows that it cannot trust the cached state.
    expect(read(machine, "clean")).toBe(0n);
    machine.run({ steps: 1 });
    expect(register(machine, "CR2")).toBe(0x777n);
  });
});
