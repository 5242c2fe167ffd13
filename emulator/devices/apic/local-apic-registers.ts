import { type Device, stateless } from "../device.ts";
import type { LocalApic } from "./local-apic.ts";
import { localApicBase } from "./local-apic-state.ts";

/** The page of registers at which each processor finds its own local APIC. Its state is the processors' (`processors.ts`). */
export function createLocalApicRegisters(present: () => LocalApic): Device {
  // Registers are 32 bits wide; accesses of other sizes are undefined (SDM Vol. 3, 11.4.1): here a byte is what the register has there.
  const read = (offset: number) => present().read(offset & 0xff0);
  return {
    ...stateless,
    name: "local APIC",
    regions: [
      {
        space: "memory",
        base: localApicBase,
        length: 0x1000,
        read: (offset) => (offset & 0xc ? 0 : (read(offset) >>> (8 * (offset & 3))) & 0xff),
        write: (offset, value) => present().write(offset & 0xff0, value),
        wide: {
          read: (offset) => (offset & 0xf ? 0 : read(offset)),
          write: (offset, _bytes, value) => {
            if ((offset & 0xf) === 0) present().write(offset, value);
          },
        },
      },
    ],
  };
}
