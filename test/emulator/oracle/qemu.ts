import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { romOf } from "./rom.ts";

export type QemuProgram = "qemu-system-x86_64" | "qemu-system-i386";

export const hasQemu = (program: QemuProgram = "qemu-system-x86_64"): boolean =>
  spawnSync(program, ["--version"]).status === 0;

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
