import type { Cpu } from "../cpu/cpu.ts";
import { initialize } from "../cpu/fpu/register-stack.ts";
import { layout } from "../cpu/layout.ts";
import { CS } from "../cpu/state.ts";
import { type Device, stateless } from "../devices/device.ts";
import type { FirmwareName } from "../devices/device-names.ts";
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

const equipmentService: Service = (caller) => {
  caller.ax = readField(caller.memory, "equipment");
  return undefined;
};
const memoryService: Service = (caller) => {
  caller.ax = readField(caller.memory, "memoryKib");
  return undefined;
};

/** The services, the ports that the ROM's code calls them by (see rom.asm), and what they are called in a trace. */
const services: readonly (readonly [port: number, name: FirmwareName, service: Service])[] = [
  [0xa4, "BIOS, IRQ 1", keyboardInterrupt],
  [0xa5, "BIOS, INT 10h", videoService],
  [0xa6, "BIOS, INT 11h", equipmentService],
  [0xa7, "BIOS, INT 12h", memoryService],
  [0xa8, "BIOS, INT 13h", diskService],
  [0xa9, "BIOS, INT 14h", serialService],
  [0xaa, "BIOS, INT 15h", systemService],
  [0xab, "BIOS, INT 16h", keysService],
  [0xac, "BIOS, INT 17h", printerService],
  [0xad, "BIOS, INT 18h", noDiskService],
  [0xae, "BIOS, INT 19h", bootService],
  [0xaf, "BIOS, INT 1Ah", timeService],
  [0xb4, "BIOS, IRQ 8", clockInterrupt],
  [0xb5, "BIOS, power-on", postService],
];

/** The devices behind the firmware's ports, one for each service: `call` is told the port. */
export const createFirmwarePorts = (call: (port: number) => void): readonly Device[] =>
  services.map(([port, name]) => ({
    ...stateless,
    name,
    firmware: true,
    regions: [{ space: "port", base: port, length: 1, read: () => 0xff, write: () => call(port) }],
  }));

/** Does what a write to a port of the firmware asks for. */
export function callFirmware(port: number, cpu: Cpu, environment: Environment): void {
  const [, , service] = services.find(([at]) => at === port)!;
  const outcome = service(new Caller(cpu, processorMemory(cpu)), environment);
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
  initialize(cpu);
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
