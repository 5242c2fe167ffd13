import type { Cpu } from "../cpu/cpu.ts";

/** Memory as the firmware sees it: linear addresses of the calling guest, bytes little-endian, values unsigned. */
export interface FirmwareMemory {
  read(address: number, bytes: 1 | 2 | 4): number;
  write(address: number, bytes: 1 | 2 | 4, value: number): void;
}

/** Memory through the processor, as an access of the guest itself: through paging and a hypervisor's translation. */
export const processorMemory = (cpu: Cpu): FirmwareMemory => ({
  read: (address, bytes) => cpu.readLinear(cpu.wrap(address), bytes),
  write: (address, bytes, value) => cpu.writeLinear(cpu.wrap(address), bytes, value),
});

/** Memory before the guest runs: bytes from guest-physical 0 on. */
export function plainMemory(bytes: Uint8Array): FirmwareMemory {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    read: (at, size) =>
      size === 4 ? view.getUint32(at, true) : size === 2 ? view.getUint16(at, true) : view.getUint8(at),
    write(at, size, value) {
      if (size === 4) view.setUint32(at, value, true);
      else if (size === 2) view.setUint16(at, value, true);
      else view.setUint8(at, value);
    },
  };
}

export function writeBytes(memory: FirmwareMemory, address: number, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) memory.write(address + at, 4, view.getUint32(at, true));
  for (; at < bytes.length; at++) memory.write(address + at, 1, bytes[at]!);
}
