import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** Gives `build` a folder for its work, and removes it. */
export function inFolder<T>(build: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "ringside-third-party-"));
  try {
    return build(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const quietly = (program: string, args: readonly string[]): Buffer =>
  execFileSync(program, args, { stdio: ["ignore", "pipe", "ignore"] });

/** A floppy that SYSLINUX boots `kernel` from. */
export const syslinuxFloppy = (kernel: string): Uint8Array =>
  inFolder((folder) => {
    const image = join(folder, "floppy.img");
    const settings = join(folder, "syslinux.cfg");
    writeFileSync(settings, `DEFAULT guest\nPROMPT 0\nLABEL guest\n LINUX guest\n`);
    quietly("mformat", ["-C", "-f", "1440", "-i", image, "::"]);
    quietly("syslinux", ["--install", image]);
    quietly("mcopy", ["-i", image, settings, "::syslinux.cfg"]);
    quietly("mcopy", ["-i", image, kernel, "::guest"]);
    return readFileSync(image);
  });

const sectorBytes = 512;
const partitionStart = 2048;
/** Sectors beside the files: enough for FAT16 to be what the file system is. */
const spareSectors = 14336;
/** Heads and sectors per track of the file system; the number of cylinders follows from the size. */
const [heads, tracks] = [16, 63];

/** An entry of the partition table: active, FAT16, by sector numbers only. */
function partitionEntry(sectors: number): Buffer {
  const entry = Buffer.from([0x80, 0xfe, 0xff, 0xff, 0x0e, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
  entry.writeUInt32LE(partitionStart, 8);
  entry.writeUInt32LE(sectors, 12);
  return entry;
}

const grubModules = ["biosdisk", "part_msdos", "fat", "multiboot", "linux16"];

/** A disk with GRUB between its master boot record and a FAT partition that holds `files`; GRUB executes `commands`. */
export const grubDisk = (commands: readonly string[], files: readonly string[]): Uint8Array =>
  inFolder((folder) => {
    const [settings, core, image] = ["early.cfg", "core.img", "disk.img"].map((name) => join(folder, name));
    writeFileSync(settings!, ["set root=(hd0,msdos1)", ...commands, ""].join("\n"));
    quietly("grub-mkimage", ["-O", "i386-pc", "-p", "/", "-c", settings!, "-o", core!, ...grubModules]);
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
    const sectors = spareSectors + Math.ceil(bytes / sectorBytes);
    const disk = Buffer.alloc((partitionStart + sectors) * sectorBytes);
    readFileSync("/usr/lib/grub/i386-pc/boot.img").copy(disk, 0, 0, 440);
    readFileSync(core!).copy(disk, sectorBytes);
    partitionEntry(sectors).copy(disk, 446);
    disk.writeUInt16LE(0xaa55, 510);
    writeFileSync(image!, disk);
    const partition = `${image}@@${partitionStart * sectorBytes}`;
    const size = ["-T", `${sectors}`, "-h", `${heads}`, "-s", `${tracks}`];
    quietly("mformat", ["-i", partition, ...size, "::"]);
    for (const file of files) quietly("mcopy", ["-i", partition, file, `::${basename(file)}`]);
    return readFileSync(image!);
  });

/** Compiles the Multiboot kernel of the debug adapter's tests. */
export function buildKernel(folder: string): string {
  const sources = join(import.meta.dirname, "../../debug-adapter/kernels");
  const output = join(folder, "kernel.elf");
  const flags = "-m32 -ffreestanding -fno-pic -no-pie -fno-stack-protector -nostdlib -static -Wl,--build-id=none";
  const files = ["multiboot.s", "kernel.c"].map((name) => join(sources, name));
  quietly("gcc", [...flags.split(" "), "-T", join(sources, "kernel.ld"), ...files, "-o", output]);
  return output;
}
