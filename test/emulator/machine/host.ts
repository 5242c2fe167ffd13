import type {
  ComputerConfiguration,
  HostConfiguration,
  VmConfiguration,
} from "../../../emulator/configuration/machine-configuration.ts";
import { Machine } from "../../../emulator/index.ts";
import { timerTicks } from "../vmm/setup.ts";
import { assembled, configurationOf } from "./program.ts";

/** A VM with a program. */
export function vmWith(name: string, text: string, over: Partial<VmConfiguration> = {}): VmConfiguration {
  const { technique: _, ...guest } = configurationOf(assembled(text), { memory: 4 });
  return { name, ...guest, ...over };
}

export const hosted = (
  host: HostConfiguration,
  vms: readonly VmConfiguration[],
  over: Partial<ComputerConfiguration> = {},
): Machine => new Machine({ technique: "vtx-ept", host, vms, ...over });

/** Counts at 200000h for ever. */
export const spinner = `bits 32
        org 100000h
.count: inc dword [200000h]
        jmp .count
`;

/** Prints what is typed. */
export const echo = `bits 32
        org 100000h
poll:   mov dx, 3FDh
        in al, dx
        test al, 1
        jz poll
        mov dx, 3F8h
        in al, dx
        out 0E9h, al
        jmp poll
`;

/** Every `period` clocks of the timer, of 838 ns, it wakes, counts to `work`, prints a dot and sleeps. */
export const ticker = (period: number, work: number): string => `bits 32
        org 100000h
        mov esp, 180000h
        lidt [idtr]
${timerTicks(period)}
.sleep: sti
        hlt
        cli
        mov ecx, ${work}
.work:  loop .work
        mov al, '.'
        out 0E9h, al
        jmp .sleep

tick:   push eax
        mov al, 20h
        out 20h, al
        pop eax
        iret

        align 8
idt:    times 20h dq 0
        dw tick, 8, 8E00h, 10h
idtr:   dw $ - idt - 1
        dd idt
`;
