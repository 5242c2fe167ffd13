import { assemble } from "../../../assembler/index.ts";
import type { MachineConfiguration } from "../../../emulator/configuration/machine-configuration.ts";
import { createMachine, type Machine } from "../../../emulator/machine.ts";
import { refusal } from "../../../emulator/vmm/index.ts";
import { rows } from "../../../isa/table.ts";
import { type TechniqueId, techniques } from "../../../isa/technique.ts";
import { randomNumbers, randomOfRow } from "../engine/random-code.ts";

type Mode = Exclude<MachineConfiguration["mode"], "xen-32" | "xen-64">;

export interface Setting {
  readonly technique: TechniqueId;
  readonly mode: Mode;
}

const origin = 0x8000;
const payloadAt = 0x1000;
const payloadBytes = 0x2000;

/** Every exception begins again somewhere in the random bytes, with stack and data segments that work. */
const kernels: Readonly<Record<Mode, string>> = {
  real: `bits 16
org 8000h
      xor ax, ax
      mov ds, ax
      mov di, 0
      mov cx, 256
      mov es, ax
    each: mov word [di], handler
      mov word [di + 2], 0
      add di, 4
      loop each
    handler:
      xor ax, ax
      mov ds, ax
      mov es, ax
      mov ss, ax
      mov sp, 7000h
      mov bx, [cs:next]
      add bx, 61
      and bx, 1FFFh
      mov [cs:next], bx
      add bx, 9000h
      mov cx, 20
      mov si, 0C000h
      mov di, 0D000h
      jmp bx
    next: dw 0`,
  protected: `bits 32
org 8000h
      lgdt [gdtr]
      mov edi, 4000h
      mov ecx, 256
      mov eax, 80000h + handler
    each: mov [edi], eax
      mov dword [edi + 4], 8E00h
      add edi, 8
      loop each
      lidt [idtr]
      jmp 8:handler
    gdtr: dw 23
      dd gdt
    idtr: dw 7FFh
      dd 4000h
      align 8
    gdt: dq 0, 00CF9B000000FFFFh, 00CF93000000FFFFh
    next: dd 0
    handler:
      mov eax, 10h
      mov ds, eax
      mov es, eax
      mov ss, eax
      mov esp, 70000h
      mov ebx, [next]
      add ebx, 61
      and ebx, 1FFFh
      mov [next], ebx
      add ebx, 9000h
      mov ecx, 20
      mov esi, 20000h
      mov edi, 30000h
      mov ebp, 9800h
      jmp ebx`,
  long: `bits 64
org 8000h
      lgdt [rel gdtr]
      mov edi, 4000h
      mov ecx, 256
      mov eax, 80000h + handler
    each: mov [rdi], eax
      mov dword [rdi + 4], 8E00h
      mov qword [rdi + 8], 0
      add edi, 16
      loop each
      lidt [rel idtr]
      jmp far dword [rel target]
    target: dd handler
      dw 8
    gdtr: dw 23
      dq gdt
    idtr: dw 0FFFh
      dq 4000h
      align 8
    gdt: dq 0, 00AF9B000000FFFFh, 00CF93000000FFFFh
    next: dd 0
    handler:
      mov eax, 10h
      mov ss, eax
      mov esp, 70000h
      mov ebx, [rel next]
      add ebx, 61
      and ebx, 1FFFh
      mov [rel next], ebx
      add ebx, 9000h
      mov ecx, 20
      mov esi, 20000h
      mov edi, 30000h
      mov ebp, 9800h
      jmp rbx`,
};

const bitsOf = { real: 16, protected: 32, long: 64 } as const;
const images = new Map<Mode, Uint8Array>();

function kernel(mode: Mode): Uint8Array {
  const known = images.get(mode);
  if (known) return known;
  const { bytes, problems } = assemble({ file: "kernel.asm", text: kernels[mode] });
  const error = problems.find(({ severity }) => severity === "error");
  if (error) throw new Error(`line ${error.range.line + 1}: ${error.message}`);
  images.set(mode, bytes);
  return bytes;
}

/** The kernel of the mode and random bytes, with random instructions of the table among them. */
function imageOf(mode: Mode, seed: number): Uint8Array {
  const random = randomNumbers(seed);
  const image = new Uint8Array(payloadAt + payloadBytes);
  image.set(kernel(mode));
  let at = payloadAt;
  while (at < image.length - 24) {
    if (random(3) === 0) for (let n = random(6); n > 0; n--) image[at++] = random(256);
    const code = randomOfRow(random, rows[random(rows.length)]!, bitsOf[mode]) ?? [];
    image.set(code, at);
    at += code.length;
  }
  return image;
}

const summary = (machine: Machine) => ({
  now: machine.now,
  cycle: machine.cycle,
  stopped: machine.stopped,
  registers: machine.registers(),
  events: machine.events(0, Number.MAX_SAFE_INTEGER),
});

/** Both engines' account of a run of random bytes, and how many steps it took. */
export function runBoth({ technique, mode }: Setting, seed: number, steps: number) {
  const configuration = { technique, mode, image: imageOf(mode, seed), origin, memory: 1 };
  const [translated, interpreted] = [true, false].map((translate) => {
    const machine = createMachine({ ...configuration, translate });
    machine.run({ steps });
    return summary(machine);
  });
  return { translated: translated!, interpreted: interpreted!, steps: interpreted!.now };
}

const modes = ["real", "protected", "long"] as const;

/** Every technique in every mode that it takes. */
export const settings: readonly Setting[] = techniques
  .flatMap(({ id: technique }) => modes.map((mode) => ({ technique, mode })))
  .filter(({ technique, mode }) => refusal(technique, mode) === undefined);
