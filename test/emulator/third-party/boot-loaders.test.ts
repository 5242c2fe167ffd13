import { describe, expect, it } from "vitest";
import { screenText } from "../../../emulator/devices/screen.ts";
import { Machine, type MachineConfiguration } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { buildKernel, grubDisk, inFolder, syslinuxFloppy } from "./disks.ts";
import { haveAll } from "./installed.ts";

const slice = 2_000_000;
/** These guests take some seconds each, and a busy machine several times as long. */
const timeout = 240_000;

function boots(technique: TechniqueId, rest: Partial<MachineConfiguration>): Machine {
  const common = { image: new Uint8Array(), origin: 0x7c00, mode: "real", memory: 32 } as const;
  return new Machine({ technique, ...common, ...rest });
}

/** Runs until the guest has shown or printed a text, or stops, or has taken `most` steps; gives what it showed and printed. */
function runUntil(machine: Machine, text: string, most: number): string {
  const all = (): string =>
    screenText(machine.screen) +
    machine
      .events(0, Number.MAX_SAFE_INTEGER, ["output"])
      .map((event) => (event.kind === "output" ? event.text : ""))
      .join("");
  while (machine.now < most && machine.run({ steps: slice }).kind !== "stopped" && !all().includes(text));
  return all();
}

describe.skipIf(!haveAll("SYSLINUX and Memtest86+", ["mtools", "syslinux", "memtest86+"]))(
  "SYSLINUX",
  { timeout },
  () => {
    it.each([
      ["bare-metal", "ia32", 1],
      ["bare-metal", "x64", 2],
      ["vtx-ept", "x64", 1],
    ] as const)("starts Memtest86+ on %s: %s, processors: %i", (technique, kind, processors) => {
      const floppy = syslinuxFloppy(`/boot/memtest86+${kind}.bin`);
      const machine = boots(technique, { boot: "floppy", drives: { floppies: [floppy] }, processors });
      const text = runUntil(machine, "<Enter> to start testing", 100_000_000);
      expect(text).toContain("Memtest86+ v6.");
      expect(text).toContain("Ringside emulated processor");
      expect(text).toContain("<Enter> to start testing");
    });
  },
);

describe.skipIf(!haveAll("iPXE", ["mtools", "syslinux", "ipxe"]))("SYSLINUX", { timeout }, () => {
  it("starts iPXE", () => {
    const machine = boots("bare-metal", { boot: "floppy", drives: { floppies: [syslinuxFloppy("/boot/ipxe.lkrn")] } });
    expect(runUntil(machine, "iPXE init", 200_000_000)).toContain("iPXE initialising devices...");
  });
});

describe.skipIf(!haveAll("GRUB", ["mtools", "grub-common", "grub-pc-bin", "gcc"]))("GRUB", { timeout }, () => {
  it.each(["bare-metal", "vtx-ept"] as const)("starts a Multiboot kernel on %s", (technique) => {
    const disk = inFolder((folder) => grubDisk(["multiboot /kernel.elf", "boot"], [buildKernel(folder)]));
    const machine = boots(technique, { boot: "disk", drives: { disks: [disk] } });
    expect(runUntil(machine, "multiboot\n", 100_000_000)).toContain("sum 285, multiboot\n");
  });
});
