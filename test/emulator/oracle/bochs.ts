import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { romOf } from "./rom.ts";

/** The model of processor has UMIP, PCID and SMAP; there is none of Intel's with more in Bochs 2.7. */
const model = "corei7_icelake_u";

const configuration = (rom: string): string => `megs: 32
cpu: model=${model}, count=1, ips=50000000, reset_on_triple_fault=0
romimage: file=${rom}
display_library: term
port_e9_hack: enabled=1
log: /dev/null
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
boot: disk
clock: sync=none
speaker: enabled=0
`;

/** Debian's Bochs has a debugger, which is told to go on. */
const commands = "c\nq\n";

export const hasBochs = (): boolean => {
  const { stderr } = spawnSync("bochs", ["--help", "cpu"], { encoding: "latin1", timeout: 10_000 });
  return stderr?.includes(model) ?? false;
};

/** What Bochs itself says before, while and after the guest runs. */
const chatter = /^(=+$|\s+(Bochs x86|Built from|Timestamp)|Next at t=|\(0\))/;

/** Boots the image and gives all it writes to port E9h until it ends Bochs by port 8900h; throws if it does not within the time. */
export function runOnBochs(image: Uint8Array): string {
  const directory = mkdtempSync(join(tmpdir(), "ringside-bochs-"));
  try {
    const [rom, settings, script] = ["rom.bin", "settings", "commands"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(rom, romOf(image));
    writeFileSync(settings, configuration(rom));
    writeFileSync(script, commands);
    // Bochs does not end by the usual signal.
    const { stdout, stderr, error } = spawnSync("bochs", ["-q", "-f", settings, "-rc", script], {
      encoding: "latin1",
      timeout: 20_000,
      killSignal: "SIGKILL",
      maxBuffer: 2 ** 24,
      input: "",
    });
    if (error || !stderr.includes("shutdown requested"))
      throw new Error(`Bochs did not end as it should: ${error?.message ?? stderr.slice(-500)}`, { cause: stdout });
    return stdout
      .split("\n")
      .filter((line) => !chatter.test(line))
      .join("\n")
      .replace(/\(0\)\.\[.*$/s, "");
  } finally {
    rmSync(directory, { recursive: true });
  }
}
