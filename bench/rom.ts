/** Firmware that does nothing but start a guest: what emulators get in place of a BIOS. */

/** Bytes of the image: what a real-mode segment at F0000h reaches. */
const romBytes = 0x1_0000;
const copierAt = 0xff00;
const resetAt = 0xfff0;

/** Copies the image to 7C00h, from where it would be booted, and jumps there. */
const copier = (words: number): readonly number[] => [
  ...[0xfa, 0xfc], // cli; cld
  ...[0x8c, 0xc8, 0x8e, 0xd8], // mov ax, cs; mov ds, ax
  ...[0x31, 0xc0, 0x8e, 0xc0], // xor ax, ax; mov es, ax
  ...[0x31, 0xf6, 0xbf, 0x00, 0x7c], // xor si, si; mov di, 7C00h
  ...[0xb9, words & 0xff, words >> 8, 0xf3, 0xa5], // mov cx, words; rep movsw
  ...[0xea, 0x00, 0x7c, 0x00, 0x00], // jmp 0:7C00h
];

/** A ROM of 64 KiB from F0000h to FFFFFh with the image in it; the processor's first instruction is 16 bytes before its end. */
export function romOf(image: Uint8Array): Uint8Array {
  const most = 0x8000;
  if (image.length > most) throw new RangeError(`the image has ${image.length} bytes; the firmware copies ${most}`);
  const rom = new Uint8Array(romBytes);
  rom.set(image);
  rom.set(copier((image.length + 1) >> 1), copierAt);
  const distance = copierAt - (resetAt + 3);
  rom.set([0xe9, distance & 0xff, (distance >> 8) & 0xff], resetAt);
  return rom;
}
