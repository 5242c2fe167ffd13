import { assemble } from "../../../assembler/index.ts";
import {
  createMachine,
  type Machine,
  type MachineEvent,
  type MachineInterface,
  type Stop,
} from "../../../emulator/index.ts";
import { startModeOf } from "../../../emulator/memory/start-modes.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { gate, timerTicks, toRing3 } from "./setup.ts";

/** A machine with the guest of an assembly source, 1 MiB of memory unless told. */
export function boot(technique: TechniqueId, source: string, memory = 1, translate = false): Machine {
  const { bytes, origin, bits, problems, settings } = assemble({ file: "guest.asm", text: source });
  const errors = problems.filter((problem) => problem.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((e) => `line ${e.range.line + 1}: ${e.message}`).join("\n"));
  const mode = startModeOf(settings.mode ?? "real", bits);
  return createMachine({ technique, image: bytes, origin, mode, memory, translate });
}

export interface Outcome {
  readonly machine: MachineInterface;
  readonly stop: Stop;
  readonly events: readonly MachineEvent[];
  readonly exits: readonly (MachineEvent & { kind: "exit" })[];
  readonly output: string;
}

const everything = 1_000_000;

/** Runs a guest to its end, at most `steps` steps. */
export function run(technique: TechniqueId, source: string, steps = 200_000, memory = 1): Outcome {
  const machine = boot(technique, source, memory);
  const stop = machine.run({ steps });
  return outcome(machine, stop);
}

export function outcome(machine: MachineInterface, stop: Stop): Outcome {
  const events = machine.events(0, everything);
  const exits = events.filter((event) => event.kind === "exit");
  const output = events.flatMap((event) => (event.kind === "output" ? [event.text] : [])).join("");
  return { machine, stop, events, exits, output };
}

/** Value of a register by its 64-bit name, of the name that goes with the mode. */
export function register(machine: MachineInterface, name: string): bigint {
  const narrow = name.replace(/^R(?=[A-Z])/, machine.bits === 64 ? "R" : "E");
  const found = machine.registers().find((view) => view.name === narrow);
  if (!found) throw new Error(`no register ${name}`);
  return found.value;
}

export const general = ["RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI", "RIP"] as const;

/** The registers a program leaves, by name, as hexadecimal text. */
export const registersOf = (machine: MachineInterface, names: readonly string[] = general): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, register(machine, name).toString(16)]));

/** A doubleword of guest-physical memory. */
export function dword(machine: MachineInterface, address: number): number {
  const bytes = machine.readMemory("guest-physical", BigInt(address), 4);
  return bytes.reduce<number>((value, byte, n) => value + (byte ?? 0) * 2 ** (8 * n), 0);
}

/** Guest memory where the guests have something: 192 KiB from 0, 64 KiB from 1 MiB, and the last 64 KiB. */
export function guestMemory(machine: MachineInterface): Uint8Array {
  const end = machine.guest.memory * 2 ** 20;
  const read = (at: number, length: number) => machine.readMemory("guest-physical", BigInt(at), length);
  const parts = [...read(0, 0x3_0000), ...read(0x10_0000, 0x1_0000), ...read(end - 0x1_0000, 0x1_0000)];
  return Uint8Array.from(parts, (byte) => byte ?? 0);
}

/** A 32-bit guest that starts flat at CPL 0. Ends with CLI and HLT. */
export const protectedGuest = (body: string): string => `
%pragma ringside mode protected
        org 8000h
        bits 32
${body}
        cli
        hlt
`;

const stubs = Array.from(
  { length: 32 },
  (_, n) => `        push dword ${n}\n        jmp near taken\n        align 8\n`,
).join("");

/**
 * As `protectedGuest`, with an interrupt table: exception n stores n at 500h and its error code (or the return address
 * where it has none) at 504h and goes on at \`resume\`, which the body must define. GDT: 8 code, 10h data, 18h | 3 and 20h | 3 for
 * ring 3, 28h a TSS with its stack at 70000h.
 */
export const guestWithTables = (body: string): string => `
%pragma ringside mode protected
        org 8000h
        bits 32
        mov edi, idt
        mov eax, handlers
        mov ecx, 32
.gate:  mov edx, eax
        mov [edi], dx
        mov word [edi + 2], 8
        mov word [edi + 4], 0EE00h
        shr edx, 16
        mov [edi + 6], dx
        add edi, 8
        add eax, 8
        loop .gate
        lgdt [gdtr]
        lidt [idtr]
        jmp 8:loaded
loaded: mov ax, 10h
        mov ss, ax
        mov ax, 28h
        ltr ax
        mov dword [500h], 0FFFFFFFFh
${body}
finish: cli
        hlt
        align 8
handlers:
${stubs}
taken:  pop dword [ss:500h]
        pop dword [ss:504h]
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 60000h
        jmp resume
gdtr:   dw gdtend - gdt - 1
        dd gdt
idtr:   dw 256 * 8 - 1
        dd idt
        align 4096
gdt:    dq 0, 00CF9B000000FFFFh, 00CF93000000FFFFh, 00CFFB000000FFFFh, 00CFF3000000FFFFh
        dw 67h, tss, 8900h, 0
gdtend:
        align 4096
tss:    dd 0, 70000h, 10h
        times 22 dd 0
        dw 0, 68h
        align 8
idt:    times 256 dq 0
`;

/** A guest with tables that single-steps through a body by TF, and counts the #DBs in ESI; its handler may do more. */
export const steppedGuest = (body: string, handler = ""): string =>
  guestWithTables(`
${gate("trap", "1", 0)}
        xor esi, esi
        xor edi, edi
        pushfd
        or dword [esp], 100h
        popfd
${body}
        pushfd
        and dword [esp], ~100h
        popfd
        jmp finish
trap:   inc esi
${handler}
        iret
resume: nop`);

/** A guest with tables whose ring 3 makes hypercall 11 by an instruction, and leaves the result in EBX. */
export const callFromRing3 = (instruction: string): string =>
  guestWithTables(`
${toRing3("user", "60000h", "2")}
user:   mov eax, 11
        ${instruction}
        mov ebx, eax
        ud2
resume:`);

/** A 32-bit guest with an interrupt of the PIT: PIT channel 0 at its fastest useful rate, IRQ 0 at vector 20h, counting at 500h; `wait` waits for it. */
export const timerGuest = (wait: string): string => `
%pragma ringside mode protected
        org 8000h
        bits 32
${gate("tick", "20h", 0)}
        lidt [idtr]
${timerTicks(100)}
        mov dword [500h], 0
${wait}
        cli
        hlt
tick:   push eax
        inc dword [500h]
        mov al, 20h
        out 20h, al
        pop eax
        iret
        align 8
idtr:   dw 21h * 8 - 1
        dd idt
        times 2 db 0
idt:    times 21h dq 0
`;
