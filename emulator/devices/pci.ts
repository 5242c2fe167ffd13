import type { Device, Region } from "./device.ts";

/** The one function on our bus 0: an Intel 440FX host bridge, as far as identification goes. */
const hostBridge = new Map<number, number>([
  [0x00, 0x1237_8086],
  // Class 06h (bridge), subclass 00h (host), revision 2.
  [0x08, 0x0600_0002],
]);

const enabled = 0x8000_0000;

/** The register that an address selects: CONFIG_ADDRESS bits 23:16 bus, 15:11 device, 10:8 function, 7:2 register. */
function configuration(address: number): number {
  if ((address & enabled) === 0 || (address & 0x00ff_ff00) !== 0) return 0xffff_ffff;
  return hostBridge.get(address & 0xfc) ?? 0;
}

/** Configuration mechanism #1 of PCI, ports CF8h and CFCh: a host bridge and nothing else. It has nothing to be written. */
export function createPci(): Device {
  let address = 0;
  const selector: Region = {
    space: "port",
    base: 0xcf8,
    length: 4,
    // Only a doubleword reaches the address register.
    read: () => 0xff,
    write: () => {},
    wide: {
      read: (_offset, bytes) => (bytes === 4 ? address : 0xffff),
      write(offset, bytes, value) {
        if (bytes === 4 && offset === 0) address = (value & 0x80ff_fffc) >>> 0;
      },
    },
  };
  const data: Region = {
    space: "port",
    base: 0xcfc,
    length: 4,
    read: (offset) => (configuration(address) >>> (8 * offset)) & 0xff,
    write: () => {},
  };
  return {
    name: "PCI",
    regions: [selector, data],
    save: () => address,
    restore(state) {
      address = state as number;
    },
  };
}
