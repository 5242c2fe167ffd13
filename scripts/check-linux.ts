/**
 * Boots a Linux kernel with GRUB from a disk, runs programs in user space and switches off:
 *
 *     npm run check:linux -- <vmlinuz> <busybox> [technique:processors …]
 *
 * The kernel can be that of Debian's package linux-image-cloud-amd64, the programs those of busybox-static; mtools, grub-common
 * and grub-pc-bin make the disk. By default on bare metal with one and with two processors, and under vtx-ept. Ends with 1
 * if anything is not as it must be. Takes some minutes.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationProblem, Machine, type MachineEvent } from "../emulator/index.ts";
import { type TechniqueId, techniqueById } from "../isa/technique.ts";
import { grubDisk, inFolder } from "../test/emulator/third-party/disks.ts";

const commands = `#!/bin/sh
/bin/busybox mount -t proc proc /proc
echo user space: processors $(/bin/busybox grep -c ^processor /proc/cpuinfo)
/bin/busybox uname -sm
/bin/busybox awk 'BEGIN { x = 1; for (i = 1; i <= 20; i++) x = x * i / 3.0; print x }'
/bin/busybox seq 1 1000 | /bin/busybox sha256sum
/bin/busybox poweroff -f
`;
const numbers = Array.from({ length: 1000 }, (_, n) => `${n + 1}\n`).join("");
const factorial = Array.from({ length: 20 }, (_, n) => n + 1).reduce((x, i) => (x * i) / 3, 1);
const expectedOutput = (processors: number): readonly string[] => [
  `user space: processors ${processors}`,
  "Linux x86_64",
  factorial.toExponential(5).replace("e+", "e+0"),
  createHash("sha256").update(numbers).digest("hex"),
  "reboot: Power down",
];

const [directory, program, link, device] = [0o040755, 0o100755, 0o120777, 0o020600];

/** An entry of a cpio archive in "newc" format: every number is eight hexadecimal digits. */
function entry(
  name: string,
  mode: number,
  contents: Uint8Array,
  deviceNumber: readonly [number, number] = [0, 0],
): Buffer {
  const fields = [0, mode, 0, 0, 1, 0, contents.length, 0, 0, ...deviceNumber, name.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`;
  const padded = (bytes: Uint8Array) => [bytes, Buffer.alloc(-bytes.length & 3)];
  return Buffer.concat([...padded(Buffer.from(head)), ...padded(contents)]);
}

const text = (value: string): Buffer => Buffer.from(value);
const initialDisk = (busybox: Uint8Array): Buffer =>
  Buffer.concat([
    ...["bin", "dev", "proc"].map((name) => entry(name, directory, text(""))),
    entry("dev/console", device, text(""), [5, 1]),
    entry("bin/busybox", program, busybox),
    entry("bin/sh", link, text("busybox")),
    entry("init", program, text(commands)),
    entry("TRAILER!!!", 0, text("")),
  ]);

const bootDisk = (kernel: string, busybox: string): Uint8Array =>
  inFolder((folder) => {
    const files = [join(folder, "linux"), join(folder, "initrd")] as const;
    writeFileSync(files[0], readFileSync(kernel));
    writeFileSync(files[1], initialDisk(readFileSync(busybox)));
    const arguments_ = "console=ttyS0,115200 nokaslr panic=1";
    return grubDisk([`linux16 /linux ${arguments_}`, "initrd16 /initrd", "boot"], files);
  });

const mostSteps = 6_000_000_000;
const slice = 100_000;

/** Boots to the end; gives what went wrong. */
function check(disk: Uint8Array, technique: TechniqueId, processors: number): readonly string[] {
  const image = new Uint8Array();
  const common = { technique, processors, image, origin: 0x7c00, mode: "real", memory: 256 } as const;
  const configuration = { ...common, boot: "disk", drives: { disks: [disk] } } as const;
  const problem = configurationProblem(configuration);
  if (problem !== undefined) return [problem];
  const machine = new Machine(configuration);
  const before = process.cpuUsage();
  let output = "";
  let exits = 0;
  let stopped: string | undefined;
  const see = (event: MachineEvent): void => {
    if (event.kind === "output") output += event.text;
    if (event.kind === "exit") exits++;
  };
  for (let seen = 0; stopped === undefined && machine.now < mostSteps; seen = machine.lastSequence) {
    const stop = machine.run({ steps: slice });
    if (stop.kind === "stopped") stopped = stop.text;
    for (const event of machine.events(seen, Number.MAX_SAFE_INTEGER)) see(event);
  }
  const { user, system } = process.cpuUsage(before);
  const megabytes = Math.round(process.memoryUsage.rss() / 1e6);
  console.log(
    `${technique}, processors: ${processors}: ${machine.now} steps, ${exits} exits, ${((user + system) / 1e6).toFixed(1)} s, ${megabytes} MB; ${stopped ?? "still running"}`,
  );
  const missing = expectedOutput(processors).filter((line) => !output.includes(line));
  if (missing.length > 0) console.log(output.slice(-3000));
  return missing;
}

const [kernel, busybox, ...settings] = process.argv.slice(2);
if (!kernel || !busybox || !existsSync(kernel) || !existsSync(busybox)) {
  console.error("usage: npm run check:linux -- <vmlinuz> <busybox> [technique:processors …]");
  process.exit(2);
}
const disk = bootDisk(kernel, busybox);
for (const setting of settings.length > 0 ? settings : ["bare-metal:1", "bare-metal:2", "vtx-ept:1"]) {
  const [id = "", processors = "1"] = setting.split(":");
  if (!techniqueById(id)) throw new Error(`There is no technique ${id}.`);
  for (const line of check(disk, id as TechniqueId, Number(processors))) {
    console.log(`failed: ${line}`);
    process.exitCode = 1;
  }
}
