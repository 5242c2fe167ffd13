/** Register offsets. */
export const localRegister = {
  id: 0x20,
  version: 0x30,
  taskPriority: 0x80,
  arbitration: 0x90,
  processorPriority: 0xa0,
  endOfInterrupt: 0xb0,
  logicalDestination: 0xd0,
  destinationFormat: 0xe0,
  spurious: 0xf0,
  inService: 0x100,
  triggerMode: 0x180,
  requests: 0x200,
  errors: 0x280,
  command: 0x300,
  commandHigh: 0x310,
  timer: 0x320,
  thermal: 0x330,
  performance: 0x340,
  lint0: 0x350,
  lint1: 0x360,
  error: 0x370,
  initialCount: 0x380,
  currentCount: 0x390,
  divide: 0x3e0,
} as const;
const at = localRegister;

/** Where its page of registers is. */
export const localApicBase = 0xfee0_0000;

/** Of a local vector. */
export const masked = 0x1_0000;

/** Bits of each local vector that can be written. */
export const localVectors: Readonly<Record<number, number>> = {
  [at.timer]: 0x7_00ff,
  [at.thermal]: 0x1_07ff,
  [at.performance]: 0x1_07ff,
  [at.lint0]: 0x1_a7ff,
  [at.lint1]: 0x1_a7ff,
  [at.error]: 0x1_00ff,
};

/** What software has written. Plain JSON. */
export interface Registers {
  taskPriority: number;
  logicalDestination: number;
  destinationFormat: number;
  spurious: number;
  /** ESR as software reads it, and what has been seen since it was last written. */
  errors: number;
  seen: number;
  command: number;
  commandHigh: number;
  divide: number;
  local: Record<number, number>;
}

export const afterReset = (): Registers => ({
  taskPriority: 0,
  logicalDestination: 0,
  destinationFormat: 0xffff_ffff,
  spurious: 0xff,
  errors: 0,
  seen: 0,
  command: 0,
  commandHigh: 0,
  divide: 0,
  local: Object.fromEntries(Object.keys(localVectors).map((offset) => [offset, masked])),
});
