import {
  createDisk,
  type Disk,
  diskGeometry,
  floppyLayout,
  isBootable,
  isHardDisk,
  sectorBytes,
} from "../devices/disk-image.ts";
import type { Drive } from "./environment.ts";

/** Kinds of drives that a machine can boot from. */
export const bootKinds = ["floppy", "disk"] as const;
export type BootKind = (typeof bootKinds)[number];

/** The disks of a machine, as images; nothing is written back into them. */
export interface DriveImages {
  /** At most two: drives 0 and 1. */
  readonly floppies?: readonly Uint8Array[];
  /** At most two: 80h and 81h, master and slave of the primary IDE channel. */
  readonly disks?: readonly Uint8Array[];
}

const most = 2;
const firstHardDisk = 0x80;

/** What a bootable image is taken for if nobody says. */
export const bootKindOf = (image: Uint8Array): BootKind => (isHardDisk(image) ? "disk" : "floppy");

/** Why the drives cannot be made, or booted from, as a sentence; undefined if they can. */
export function driveProblem(
  { floppies = [], disks = [] }: DriveImages,
  boot: BootKind | undefined,
): string | undefined {
  for (const [images, what] of [
    [floppies, "floppy drives"],
    [disks, "hard disks"],
  ] as const) {
    if (images.length > most) return `There can be ${most} ${what}, not ${images.length}.`;
    if (images.some((image) => image.length === 0)) return `An image for the ${what} is empty.`;
  }
  if (floppies.some((image) => floppyLayout(image.length) === undefined))
    return "A floppy image can have at most 2.88 MB (2,949,120 bytes). A larger image is a hard disk.";
  if (boot === undefined) return undefined;
  const image = boot === "disk" ? disks[0] : floppies[0];
  if (!image) return `There is no ${boot} to boot from.`;
  if (isBootable(image)) return undefined;
  return image.length < sectorBytes
    ? `A boot sector has ${sectorBytes} bytes; this image has ${image.length}.`
    : "The image is not bootable: its first sector does not end with 55h, AAh (at offset 510).";
}

/** The drives as INT 13h counts them, those to boot from first; and the disks of the IDE channel and of the floppy controller. */
export function createDrives({ floppies = [], disks = [] }: DriveImages, boot: BootKind | undefined) {
  const removable: Drive[] = floppies.map((image, n) => {
    const layout = floppyLayout(image.length)!;
    return { number: n, disk: createDisk(image, layout), floppyType: layout.type };
  });
  const hard: Drive[] = disks.map((image, n) => ({
    number: firstHardDisk + n,
    disk: createDisk(image, diskGeometry(image)),
    floppyType: 0,
  }));
  const drives = boot === "disk" ? [...hard, ...removable] : [...removable, ...hard];
  const disksOf = (some: readonly Drive[]): Disk[] => some.map(({ disk }) => disk);
  return { drives, hard: disksOf(hard), removable: disksOf(removable) };
}
