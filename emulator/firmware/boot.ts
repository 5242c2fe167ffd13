import { isBootable, sectorBytes } from "../devices/disk-image.ts";
import type { Drive, Environment, Service } from "./environment.ts";
import { type FirmwareMemory, writeBytes } from "./memory.ts";
import { powerOnSelfTest } from "./post.ts";
import { teletype } from "./video.ts";

/** Where a boot sector is loaded. */
export const bootAddress = 0x7c00;

/** Loads the first sector of the first drive that has a boot sector there; undefined if none has. */
export function loadBootSector(memory: FirmwareMemory, drives: readonly Drive[]): Drive | undefined {
  const drive = drives.find(({ disk }) => isBootable(disk.read(0)));
  if (drive) writeBytes(memory, bootAddress, drive.disk.read(0).subarray(0, sectorBytes));
  return drive;
}

/** INT 19h: the ROM's routine jumps to the boot sector. */
export const bootService: Service = (caller, { drives }) => {
  const drive = loadBootSector(caller.memory, drives);
  if (!drive) return "again";
  caller.dl = drive.number;
  return undefined;
};

/** INT 18h. */
export const noDiskService: Service = (caller, { devices: { vga } }) => {
  for (const character of "\r\nNo bootable disk.\r\n") teletype(caller, vga, 0, character.charCodeAt(0));
  return undefined;
};

export const postService: Service = (caller, environment: Environment) => {
  powerOnSelfTest(caller.memory, environment);
  return undefined;
};
