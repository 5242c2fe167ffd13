import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type QemuProgram = "qemu-system-x86_64" | "qemu-system-i386";

export const hasQemu = (program: QemuProgram = "qemu-system-x86_64"): boolean =>
  spawnSync(program, ["--version"]).status === 0;

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

function romOf(image: Uint8Array): Uint8Array {
  if (image.length > 0x8000) throw new RangeError(`the image has ${image.length} bytes; 32768 are copied to ${loadAt}`);
  const rom = new Uint8Array(romBytes);
  rom.set(image);
  rom.set(copier, copierAt);
  rom.set([0xe9, (copierAt - 0xfff3) & 0xff, (copierAt - 0xfff3) >> 8], 0xfff0);
  return rom;
}

/** Boots the image by the command, to which QEMU's options are added, until it writes 0 to port F4h; throws if it does not. */
function boot(
  image: Uint8Array,
  [command, ...parameters]: readonly [string, ...string[]],
  options: readonly string[],
  timeout?: number,
): { readonly stdout: string; readonly stderr: string } {
  const directory = mkdtempSync(join(tmpdir(), "ringside-qemu-"));
  try {
    const rom = join(directory, "rom.bin");
    writeFileSync(rom, romOf(image));
    const fixed =
      "-nodefaults -no-reboot -display none -accel tcg,thread=single -machine pc -m 16 -debugcon stdio".split(" ");
    const exit = ["-device", "isa-debug-exit,iobase=0xf4,iosize=1"];
    const { stdout, stderr, status, error } = spawnSync(
      command,
      [...parameters, ...fixed, ...exit, ...options, "-bios", rom],
      { encoding: "latin1", timeout, killSignal: "SIGKILL", maxBuffer: 2 ** 26 },
    );
    if (error || status !== 1)
      throw new Error(`QEMU ended with ${error?.message ?? status}: ${stderr}`, { cause: stdout });
    return { stdout, stderr };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Boots the image and gives all it writes to port E9h until it writes to port F4h; throws if it does not within the time. */
export const runOnQemu = (image: Uint8Array, options: readonly string[] = []): string =>
  boot(image, ["qemu-system-x86_64"], options, 20_000).stdout;
