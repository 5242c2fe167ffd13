import { vmmLinear } from "../cpu/shadow-descriptors.ts";

/** Linear address of the page of the VMM's data that translated code reaches through GS. */
export const dataLinear = vmmLinear + 0xf_0000;
/** Linear address and bytes of the translation cache. */
export const cacheLinear = vmmLinear + 0x10_0000;
export const cacheBytes = 0x4_0000;

/** Offsets in the VMM's data. Doublewords unless said otherwise. */
export const slot = {
  /** The guest's IF and IOPL, in their places in EFLAGS. */
  flags: 0x00,
  /** Not 0: an interrupt waits for the guest's IF. */
  pending: 0x04,
  /** Where an indirect jump, call or return goes to in the guest. */
  target: 0x08,
  /** The guest's EAX and ECX while a sequence uses the registers. */
  eax: 0x0c,
  ecx: 0x10,
  /** The guest's selectors that the real registers do not hold. */
  cs: 0x14,
  ss: 0x18,
  gs: 0x1c,
  /** `flags` before the last STI: its shadow is none where IF was 1 already. */
  flagsBefore: 0x20,
  /** 256 bytes by bits 15:8 of an EFLAGS image: 1 where POPF must be left to the VMM; the image's IF with the present IOPL. */
  oddFlags: 0x100,
  virtualFlags: 0x200,
  /** 256 addresses by the low byte of a guest address: where in the cache to look for it. */
  lookup: 0x400,
} as const;

export type SavedRegister = "eax" | "ecx";
export const savedRegisters = { eax: 0, ecx: 1 } as const satisfies Record<SavedRegister, number>;
