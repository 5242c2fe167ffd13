import { bitsOf } from "../vmx/bit-layout.ts";
import type { Vmcb } from "./vmcb.ts";

/** Bits of the VMCB's doubleword 60h (APM Vol. 2, table B-1). */
const bit = {
  irq: 8,
  nmi: 11,
  nmiMask: 12,
  ignoreTpr: 20,
  masking: 24,
  nmiEnable: 26,
} as const;

const word = "virtualInterrupt";

/**
 * Virtual interrupts (APM Vol. 2, 15.21): what the VMM asks the processor to deliver as soon as the guest can take it. The fields
 * are the processor's registers while the guest runs.
 */
export const virtualInterrupt = {
  /** V_TPR: what the guest reads and writes as CR8. */
  tpr: (vmcb: Vmcb): number => vmcb.number(word) & 0xf,
  setTpr: (vmcb: Vmcb, value: number): void => {
    vmcb.set(word, ((vmcb.number(word) & ~0xf) | value) >>> 0);
  },
  /** V_IRQ: an interrupt is to be delivered. */
  wanted: (vmcb: Vmcb): boolean => vmcb.bit(word, bit.irq),
  setWanted: (vmcb: Vmcb, value: boolean): void => vmcb.setBit(word, bit.irq, value),
  /** V_IGN_TPR: V_TPR does not hold it back. */
  setIgnoreTpr: (vmcb: Vmcb, value: boolean): void => vmcb.setBit(word, bit.ignoreTpr, value),
  /** Its priority, V_INTR_PRIO, is above V_TPR, or that does not matter. */
  passesTpr: (vmcb: Vmcb): boolean =>
    vmcb.bit(word, bit.ignoreTpr) || Number(bitsOf(BigInt(vmcb.number(word)), 19, 16)) > (vmcb.number(word) & 0xf),
  /** V_INTR_MASKING: the guest's IF is for virtual interrupts only. */
  masking: (vmcb: Vmcb): boolean => vmcb.bit(word, bit.masking),
  setMasking: (vmcb: Vmcb, value: boolean): void => vmcb.setBit(word, bit.masking, value),
  /** V_NMI_ENABLE: NMIs are virtual; V_NMI is one that waits, V_NMI_MASK holds it back until the guest's IRET. */
  nmiEnabled: (vmcb: Vmcb): boolean => vmcb.bit(word, bit.nmiEnable),
  setNmiEnabled: (vmcb: Vmcb, value: boolean): void => vmcb.setBit(word, bit.nmiEnable, value),
  nmiWanted: (vmcb: Vmcb): boolean => vmcb.bit(word, bit.nmi),
  setNmiWanted: (vmcb: Vmcb, value: boolean): void => vmcb.setBit(word, bit.nmi, value),
  nmiMask: (vmcb: Vmcb): boolean => vmcb.bit(word, bit.nmiMask),
  setNmiMask: (vmcb: Vmcb, value: boolean): void => vmcb.setBit(word, bit.nmiMask, value),
} as const;
