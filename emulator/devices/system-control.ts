import type { Device, Region } from "./device.ts";

/** What can reset or switch off the machine, and the gate of address line 20. */
export interface SystemLines {
  /** The processor's RESET line is pulsed; `by` says by what, to complete "The guest reset the machine: …". */
  readonly reset: (by: string) => void;
  /** The power is switched off. */
  readonly powerOff: (by: string) => void;
  /** Address line 20 is let through (true) or held low. */
  readonly setA20: (enabled: boolean) => void;
}

/** The gate of address line 20: keyboard controller and port 92h both drive it, and the last one wins. */
export interface A20Gate {
  enabled: boolean;
}

/** Port 92h: bit 0 resets, bit 1 is the fast A20 gate. */
export function createPort92(gate: A20Gate, lines: SystemLines): Device {
  const region: Region = {
    space: "port",
    base: 0x92,
    length: 1,
    read: () => (gate.enabled ? 2 : 0),
    write(_offset, value) {
      lines.setA20((value & 2) !== 0);
      if (value & 1) lines.reset("bit 0 of port 92h");
    },
  };
  return {
    name: "system control",
    regions: [region],
    inspect: () => ({
      name: "address line 20",
      registers: [
        {
          name: "port 92h",
          value: gate.enabled ? 2 : 0,
          bits: 8,
          text: gate.enabled ? "A20 open" : "A20 closed: bit 20 is 0",
        },
      ],
    }),
    save: () => gate.enabled,
    restore(state) {
      gate.enabled = state as boolean;
    },
  };
}

/** PM1a_EVT and PM1a_CNT, where QEMU's chipset has them. */
export const powerEventPort = 0x600;
export const powerControlPort = 0x604;
/** SCI_EN in PM1a_CNT: there is no mode but ACPI's. */
const sciEnabled = 1;
/** SLP_EN in PM1a_CNT; with sleep type 0 (as QEMU's firmware declares it) it is soft off. */
const softOff = 0x2000;

/** ACPI's registers of QEMU's chipset, as far as switching off goes: events that never come, at 600h, and control, at 604h. */
export function createPower(lines: SystemLines): Device {
  /** PM1a_EN, as bytes. It can be written and read, as drivers expect. */
  let enable: readonly number[] = [0, 0];
  return {
    name: "power management",
    regions: [
      {
        space: "port",
        base: powerEventPort,
        length: 4,
        read: (offset) => enable[offset - 2] ?? 0,
        write: (offset, value) => {
          if (offset >= 2) enable = enable.with(offset - 2, value);
        },
      },
      {
        space: "port",
        base: powerControlPort,
        length: 2,
        read: (offset) => (offset === 0 ? sciEnabled : 0),
        write: (offset, value) => {
          if (offset === 1 && value === softOff >> 8) lines.powerOff("port 604h");
        },
      },
    ],
    save: () => enable,
    restore(state) {
      enable = state as readonly number[];
    },
  };
}
