/** Cylinders, heads and sectors a track. */
export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
}

export const sectorBytes = 512;

/** Sizes of floppy disks in sectors, and how they are laid out; `type` is the drive's in CMOS and INT 13h. */
const floppies: readonly (Geometry & { readonly type: number })[] = [
  { cylinders: 40, heads: 1, sectors: 8, type: 1 },
  { cylinders: 40, heads: 1, sectors: 9, type: 1 },
  { cylinders: 40, heads: 2, sectors: 8, type: 1 },
  { cylinders: 40, heads: 2, sectors: 9, type: 1 },
  { cylinders: 80, heads: 2, sectors: 9, type: 3 },
  { cylinders: 80, heads: 2, sectors: 15, type: 2 },
  { cylinders: 80, heads: 2, sectors: 18, type: 4 },
  { cylinders: 80, heads: 2, sectors: 36, type: 5 },
];
const largestFloppy = 80 * 2 * 36 * sectorBytes;

const total = ({ cylinders, heads, sectors }: Geometry): number => cylinders * heads * sectors;

/** The layout of a floppy image: that of its size; other sizes lie at the start of the next larger disk, 1.44 MB at least. */
export function floppyLayout(bytes: number): (Geometry & { readonly type: number }) | undefined {
  const exact = floppies.find((layout) => total(layout) * sectorBytes === bytes);
  if (exact) return exact;
  return floppies.slice(6).find((layout) => total(layout) * sectorBytes >= bytes);
}

const partitionTable = 446;
const signature = 510;

/** Whether the first sector ends with the signature of a boot sector. */
export const isBootable = (image: Uint8Array): boolean =>
  image.length >= sectorBytes && image[signature] === 0x55 && image[signature + 1] === 0xaa;

/** The entries of a partition table; none if the first sector holds no valid one. */
function partitions(image: Uint8Array): Uint8Array[] {
  if (!isBootable(image)) return [];
  const entries = [0, 1, 2, 3].map((n) => image.subarray(partitionTable + 16 * n, partitionTable + 16 * (n + 1)));
  const valid = entries.every((entry) => entry[0] === 0 || entry[0] === 0x80);
  const used = entries.filter((entry) => entry[4] !== 0);
  const sized = used.every((entry) => new DataView(entry.buffer, entry.byteOffset).getUint32(12, true) > 0);
  return valid && sized ? used : [];
}

/** What a drive is taken for if nobody says: a hard disk if it has a partition table or is larger than any floppy. */
export const isHardDisk = (image: Uint8Array): boolean => image.length > largestFloppy || partitions(image).length > 0;

/** Geometry of a hard disk: where its partitions end tells heads and sectors, else 16 and 63. */
export function diskGeometry(image: Uint8Array): Geometry {
  const ends = partitions(image).map((entry) => ({ heads: entry[5]! + 1, sectors: entry[6]! & 0x3f }));
  const told = ends.find(({ heads, sectors }) => sectors > 0 && heads > 1);
  const { heads, sectors } = told ?? { heads: 16, sectors: 63 };
  const count = Math.ceil(image.length / sectorBytes);
  return { cylinders: Math.max(1, Math.min(16383, Math.ceil(count / (heads * sectors)))), heads, sectors };
}

/** A disk in a drive. What is written stays in memory; the image it was made from never changes. */
export interface Disk {
  readonly geometry: Geometry;
  /** Sectors of 512 bytes. */
  readonly sectors: number;
  /** A sector's bytes: not to be changed. Beyond the image, zeros. */
  read(sector: number): Uint8Array;
  write(sector: number, bytes: Uint8Array): void;
  /** The whole disk as it is now, as long as the image, or longer if the guest wrote beyond it. */
  contents(): Uint8Array;
  save(): unknown;
  restore(state: unknown): void;
}

const zeros = new Uint8Array(sectorBytes);

export function createDisk(image: Uint8Array, geometry: Geometry): Disk {
  let written = new Map<number, Uint8Array>();
  const sectors = Math.max(total(geometry), Math.ceil(image.length / sectorBytes));
  const original = (sector: number): Uint8Array => {
    const found = image.subarray(sector * sectorBytes, (sector + 1) * sectorBytes);
    if (found.length === sectorBytes) return found;
    if (found.length === 0) return zeros;
    const padded = new Uint8Array(sectorBytes);
    padded.set(found);
    return padded;
  };
  return {
    geometry,
    sectors,
    read: (sector) => written.get(sector) ?? original(sector),
    write(sector, bytes) {
      written.set(sector, bytes.slice(0, sectorBytes));
    },
    contents() {
      const end = Math.max(image.length, ...[...written.keys()].map((sector) => (sector + 1) * sectorBytes));
      const all = new Uint8Array(end);
      all.set(image);
      for (const [sector, bytes] of written) all.set(bytes, sector * sectorBytes);
      return all;
    },
    // Written sectors are replaced, never changed: a saved state may share them.
    save: () => [...written],
    restore(state) {
      written = new Map(state as [number, Uint8Array][]);
    },
  };
}
