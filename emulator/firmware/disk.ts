import { type Geometry, sectorBytes } from "../devices/disk-image.ts";
import type { Caller } from "./caller.ts";
import { readField, writeField } from "./data-area.ts";
import type { Drive, Environment, Functions, Service } from "./environment.ts";
import { writeBytes } from "./memory.ts";
import { rom } from "./rom-bytes.ts";

/** Status codes of INT 13h, in AH. */
const status = {
  ok: 0,
  badParameter: 1,
  boundary: 9,
  timeout: 0x80,
} as const;
const firstHardDisk = 0x80;
const romSegment = 0xf000;

const isHard = (drive: Drive): boolean => drive.number >= firstHardDisk;

/**
 * The geometry that INT 13h shows. Of disks with more than 1024 cylinders it doubles the heads until they fit, or where that does
 * not help takes 255 heads of 63 sectors.
 */
export function logicalGeometry(drive: Drive): Geometry {
  const { geometry, sectors } = drive.disk;
  if (!isHard(drive) || geometry.cylinders <= 1024) return geometry;
  let { cylinders, heads } = geometry;
  if (cylinders * heads <= 131_072) {
    while (cylinders > 1024) {
      cylinders >>= 1;
      heads <<= 1;
    }
    return { cylinders, heads: Math.min(heads, 255), sectors: geometry.sectors };
  }
  return { cylinders: Math.min(1024, Math.floor(sectors / (255 * 63))), heads: 255, sectors: 63 };
}

/** Ends a function with a status, which is also kept in the data area. */
function end(caller: Caller, code: number): undefined {
  writeField(caller.memory, caller.dl >= firstHardDisk ? "diskStatus" : "floppyStatus", code);
  caller.ah = code;
  caller.carry = code !== status.ok;
}

const driveOf = (caller: Caller, { drives }: Environment): Drive | undefined =>
  drives.find(({ number }) => number === caller.dl);

type OnDrive = (caller: Caller, drive: Drive, environment: Environment) => undefined;

/** A function of a drive. Where there is none, the two floppy drives time out, and others are bad parameters. */
const on =
  (act: OnDrive): Service =>
  (caller, environment) => {
    const drive = driveOf(caller, environment);
    if (drive) return act(caller, drive, environment);
    return end(caller, caller.dl < 2 ? status.timeout : status.badParameter);
  };

const onHardDisk = (act: OnDrive): Service =>
  on((caller, drive, environment) =>
    isHard(drive) ? act(caller, drive, environment) : end(caller, status.badParameter),
  );

/** First sector of CX and DH; undefined if it is not on the disk. */
function sectorOf(caller: Caller, drive: Drive): number | undefined {
  const { cylinders, heads, sectors } = logicalGeometry(drive);
  const cylinder = caller.ch | ((caller.cl & 0xc0) << 2);
  const [sector, head] = [caller.cl & 0x3f, caller.dh];
  if (sector === 0 || sector > sectors || head >= heads || cylinder >= cylinders) return undefined;
  return (cylinder * heads + head) * sectors + sector - 1;
}

/** The floppy's DMA cannot cross a 64 KiB boundary. */
const crosses = (address: number, bytes: number): boolean => address >>> 16 !== (address + bytes - 1) >>> 16;

/** What is done with a run of sectors and memory. */
type Move = (caller: Caller, drive: Drive, sector: number, address: number) => void;

const moves: Readonly<Record<"read" | "write" | "verify", Move>> = {
  read: ({ memory }, { disk }, sector, address) => writeBytes(memory, address, disk.read(sector)),
  write: ({ memory }, { disk }, sector, address) => {
    const bytes = new Uint8Array(sectorBytes);
    const view = new DataView(bytes.buffer);
    for (let n = 0; n < sectorBytes; n += 4) view.setUint32(n, memory.read(address + n, 4), true);
    disk.write(sector, bytes);
  },
  verify: () => {},
};

/** AH = 02h–04h. A run may go on from track to track, as emulators let it. */
const byCylinder = (kind: keyof typeof moves): Service =>
  on((caller, drive) => {
    const count = caller.al;
    const sector = sectorOf(caller, drive);
    const address = caller.linear("es", caller.bx);
    caller.al = 0;
    if (count === 0 || count > 128) return end(caller, status.badParameter);
    if (sector === undefined || sector + count > drive.disk.sectors) return end(caller, status.badParameter);
    if (kind !== "verify" && !isHard(drive) && crosses(address, count * sectorBytes))
      return end(caller, status.boundary);
    for (let n = 0; n < count; n++) moves[kind](caller, drive, sector + n, address + n * sectorBytes);
    caller.al = count;
    return end(caller, status.ok);
  });

/** AH = 42h–44h: the request is a packet at DS:SI. */
const byAddress = (kind: keyof typeof moves): Service =>
  onHardDisk((caller, drive) => {
    const { memory } = caller;
    const packet = caller.linear("ds", caller.si);
    if (memory.read(packet, 1) < 16) return end(caller, status.badParameter);
    const count = memory.read(packet + 2, 2);
    const sector = memory.read(packet + 8, 4) + memory.read(packet + 12, 4) * 2 ** 32;
    const address = memory.read(packet + 6, 2) * 16 + memory.read(packet + 4, 2);
    memory.write(packet + 2, 2, 0);
    if (sector + count > drive.disk.sectors) return end(caller, status.badParameter);
    for (let n = 0; n < count; n++) moves[kind](caller, drive, sector + n, address + n * sectorBytes);
    memory.write(packet + 2, 2, count);
    return end(caller, status.ok);
  });

const parameters: Service = on((caller, drive, { drives }) => {
  const { cylinders, heads, sectors } = logicalGeometry(drive);
  // The last cylinder of a hard disk is kept for diagnostics.
  const last = isHard(drive) ? Math.max(0, cylinders - 2) : cylinders - 1;
  caller.cx = ((last & 0xff) << 8) | ((last >> 2) & 0xc0) | sectors;
  caller.dx = ((heads - 1) << 8) | drives.filter((other) => isHard(other) === isHard(drive)).length;
  caller.ax = 0;
  if (!isHard(drive)) {
    caller.bx = drive.floppyType;
    caller.setEs(romSegment);
    caller.di = rom.diskette;
  }
  writeField(caller.memory, isHard(drive) ? "diskStatus" : "floppyStatus", status.ok);
  caller.carry = false;
  return undefined;
});

/** AH = 15h: 1 floppy without change line, 3 hard disk with CX:DX sectors but for its last cylinder; 0 nothing. */
const kindOfDrive: Service = (caller, environment) => {
  const drive = driveOf(caller, environment);
  caller.carry = false;
  caller.ah = !drive ? 0 : isHard(drive) ? 3 : 1;
  if (drive && isHard(drive)) {
    const { cylinders, heads, sectors } = logicalGeometry(drive);
    const count = Math.max(0, cylinders - 1) * heads * sectors;
    caller.cx = count >>> 16;
    caller.dx = count & 0xffff;
  }
  return undefined;
};

/** AH = 41h: version 1 of the extensions, packet functions only. */
const extensions: Service = onHardDisk((caller) => {
  if (caller.bx !== 0x55aa) return end(caller, status.badParameter);
  caller.bx = 0xaa55;
  caller.cx = 1;
  end(caller, status.ok);
  caller.ah = 1;
});

const extendedParameters: Service = onHardDisk((caller, drive) => {
  const { memory } = caller;
  const at = caller.linear("ds", caller.si);
  if (memory.read(at, 2) < 26) return end(caller, status.badParameter);
  const { cylinders, heads, sectors } = drive.disk.geometry;
  memory.write(at, 2, 26);
  // The geometry is valid.
  memory.write(at + 2, 2, 2);
  for (const [n, value] of [cylinders, heads, sectors, drive.disk.sectors, 0].entries())
    memory.write(at + 4 + 4 * n, 4, value);
  memory.write(at + 24, 2, sectorBytes);
  return end(caller, status.ok);
});

const ready: Service = on((caller) => end(caller, status.ok));

const lastStatus: Service = (caller) => {
  const code = readField(caller.memory, caller.dl >= firstHardDisk ? "diskStatus" : "floppyStatus");
  caller.ah = code;
  caller.carry = code !== status.ok;
  return undefined;
};

/** INT 13h by AH. */
const functions: Functions = {
  [0x00]: ready,
  [0x01]: lastStatus,
  [0x02]: byCylinder("read"),
  [0x03]: byCylinder("write"),
  [0x04]: byCylinder("verify"),
  [0x08]: parameters,
  [0x09]: onHardDisk((caller) => end(caller, status.ok)),
  [0x0c]: onHardDisk((caller) => end(caller, status.ok)),
  [0x0d]: onHardDisk((caller) => end(caller, status.ok)),
  [0x10]: onHardDisk((caller) => end(caller, status.ok)),
  [0x11]: onHardDisk((caller) => end(caller, status.ok)),
  [0x15]: kindOfDrive,
  // Change line: not changed.
  [0x16]: on((caller, drive) => end(caller, isHard(drive) ? status.badParameter : status.ok)),
  [0x41]: extensions,
  [0x42]: byAddress("read"),
  [0x43]: byAddress("write"),
  [0x44]: byAddress("verify"),
  [0x47]: onHardDisk((caller) => end(caller, status.ok)),
  [0x48]: extendedParameters,
};

export const diskService: Service = (caller, environment) => {
  const act = functions[caller.ah];
  return act ? act(caller, environment) : end(caller, status.badParameter);
};
