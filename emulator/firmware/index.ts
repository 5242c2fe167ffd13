import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import { CS } from "../cpu/state.ts";
import { type Device, stateless } from "../devices/device.ts";
import { bootAddress, bootService, loadBootSector, noDiskService, postService } from "./boot.ts";
import { Caller } from "./caller.ts";
import { readField } from "./data-area.ts";
import { diskService } from "./disk.ts";
import type { Environment, Service } from "./environment.ts";
import { fontPieces } from "./font.ts";
import { keyboardInterrupt, keysService } from "./keys.ts";
import { plainMemory, processorMemory } from "./memory.ts";
import { powerOnSelfTest } from "./post.ts";
import { rom, romPieces } from "./rom-bytes.ts";
import { printerService, serialService } from "./serial.ts";
import { systemService } from "./system.ts";
import { clockInterrupt, timeService } from "./time.ts";
import { videoService } from "./video.ts";

export type { Drive, Environment } from "./environment.ts";

/** Guest-physical address and length of the ROM. */
export const romBase = 0xf0000;
export const romBytes = 0x10000;

/** The services by the port that the ROM's code calls them with (see rom.asm). */
const services: Readonly<Record<number, Service>> = {
  164: keyboardInterrupt,
  165: videoService,
  166: (caller) => {
    caller.ax = readField(caller.memory, "equipment");
    return undefined;
  },
  167: (caller) => {
    caller.ax = readField(caller.memory, "memoryKib");
    return undefined;
  },
  168: diskService,
  169: serialService,
  170: systemService,
  171: keysService,
  172: printerService,
  173: noDiskService,
  174: bootService,
  175: timeService,
  180: clockInterrupt,
  181: postService,
};

/** The device behind the firmware's ports: `call` is told the port. */
export const createFirmwarePorts = (call: (port: number) => void): Device => ({
  ...stateless,
  name: "BIOS",
  regions: Object.keys(services).map((port) => ({
    space: "port",
    base: Number(port),
    length: 1,
    read: () => 0xff,
    write: () => call(Number(port)),
  })),
});

/** Does what a write to a port of the firmware asks for. */
export function callFirmware(port: number, cpu: Cpu, environment: Environment): void {
  const outcome = services[port]?.(new Caller(cpu, processorMemory(cpu)), environment);
  environment.setRomByte(rom.again, outcome === "again" ? 1 : 0);
}

/** Puts the ROM into memory, which is from guest-physical 0 on. */
export function loadRom(memory: Uint8Array): void {
  for (const [offset, hexadecimal] of romPieces)
    for (let n = 0; n < hexadecimal.length; n += 2)
      memory[romBase + offset + n / 2] = Number.parseInt(hexadecimal.slice(n, n + 2), 16);
  for (const [offset, bytes] of fontPieces()) memory.set(bytes, romBase + offset);
}

/** Brings the machine to the first instruction of the boot sector, as if the firmware had run. False if no drive has one. */
export function startFromDisk(cpu: Cpu, memory: Uint8Array, environment: Environment): boolean {
  loadRom(memory);
  powerOnSelfTest(plainMemory(memory), environment);
  const drive = loadBootSector(plainMemory(memory), environment.drives);
  if (!drive) return false;
  cpu.reset();
  cpu.setSegment(CS, { selector: 0, base: 0, limit: 0xffff, access: cpu.access(CS) });
  cpu.rip = bootAddress;
  cpu.r64[4] = BigInt(bootAddress);
  cpu.r64[2] = BigInt(drive.number);
  cpu.r64[0] = 0xaa55n;
  cpu.r64[layout.cr0 >> 3] = 0x10n;
  cpu.flags = 0x202;
  cpu.refresh();
  return true;
}
