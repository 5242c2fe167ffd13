/** Bytes of the firmware image: what a real-mode segment at F0000h reaches. */
const romBytes = 0x1_0000;
const copierAt = 0xf000;
const loadAt = 0x7c00;

/** In place of firmware: copies the image to 7C00h and jumps there, as ours begins. */
const copier = [
  ...[0xfa, 0xfc], // cli; cld
  ...[0x8c, 0xc8, 0x8e, 0xd8], // mov ax, cs; mov ds, ax
  ...[0x31, 0xc0, 0x8e, 0xc0], // xor ax, ax; mov es, ax
  ...[0x31, 0xf6, 0xbf, 0x00, 0x7c], // xor si, si; mov di, 7C00h
  ...[0xb9, 0x00, 0x40, 0xf3, 0xa5], // mov cx, 4000h; rep movsw
  ...[0xea, 0x00, 0x7c, 0x00, 0x00], // jmp 0:7C00h
];

/** A firmware image that does nothing but start the guest as ours begins: at 7C00h in real mode. */
export function romOf(image: Uint8Array): Uint8Array {
  if (image.length > 0x8000) throw new RangeError(`the image has ${image.length} bytes; 32768 are copied to ${loadAt}`);
  const rom = new Uint8Array(romBytes);
  rom.set(image);
  rom.set(copier, copierAt);
  rom.set([0xe9, (copierAt - 0xfff3) & 0xff, (copierAt - 0xfff3) >> 8], 0xfff0);
  return rom;
}
