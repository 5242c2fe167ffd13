import { describe, expect, test } from "vitest";
import type { Machine, MachineEvent } from "../../../../emulator/index.ts";
import { machineWith } from "../../machine/program.ts";

/** Traps that end the guest, with the vector in BL and the error code in ECX; and what ends it otherwise. */
const source32 = (body: string, data = "") => `%pragma ringside mode xen
      org 100000h
      bits 32
%macro hypercall 1-*
  %if %0 > 1
      mov ebx, %2
  %endif
  %if %0 > 2
      mov ecx, %3
  %endif
  %if %0 > 3
      mov edx, %4
  %endif
  %if %0 > 4
      mov esi, %5
  %endif
      mov eax, %1
      int 82h
%endmacro
; Lets user mode have a page.
%macro share 1
      mov eax, %1
      call frame
      or eax, 7
      hypercall 14, %1, eax, 0, 2
%endmacro
      mov [info], esi
      hypercall 0, traps
      hypercall 3, 0E021h, stack
      ${body}
finish:
      mov ebp, 1
      hypercall 29, 2, zero
ud:   mov bl, 6
      xor ecx, ecx
      jmp trapped
nm:   mov bl, 7
      mov ecx, cr0
      jmp trapped
gp:   mov bl, 13
      pop ecx
      jmp trapped
pf:   mov bl, 14
      pop ecx
trapped:
      ; Coming from user mode, the kernel finds no data segments of its own.
      mov dx, 0E021h
      mov ds, dx
      mov [vector], bl
      mov [code], ecx
      hypercall 29, 2, zero
; Linear address EAX to the machine address of its frame.
frame: shr eax, 12
      mov edx, [info]
      mov edx, [edx + 68]
      mov eax, [edx + eax * 4]
      shl eax, 12
      ret
zero: dd 0
info: dd 0
vector: dd 0
code: dd 0
%macro trap 3
      db %1, %2
      dw 0E019h
      dd %3
%endmacro
traps: trap 6, 0, ud
      trap 7, 0, nm
      trap 13, 0, gp
      trap 14, 0, pf
%ifdef SYSTEM_CALL
      trap 80h, 3, system_call
%endif
      trap 0, 0, 0
${data}
      align 4096
page: times 4096 db 0
      times 1024 db 0
stack:`;

interface Outcome {
  readonly machine: Machine;
  readonly text: string;
  readonly events: readonly MachineEvent[];
  /** Vector and error code, where the guest ended by a trap. */
  readonly trap: readonly [number, number] | undefined;
  readonly eax: number;
  readonly edi: number;
}

function outcomeOf(source: string): Outcome {
  const machine = machineWith(source, { technique: "paravirtualization", memory: 4, translate: false });
  const stop = machine.run({ steps: 20_000 });
  const register = (name: string) => Number(machine.registers().find((found) => found.name === name)?.value ?? 0n);
  const events = machine.events(0, Number.MAX_SAFE_INTEGER);
  const trapped = register("EBP") !== 1;
  const injected = events.filter((event) => event.kind === "inject").at(-1);
  return {
    machine,
    text: stop.kind === "stopped" ? stop.text : stop.kind,
    events,
    trap: trapped && injected?.kind === "inject" ? [injected.vector, injected.errorCode ?? 0] : undefined,
    eax: register("EAX"),
    edi: register("EDI"),
  };
}

const run = (body: string, data?: string): Outcome => outcomeOf(source32(body, data));
const handled = ({ events }: Outcome): string[] =>
  events.flatMap((event) => (event.kind === "entry" ? [event.handled] : []));
const exits = ({ events }: Outcome): string[] =>
  events.flatMap((event) => (event.kind === "exit" ? [event.reason] : []));
const toUser = (user: string) =>
  `share 100000h\n share page + 1000h\n push 0E033h\n push stack\n push 202h\n push 0E02Bh\n push ${user}\n iret`;
const iopl = "hypercall 33, 6, level";
const level = "level: dd 1";

describe("privileged instructions of a 32-bit kernel", () => {
  test.each([
    ["hlt", "hlt"],
    ["lgdt", "lgdt [zero]"],
    ["lidt", "lidt [zero]"],
    ["ltr", "mov ax, 8\n ltr ax"],
    ["invlpg", "invlpg [zero]"],
    ["a change of CR0 beyond TS", "mov eax, cr0\n xor eax, 4\n mov cr0, eax"],
    ["an MSR that there is not", "mov ecx, 12345678h\n rdmsr"],
    ["a frame of data as CR3", "mov eax, page\n call frame\n mov cr3, eax"],
    ["CLI without IOPL", "cli"],
    ["OUT without IOPL", "out 80h, al"],
  ])("%s is the guest's #GP", (_, body) => {
    expect(run(body).trap).toEqual([13, 0]);
  });

  test.each([
    ["CLTS", "hypercall 5, 1\n clts\n mov edi, cr0\n and edi, 8", 0],
    ["MOV from CR3", "mov edi, cr3\n mov eax, [info]\n mov eax, [eax + 60]\n call frame\n sub edi, eax", 0],
    ["MOV to CR3, the same", "mov eax, cr3\n mov cr3, eax\n mov edi, 5", 5],
    ["MOV to CR0, TS alone", "mov eax, cr0\n or eax, 8\n mov cr0, eax\n mov edi, cr0\n and edi, 8", 8],
    ["MOV to CR2", "mov eax, 1234h\n mov cr2, eax\n mov edi, cr2", 0x1234],
    ["MOV to DR0", "mov eax, page\n mov dr0, eax\n mov edi, dr0\n sub edi, page", 0],
    ["RDMSR of IA32_EFER: no-execute pages", "mov ecx, 0C0000080h\n rdmsr\n mov edi, eax", 0x800],
    ["WRMSR, which is dropped", "mov ecx, 174h\n mov eax, 8\n xor edx, edx\n wrmsr\n rdmsr\n mov edi, eax", 0],
    ["WBINVD", "wbinvd\n mov edi, 5", 5],
    ["CLI, which does nothing", `${iopl}\n cli\n pushfd\n pop edi\n and edi, 200h`, 0x200],
    ["IN of a port of Xen's", `${iopl}\n in al, 21h\n movzx edi, al`, 0xff],
    ["OUT and IN of others", `${iopl}\n mov al, 5Ah\n out 70h, al\n mov edi, 5`, 5],
    ["CPUID by the prefix", 'mov eax, 40000000h\n ud2\n db "xen"\n cpuid\n mov edi, ebx', 0x566e_6558],
  ])("%s", (_, body, edi) => {
    const outcome = run(body, level);
    expect(outcome.trap).toBeUndefined();
    expect(outcome.edi).toBe(edi);
  });

  test("POPF leaves the interrupt flag alone, without a trap", () => {
    const outcome = run("push 2\n popfd\n pushfd\n pop edi\n and edi, 200h");
    expect(outcome.edi).toBe(0x200);
    expect(exits(outcome)).toEqual(["INT 82h", "INT 82h", "INT 82h"]);
  });

  test("CPUID runs natively", () => {
    const outcome = run("mov eax, 40000000h\n cpuid\n mov edi, ebx");
    expect(exits(outcome)).toHaveLength(3);
    expect(outcome.edi).not.toBe(0x566e_6558);
  });
});

describe("traps", () => {
  test("#UD comes to the handler", () => {
    expect(run("ud2").trap).toEqual([6, 0]);
  });

  test("#NM comes once, and CR0.TS is clear then", () => {
    const outcome = run("hypercall 5, 1\n fninit");
    expect(outcome.trap).toEqual([7, 0]);
    expect(outcome.machine.registers().find(({ name }) => name === "CR0")!.value & 8n).toBe(0n);
  });

  test("without a handler Xen crashes the domain, and says why", () => {
    expect(run("hypercall 0, 0\n ud2").text).toMatch(
      /^Xen crashed the domain: there was #UD at .*, and it has set no handler/,
    );
  });

  test("a kernel stack that is not mapped crashes it too", () => {
    const outcome = run(`hypercall 3, 0E021h, 30000000h\n ${toUser("user")}`, "user: ud2");
    expect(outcome.text).toMatch(/kernel stack at .* cannot be written/);
  });

  test("INT 80h of user mode goes straight to the kernel, and comes to Xen nowhere", () => {
    const outcome = outcomeOf(
      `%define SYSTEM_CALL\n${source32(toUser("user"), "user: mov edi, 1\n int 80h\n jmp user\nsystem_call: mov edi, cs\n and edi, 3\n jmp finish")}`,
    );
    expect(outcome.edi).toBe(1);
    // Five are hypercalls of the kernel.
    expect(exits(outcome)).toEqual(["INT 82h", "INT 82h", "INT 82h", "INT 82h", "INT 82h"]);
  });

  test.each([
    ["a hypercall", "int 82h", 0x82 * 8 + 2],
    ["a software interrupt without a handler", "int 40h", 0x40 * 8 + 2],
    ["CLI", "cli", 0],
    ["MOV from CR3", "mov eax, cr3", 0],
  ])("%s of user mode is #GP", (_, body, code) => {
    expect(run(toUser("user"), `user: ${body}`).trap).toEqual([13, code]);
  });

  test("the frame of an upcall has the mask beside CS, and iret restores it", () => {
    const outcome = run(
      `hypercall 4, 0E019h, upcall, 0E019h, ud
       mov eax, page
       mov ecx, [info]
       mov ecx, [ecx + 36]
       or ecx, 3
       hypercall 14, eax, ecx, 0, 2
       hypercall 32, 7, ipi
       hypercall 32, 9, ipi.port
       hypercall 32, 4, ipi.port
       mov byte [page + 1], 0
       hypercall 17, 0
       movzx eax, byte [page + 1]
       add edi, eax`,
      `ipi: dd 0
.port: dd 0
upcall: mov byte [page], 0
       mov edi, [esp + 4]
       push eax
       mov eax, 23
       int 82h`,
    );
    expect(outcome.trap).toBeUndefined();
    expect(outcome.edi).toBe(0xe019);
    expect(handled(outcome).some((text) => text.includes("called the guest's event handler"))).toBe(true);
  });
});

describe("memory", () => {
  test("the machine-to-physical table can be read, and tells pages from frames", () => {
    const outcome = run(
      "mov eax, page\n call frame\n shr eax, 12\n mov edi, [0F5800000h + eax * 4]\n shl edi, 12\n sub edi, page",
    );
    expect(outcome.edi).toBe(0);
  });

  test.each([
    ["writing to it", "mov [0F5800000h], eax", [14, 3]],
    ["reading Xen's descriptor tables", "mov eax, [0FC000000h]", [13, 0]],
    ["writing Xen's descriptor tables", "mov [0FC00E000h], eax", [13, 0]],
    ["writing a page table", "mov eax, [info]\n mov eax, [eax + 60]\n mov [eax], ebx", [14, 3]],
    ["what is not mapped", "mov eax, [30000000h]", [14, 0]],
  ] as const)("%s is a fault", (_, body, trap) => {
    expect(run(body).trap).toEqual(trap);
  });

  const writable = "hypercall 21, 0, 2";
  /** EAX: linear address of the level-1 entry for the page. The first level-1 table is the fourth of the tables. */
  const entry = "mov ecx, page\n shr ecx, 9\n mov eax, [info]\n mov eax, [eax + 60]\n lea eax, [eax + ecx + 3000h]";

  test("a writable page table: a valid entry is written", () => {
    const outcome = run(
      `${writable}\n ${entry}\n mov edi, [eax]\n and dword [eax], ~2\n sub edi, [eax]\n mov [page], edi`,
    );
    // The write to the page, which is read-only now, faults.
    expect(outcome.trap).toEqual([14, 3]);
    expect(outcome.edi).toBe(2);
    expect(
      handled(outcome).some((text) => /validated the guest's write to its page table, and made it: entry/.test(text)),
    ).toBe(true);
  });

  test("a writable page table: an entry for a frame of Xen's is the guest's page fault", () => {
    const outcome = run(`${writable}\n ${entry}\n mov dword [eax], 1003h`);
    expect(outcome.trap).toEqual([14, 3]);
    expect(
      handled(outcome).some((text) => /passed #PF to the guest's handler: frame 1h belongs to Xen/.test(text)),
    ).toBe(true);
  });

  test("an LDT is checked and mapped when it is used first", () => {
    const outcome = run(
      `mov dword [page], 0000FFFFh
       mov dword [page + 4], 00CFB300h
       mov eax, page
       call frame
       or eax, 1
       hypercall 14, page, eax, 0, 2
       mov dword [op], 13
       mov dword [op + 4], page
       mov dword [op + 8], 1
       hypercall 26, op, 1, 0, 7FF0h
       mov ax, 5
       mov fs, ax
       mov edi, [fs:page]
       and edi, 0FFFFh`,
      "op: dd 0, 0, 0",
    );
    expect(outcome.trap).toBeUndefined();
    // The limit is cut off in front of Xen.
    expect(outcome.edi).toBe(0x67ff);
    expect(handled(outcome).some((text) => text.startsWith("mapped page 0 of the guest's LDT"))).toBe(true);
  });
});

describe("waiting", () => {
  /** The ticker bound to a port, and the page of information that Xen shares mapped at `page`. */
  const ticker = `hypercall 32, 1, bind
       mov eax, page
       mov ecx, [info]
       mov ecx, [ecx + 36]
       or ecx, 3
       hypercall 14, eax, ecx, 0, 2`;

  test("for nothing that could come ends the run with a sentence", () => {
    expect(run("hypercall 29, 1, 0").text).toBe(
      "The guest waits for an event (sched_op block), and none is going to come.",
    );
  });

  test("for the ticker, whose event is masked, does so too", () => {
    const outcome = run(
      `${ticker}
       mov dword [page + 880h], -1
       hypercall 29, 1, 0`,
      "bind: dd 0, 0\n.port: dd 0",
    );
    expect(outcome.text).toBe("The guest waits for an event (sched_op block), and none is going to come.");
  });

  test("in poll ends by its timeout", () => {
    const outcome = run("hypercall 29, 3, poll\n mov edi, 5", "poll: dd 0, 0\n dq 3000000");
    expect(outcome.edi).toBe(5);
    expect(handled(outcome)).toContain("waited in poll until the timeout of poll came");
  });

  test("the ticker of 100 Hz is there until it is stopped", () => {
    const outcome = run(
      `${ticker}
       hypercall 29, 3, poll
       mov edi, [page + 32 + 16]`,
      "bind: dd 0, 0\n.port: dd 0\npoll: dd bind.port, 1\n dq 0",
    );
    expect(outcome.edi).toBeGreaterThanOrEqual(10_000_000);
    expect(outcome.edi).toBeLessThan(10_100_000);
  });
});
