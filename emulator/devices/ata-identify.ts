import type { Disk, Geometry } from "./disk-image.ts";

/** Text as IDENTIFY gives it: padded with spaces, the characters of each word swapped. */
function text(words: Uint16Array, from: number, length: number, value: string): void {
  const padded = value.padEnd(2 * length, " ");
  for (let n = 0; n < length; n++) words[from + n] = (padded.charCodeAt(2 * n) << 8) | padded.charCodeAt(2 * n + 1);
}

function number32(words: Uint16Array, at: number, value: number): void {
  words[at] = value & 0xffff;
  words[at + 1] = Math.floor(value / 65536) & 0xffff;
}

/** The 512 bytes of IDENTIFY DEVICE (ATA/ATAPI-6): a fixed disk with LBA and 48-bit addresses, programmed I/O only. */
export function identify(disk: Disk, unit: number, multiple: number, current: Geometry): Uint8Array {
  const { geometry, sectors } = disk;
  const words = new Uint16Array(256);
  words[0] = 0x0040;
  words[1] = geometry.cylinders;
  words[3] = geometry.heads;
  words[6] = geometry.sectors;
  text(words, 10, 10, `RS${unit}`);
  text(words, 23, 4, "1.0");
  text(words, 27, 20, "RINGSIDE DISK");
  words[47] = 0x8010;
  // Doubleword transfers are possible.
  words[48] = 1;
  // LBA.
  words[49] = 0x0200;
  words[50] = 0x4000;
  words[51] = 0x0200;
  // Words 54–58 and 64–70 are valid.
  words[53] = 3;
  words[54] = current.cylinders;
  words[55] = current.heads;
  words[56] = current.sectors;
  number32(words, 57, current.cylinders * current.heads * current.sectors);
  words[59] = multiple ? 0x100 | multiple : 0;
  number32(words, 60, Math.min(sectors, 0x0fff_ffff));
  // PIO modes 3 and 4.
  words[64] = 3;
  words[67] = words[68] = 120;
  // ATA-1 to ATA-6.
  words[80] = 0x7e;
  // FLUSH CACHE, and 48-bit addresses with FLUSH CACHE EXT.
  words[83] = words[86] = 0x7400;
  words[84] = words[87] = 0x4000;
  number32(words, 100, sectors);
  return new Uint8Array(words.buffer);
}
