import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Programs and files of Debian packages that the tests here need. */
const needed = {
  mtools: ["mformat", "mcopy"],
  syslinux: ["syslinux"],
  "memtest86+": ["/boot/memtest86+ia32.bin", "/boot/memtest86+x64.bin"],
  "grub-common": ["grub-mkimage"],
  "grub-pc-bin": ["/usr/lib/grub/i386-pc/boot.img"],
  ipxe: ["/boot/ipxe.lkrn"],
  gcc: ["gcc"],
} as const;

const isThere = (name: string): boolean =>
  name.startsWith("/") ? existsSync(name) : spawnSync(name, ["--version"]).error === undefined;

/** Whether packages are installed; says so for tests that are skipped where one is not. */
export function haveAll(what: string, packages: readonly (keyof typeof needed)[]): boolean {
  const missing = packages.filter((name) => !needed[name].every(isThere));
  if (missing.length > 0) console.log(`skipped: ${what} (not installed: ${missing.join(", ")})`);
  return missing.length === 0;
}
