/** What devices with ports are called in events and texts. */
export const portDeviceNames = [
  "PIC",
  "PIT",
  "UART",
  "keyboard controller",
  "RTC",
  "VGA",
  "IDE",
  "DMA",
  "floppy controller",
  "system control",
  "PCI",
  "x87 error",
  "power management",
  "debug console",
  "debug exit",
  "POST",
] as const;

/** The services of the firmware are reached by ports of their own. */
export const firmwarePrefix = "BIOS, ";
export type FirmwareName = `${typeof firmwarePrefix}${string}`;

/** Devices that are reached by memory alone. */
type MemoryDeviceName = "local APIC" | "I/O APIC";

export type DeviceName = (typeof portDeviceNames)[number] | MemoryDeviceName | FirmwareName;
