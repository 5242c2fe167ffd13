import type { Assembly } from "../assembler/index.ts";
import type { MachineConfiguration } from "../emulator/configuration/machine-configuration.ts";
import { isBootable } from "../emulator/devices/disk-image.ts";
import { type BootKind, bootKindOf, bootKinds } from "../emulator/firmware/drives.ts";
import type { StartMode } from "../emulator/machine-interface.ts";
import type { Program } from "./program.ts";
import type { LaunchArguments } from "./protocol.ts";

/** Values of the field `boot`. */
export const bootChoices = [...bootKinds, "none"] as const;

/** Names by which disk images go. */
const imageName = /\.(img|ima|flp|vfd|dsk|hdd|raw|bin)$/i;

/** How a file says that it is a disk image: by its name and its boot sector, by one of them, or not at all. */
export function imageClaim(file: string, bytes: Uint8Array): "both" | "name" | "content" | undefined {
  const named = imageName.test(file);
  if (isBootable(bytes)) return named ? "both" : "content";
  return named ? "name" : undefined;
}

/** Where a boot sector is loaded, whatever the program's `org` says. */
export const bootSectorAddress = 0x7c00;

/** Whether a program is a boot sector: real mode, and 55h, AAh at offset 510. */
export const isBootSector = ({ bytes }: Assembly, mode: StartMode): boolean => mode === "real" && isBootable(bytes);

/** What the program is, as a disk to boot from; undefined if it is not to be one. */
export function bootKind({ boot }: LaunchArguments, image: Uint8Array): BootKind | undefined {
  return boot === "none" ? undefined : (boot ?? bootKindOf(image));
}

/** The drives, the clock, and what to boot from. The program's own image comes first in its kind of drive. */
export async function drivesOf(
  { floppies = [], disks = [], date }: LaunchArguments,
  read: (field: string, file: string) => Promise<Uint8Array>,
  boot?: { readonly kind: BootKind; readonly image: Uint8Array },
): Promise<Pick<MachineConfiguration, "boot" | "drives" | "date">> {
  const own = (kind: BootKind): Uint8Array[] => (boot?.kind === kind ? [boot.image] : []);
  const images = {
    floppies: [...own("floppy"), ...(await Promise.all(floppies.map((file) => read("floppies", file))))],
    disks: [...own("disk"), ...(await Promise.all(disks.map((file) => read("disks", file))))],
  };
  return { drives: images, ...(boot && { boot: boot.kind }), ...(date !== undefined && { date }) };
}

/** A disk image as a program to be debugged: nothing is known of its sources. */
export const imageProgram = (file: string): Program => ({
  file,
  files: [],
  lines: { at: () => undefined, addresses: () => [], nextLineWithCode: () => undefined },
  symbols: new Map(),
  bias: 0n,
  symbolic: () => undefined,
  loaded: () => new Uint8Array(),
  returns: () => [],
  stepsBy: "instruction",
});
