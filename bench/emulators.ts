/** The emulators that are compared, each as a process: what it is started with, and what it takes to run an image. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { romOf } from "./rom.ts";

export interface Emulator {
  readonly name: string;
  readonly bits: readonly (32 | 64)[];
  readonly isInstalled: () => boolean;
  /** The command that runs what is in a directory: `image.bin`, `firmware.rom`, and what `files` adds. */
  readonly command: (directory: string) => readonly [string, ...string[]];
  readonly files?: (directory: string) => Readonly<Record<string, string>>;
}

export interface Outcome {
  /** CPU time of the whole process, user's and system's. */
  readonly seconds: number;
  /** The eight hexadecimal digits that the guest prints. */
  readonly checksum: string;
  readonly output: string;
}

const answers = (program: string): boolean => spawnSync(program, ["--help"]).error === undefined;
const script = (name: string): string => join(import.meta.dirname, name);
const both = [32, 64] as const;

const node = (name: string, program: string, bits: Emulator["bits"], file: string, ...more: string[]): Emulator => ({
  name,
  bits,
  isInstalled: () => true,
  command: (directory) => [process.execPath, script(program), join(directory, file), ...more],
});

const qemu: Emulator = {
  name: "QEMU TCG",
  bits: both,
  isInstalled: () => answers("qemu-system-x86_64"),
  command: (directory) => [
    "qemu-system-x86_64",
    ..."-nodefaults -no-reboot -display none -accel tcg,thread=single -machine pc -m 32 -debugcon stdio".split(" "),
    ..."-device isa-debug-exit,iobase=0xf4,iosize=1 -bios".split(" "),
    join(directory, "firmware.rom"),
  ],
};

/** Debian's build has the terminal as its only display that needs no X, so it is given a terminal, and starts in its debugger. */
const bochs: Emulator = {
  name: "Bochs",
  bits: both,
  isInstalled: () => answers("bochs") && answers("script"),
  command: (directory) => [
    "script",
    "-qec",
    `bochs -q -f ${join(directory, "bochsrc")} -rc ${join(directory, "commands")}`,
    "/dev/null",
  ],
  files: (directory) => ({
    commands: "c\n",
    bochsrc: `
display_library: term
memory: guest=32, host=32
romimage: file=${join(directory, "firmware.rom")}, address=0xffff0000
cpu: model=corei7_sandy_bridge_2600k, count=1, ips=100000000
clock: sync=none
port_e9_hack: enabled=1
speaker: enabled=0, mode=none
log: ${join(directory, "log")}
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
`,
  }),
};

export const emulators = {
  translator: node("Ringside", "ringside.ts", both, "image.bin"),
  interpreter: node("Ringside, interpreter", "ringside.ts", both, "image.bin", "interpret"),
  v86: node("v86", "v86.ts", [32], "firmware.rom"),
  v86Interpreter: node("v86, no JIT", "v86.ts", [32], "firmware.rom", "interpret"),
  qemu,
  bochs,
} as const satisfies Record<string, Emulator>;

/** The shell must outlive the emulator to tell its time, so that the limit, in seconds, is `timeout`'s. */
const timed = 'timeout -s KILL 120 "$@"; LC_ALL=C times >&2';

/** The last line of `times` is of the children. */
function secondsOf(times: string): number {
  const found = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(times);
  if (!found) throw new Error(`the shell tells no times: ${times}`);
  const [userMinutes, user, systemMinutes, system] = found.slice(1).map(Number) as [number, number, number, number];
  return (userMinutes + systemMinutes) * 60 + user + system;
}

/** Boots the image until it ends the emulator; throws if it prints no checksum within two minutes. */
export function run(emulator: Emulator, image: Uint8Array): Outcome {
  const directory = mkdtempSync(join(tmpdir(), "ringside-bench-"));
  try {
    const files = { ...emulator.files?.(directory), "image.bin": image, "firmware.rom": romOf(image) };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    const { stdout, stderr } = spawnSync("sh", ["-c", timed, "sh", ...emulator.command(directory)], {
      encoding: "latin1",
      env: { ...process.env, TERM: "xterm" },
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 2 ** 26,
    });
    const checksum = /^([0-9A-F]{8})\r?$/m.exec(stdout)?.[1];
    if (checksum === undefined) throw new Error(`${emulator.name} prints no checksum: ${stdout} ${stderr}`);
    return { seconds: secondsOf(stderr), checksum, output: stdout + stderr };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
