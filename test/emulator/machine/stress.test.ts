import fc from "fast-check";
import { expect, test } from "vitest";
import type { Machine } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { timerTicks } from "../vmm/setup.ts";
import { machineWith } from "./program.ts";

/**
 * Everything at once: paging with two mappings of the same memory, a timer whose interrupts come every few hundred steps,
 * and a hot loop whose code is overwritten through the other mapping, with TLB flushes in between.
 */
const guest = `bits 32
org 8000h
      mov esp, 80000h
      mov edi, 200000h
      mov eax, 3
    map: mov [edi+1000h], eax
      add edi, 4
      add eax, 1000h
      cmp eax, 400003h
      jb map
      mov dword [200000h], 201003h
      mov dword [200004h], 201003h
      mov eax, 200000h
      mov cr3, eax
      mov eax, cr0
      or eax, 80000000h
      mov cr0, eax
      lidt [idtr]
${timerTicks(37, "square wave")}
      sti
    work:
      mov ebp, 400
    inner:
      add ebx, ecx
      rol ebx, 5
    patch: add ebx, 12345678h
      mov eax, ebx
      and eax, 0FFCh
      add [300000h + eax], ebx
      xor ebx, [700000h + eax]
      dec ebp
      jnz inner
      mov [patch + 2 + 400000h], ebx
      mov eax, cr3
      test ebx, 10h
      jz skip
      mov cr3, eax
    skip:
      inc ecx
      cmp ecx, 40
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
      dd idt`;

const stateOf = (machine: Machine) => ({
  now: machine.now,
  cycle: machine.cycle,
  instructions: machine.instructions,
  registers: machine.registers(),
  rest: JSON.parse(JSON.stringify(machine.save())),
  events: machine.events(0, Number.MAX_SAFE_INTEGER),
});

test.each([
  "bare-metal",
  "trap-and-emulate",
  "binary-translation",
  "vtx-ept",
] as const satisfies readonly TechniqueId[])(
  "translated, interpreted and travelled runs are the same run: %s",
  (technique) => {
    const [quick, exact] = [true, false].map((translate) => machineWith(guest, { technique, translate, memory: 4 }));
    for (const machine of [quick!, exact!]) machine.run({ steps: 1_000_000 });
    const last = stateOf(exact!);
    expect(exact!.stopped).toMatchObject({ reason: "halted" });
    expect(stateOf(quick!)).toEqual(last);
    fc.assert(
      fc.property(fc.nat(last.now - 1), (k) => {
        for (const machine of [quick!, exact!]) machine.goTo(k);
        expect(stateOf(quick!)).toEqual(stateOf(exact!));
        quick!.run({ steps: 1_000_000 });
        expect(stateOf(quick!)).toEqual(last);
      }),
      { numRuns: 4 },
    );
  },
);
