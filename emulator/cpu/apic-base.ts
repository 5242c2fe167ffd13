import { layout } from "./layout.ts";
import type { State } from "./state.ts";

/** IA32_APIC_BASE: where the local APIC's registers are, which does not change here; bit 11, it is on; bit 8, the boot processor. */
export const apicBase = { registers: 0xfee0_0000n, on: 0x800n, boot: 0x100n } as const;
export const apicBaseAfterReset = apicBase.registers | apicBase.on;

/** Whether the local APIC is on. */
export const hasLocalApic = (cpu: State): boolean => (cpu.r64[layout.apicBase >> 3]! & apicBase.on) !== 0n;
