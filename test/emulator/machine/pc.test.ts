import { describe, expect, test } from "vitest";
import { screenLines } from "../../../emulator/devices/screen.ts";
import { machineWith, outputOf } from "./program.ts";

const techniques = ["bare-metal", "trap-and-emulate", "binary-translation", "vtx-ept"] as const;

/** A 32-bit kernel: handlers for the keyboard (IRQ 1) and the disk (IRQ 14), whose events it counts. */
const kernel = (body: string) => `
  %pragma ringside mode protected
  bits 32
  org 10000h
  mov word [idt + 21h * 8], keyboard - 10000h
  mov word [idt + 2Eh * 8], disk - 10000h
  lidt [idtr]
  mov esi, words
  mov ecx, 10
.next: movzx edx, word [esi]
  mov al, [esi + 2]
  out dx, al
  add esi, 3
  loop .next
  sti
  mov edi, 0B8000h
${body}
  cli
  hlt
keyboard:
  push eax
  in al, 60h
  mov [edi], al
  mov byte [edi + 1], 7
  add edi, 2
  inc dword [keys]
  mov al, 20h
  out 20h, al
  pop eax
  iret
disk:
  push eax
  push edx
  mov dx, 1F7h
  in al, dx
  inc dword [transfers]
  mov al, 20h
  out 0A0h, al
  out 20h, al
  pop edx
  pop eax
  iret
keys: dd 0
transfers: dd 0
words:
%macro write 2
  dw %1
  db %2
%endmacro
  write 20h, 11h
  write 0A0h, 11h
  write 21h, 20h
  write 0A1h, 28h
  write 21h, 4
  write 0A1h, 2
  write 21h, 1
  write 0A1h, 1
  write 21h, 0F9h
  write 0A1h, 0BFh
idt:
%rep 30h
  dw 0, 8, 8E00h, 1
%endrep
idtr: dw 30h * 8 - 1
  dd idt
buffer: times 512 db 0
`;

/** Sector 1 of the disk is filled with letters. */
function disk(): Uint8Array {
  const image = new Uint8Array(16 * 63 * 512);
  for (let n = 0; n < 512; n++) image[512 + n] = 0x41 + (n % 26);
  return image;
}

describe.each(techniques)("a 32-bit kernel under %s", (technique) => {
  test("is interrupted by keys and shows their codes", () => {
    const machine = machineWith(kernel(".wait: hlt\n cmp dword [keys], 4\n jb .wait"), { technique });
    expect(machine.press("12")).toBeUndefined();
    expect(machine.run({ steps: 1e6 })).toMatchObject({ reason: "halted", text: /IF = 0/ });
    // Make and break codes 02h, 82h, 03h, 83h in code page 437.
    expect(screenLines(machine.screen)[0]).toBe("☻é♥â");
  });

  test("reads and writes the disk by programmed I/O", () => {
    const select = (sector: number, command: number) => `
  mov dx, 1F2h
  mov al, 1
  out dx, al
  inc dx
  mov al, ${sector}
  out dx, al
  inc dx
  xor al, al
  out dx, al
  inc dx
  out dx, al
  inc dx
  mov al, 0E0h
  out dx, al
  inc dx
  mov al, ${command}
  out dx, al`;
    const body = `
${select(1, 0x20)}
.read: hlt
  cmp dword [transfers], 1
  jb .read
  push edi
  mov edi, buffer
  mov ecx, 128
  mov dx, 1F0h
  cld
  rep insd
  pop edi
${select(3, 0x30)}
  mov esi, buffer
  mov ecx, 256
  mov dx, 1F0h
  rep outsw
.write: hlt
  cmp dword [transfers], 2
  jb .write
  mov esi, buffer
  mov ecx, 26
  mov dx, 0E9h
  rep outsb`;
    const machine = machineWith(kernel(body), { technique, drives: { disks: [disk()] } });
    expect(machine.run({ steps: 1e6 })).toMatchObject({ reason: "halted", text: /IF = 0/ });
    expect(outputOf(machine)).toBe("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    expect(machine.disk(0x80)!.slice(3 * 512, 4 * 512)).toEqual(disk().slice(512, 1024));
  });

  test("closes and opens address line 20", () => {
    const body = `
  mov dword [200000h], 'even'
  mov dword [300000h], 'odd '
  in al, 92h
  and al, 0FDh
  out 92h, al
  mov eax, [300000h]
  mov [.first], eax
  or byte [.port], 2
  mov al, [.port]
  out 92h, al
  mov eax, [300000h]
  mov [.second], eax
  mov esi, .first
  mov ecx, 8
  mov dx, 0E9h
  rep outsb
  jmp .end
.port: db 0
.first: dd 0
.second: dd 0
.end:`;
    const machine = machineWith(kernel(body), { technique });
    machine.run({ steps: 1e6 });
    expect(outputOf(machine)).toBe("evenodd ");
    const [end, bytes] = [machine.now, machine.bytes.slice()];
    for (let moment = end - 1; moment > 0; moment -= 37) {
      machine.goTo(moment);
      machine.run({ steps: 1e6 });
      expect([machine.now, outputOf(machine), Buffer.compare(machine.bytes, bytes)]).toEqual([end, "evenodd ", 0]);
    }
  });
});
