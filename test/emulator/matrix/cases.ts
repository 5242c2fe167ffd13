import { decode } from "../../../isa/decode.ts";
import type { Decoded } from "../../../isa/operands.ts";
import { assembled } from "../machine/program.ts";
import { guestWithTables } from "../vmm/guest.ts";
import { gate } from "../vmm/setup.ts";

/** A sensitive instruction where a guest kernel would use it. */
export interface Case {
  /** As the matrix lists it. */
  readonly name: string;
  readonly before?: string;
  readonly instruction: string;
  readonly after?: string;
}

const sysenterCs = "mov ecx, 174h\nmov eax, 8\nxor edx, edx\nwrmsr";
const sysenter = `${sysenterCs}
mov ecx, 175h
mov eax, 60000h
wrmsr
mov ecx, 176h
mov eax, entered
wrmsr`;

/** Code at `resume`, where an exception leads, ends the guest. */
export const cases: readonly Case[] = [
  // Descriptor-table registers.
  { name: "sgdt", instruction: "sgdt [scratch]" },
  { name: "sidt", instruction: "sidt [scratch]" },
  { name: "sldt", instruction: "sldt ax", before: "mov byte [gdt + 2Dh], 82h\nmov ax, 28h\nlldt ax\nxor eax, eax" },
  { name: "str", instruction: "str ax", before: "xor eax, eax" },
  { name: "lgdt", instruction: "lgdt [gdtr]" },
  { name: "lidt", instruction: "lidt [idtr]" },
  { name: "lldt", instruction: "lldt ax", before: "xor eax, eax" },
  { name: "ltr", instruction: "ltr ax", before: "and byte [gdt + 2Dh], 0FDh\nmov ax, 28h" },
  // Machine status and control registers.
  { name: "smsw", instruction: "smsw eax" },
  { name: "lmsw", instruction: "lmsw ax", before: "smsw ax\nor ax, 9" },
  { name: "clts", instruction: "clts" },
  { name: "mov r, cr0", instruction: "mov eax, cr0" },
  { name: "mov cr0, r", instruction: "mov cr0, eax", before: "mov eax, 11h" },
  { name: "mov r, cr2", instruction: "mov eax, cr2" },
  { name: "mov cr2, r", instruction: "mov cr2, eax", before: "mov eax, 1234h" },
  { name: "mov r, cr3", instruction: "mov eax, cr3" },
  { name: "mov cr3, r", instruction: "mov cr3, eax", before: "mov eax, 20000h" },
  { name: "mov r, cr4", instruction: "mov eax, cr4" },
  { name: "mov cr4, r", instruction: "mov cr4, eax", before: "mov eax, 10h" },
  { name: "mov r, dr7", instruction: "mov eax, dr7" },
  { name: "mov dr0, r", instruction: "mov dr0, eax", before: "mov eax, 1234h" },
  { name: "invlpg", instruction: "invlpg [scratch]" },
  { name: "invd", instruction: "invd" },
  { name: "wbinvd", instruction: "wbinvd" },
  // Flags and interrupts.
  { name: "pushf", instruction: "pushfd", before: "cli", after: "pop eax" },
  { name: "popf", instruction: "popfd", before: "sti\npush dword 2" },
  { name: "cli", instruction: "cli", before: "sti" },
  { name: "sti", instruction: "sti", after: "nop" },
  { name: "int n", instruction: "int 30", before: gate("soft") },
  { name: "int3", instruction: "int3", before: gate("soft", "3") },
  { name: "into", instruction: "into", before: `${gate("soft", "4")}\nmov al, 7Fh\nadd al, 1` },
  { name: "iret", instruction: "iretd", before: "pushfd\npush dword 8\npush dword after_it", after: "after_it: nop" },
  { name: "hlt", instruction: "hlt", before: "cli" },
  // Segments.
  { name: "mov r, cs", instruction: "mov eax, cs" },
  { name: "mov r, ds", instruction: "mov eax, ds" },
  { name: "mov r, ss", instruction: "mov eax, ss" },
  { name: "mov ds, r", instruction: "mov ds, ax", before: "mov ax, 10h" },
  { name: "mov ss, r", instruction: "mov ss, ax", before: "mov ax, 10h" },
  { name: "push cs", instruction: "push cs", after: "pop eax" },
  { name: "push ss", instruction: "push ss", after: "pop eax" },
  { name: "push ds", instruction: "push ds", after: "pop eax" },
  { name: "pop ds", instruction: "pop ds", before: "push dword 10h" },
  { name: "pop ss", instruction: "pop ss", before: "push dword 10h" },
  { name: "les", instruction: "les ebx, [far_pointer]" },
  { name: "lss", instruction: "lss esp, [far_stack]" },
  { name: "lar", instruction: "lar eax, ebx", before: "mov ebx, 8" },
  { name: "lsl", instruction: "lsl eax, ebx", before: "mov ebx, 11h" },
  { name: "verr", instruction: "verr bx", before: "mov bx, 11h" },
  { name: "verw", instruction: "verw bx", before: "mov bx, 11h" },
  { name: "call far", instruction: "call 8:routine" },
  { name: "jmp far", instruction: "jmp 8:after_it", after: "after_it: nop" },
  { name: "ret far", instruction: "retf", before: "push dword 8\npush dword after_it", after: "after_it: nop" },
  // Ports, MSRs, time.
  { name: "in", instruction: "in al, 61h" },
  { name: "out", instruction: "out 0E9h, al", before: "mov al, 'x'" },
  { name: "ins", instruction: "insb", before: "mov edi, scratch\nmov dx, 61h" },
  { name: "outs", instruction: "outsb", before: "mov esi, scratch\nmov dx, 0E9h" },
  { name: "rdmsr", instruction: "rdmsr", before: "mov ecx, 277h" },
  { name: "wrmsr", instruction: "wrmsr", before: "mov ecx, 277h\nrdmsr" },
  { name: "rdtsc", instruction: "rdtsc" },
  { name: "rdpmc", instruction: "rdpmc", before: "xor ecx, ecx" },
  { name: "cpuid", instruction: "cpuid", before: "xor eax, eax" },
  // Calls between rings.
  { name: "sysenter", instruction: "sysenter", before: sysenter, after: "entered: nop" },
  {
    name: "sysexit",
    instruction: "sysexit",
    before: `${sysenterCs}\nmov edx, in_user\nmov ecx, 3F000h`,
    after: "in_user: nop",
  },
];

/** A 32-bit guest kernel at CPL 0 that executes the case at the label \`at\`. */
export const guestOf = ({ before = "", instruction, after = "" }: Case): string =>
  guestWithTables(`
${before}
at:     ${instruction}
${after}
        jmp finish
soft:   iretd
routine: retf
resume: jmp finish
scratch: times 16 db 0
far_pointer: dd 1234h
        dw 10h
far_stack: dd 60000h
        dw 10h`);

const names = "scratch gdtr idtr far_pointer far_stack routine after_it".split(" ");

/** The instruction by itself, with any addresses. */
export function decodedOf({ instruction }: Case): Decoded {
  const { bytes } = assembled(`bits 32\norg 0\n${instruction}\n${names.map((name) => `${name}:\n`).join("")}`);
  const found = decode(bytes, 0, 32);
  if (typeof found === "string") throw new Error(`${instruction}: ${found}`);
  return found;
}
