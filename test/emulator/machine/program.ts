import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Assembly, assemble, type ReadFile } from "../../../assembler/index.ts";
import { isBootable } from "../../../emulator/devices/disk-image.ts";
import { Machine, type MachineConfiguration } from "../../../emulator/index.ts";
import { startModeOf } from "../../../emulator/memory/start-modes.ts";

/** Assembles a text; throws with the first error, so that a test says what is wrong with its own source. */
export function assembled(text: string, file = "test.asm", read?: ReadFile): Assembly {
  const assembly = assemble({ file, text, ...(read && { read }) });
  const error = assembly.problems.find(({ severity }) => severity === "error");
  if (error) throw new Error(`${file}:${error.range.line + 1}: ${error.message}`);
  return assembly;
}

/** Finds files that are included by their paths from a folder. */
export const includedFrom =
  (folder: string): ReadFile =>
  (included) => {
    const file = join(folder, included);
    return existsSync(file) ? { file, text: readFileSync(file, "utf8") } : undefined;
  };

/** Assembles a file, with those that it includes by their paths from its folder. */
export const assembledFile = (path: string): Assembly =>
  assembled(readFileSync(path, "utf8"), basename(path), includedFrom(dirname(path)));

/** How a program is run if it does not say otherwise; see `assembler/interface.ts` for what it can say. */
export function configurationOf(assembly: Assembly, over: Partial<MachineConfiguration> = {}): MachineConfiguration {
  const { bytes: image, origin, bits, settings } = assembly;
  const mode = startModeOf(settings.mode, bits);
  const boots = mode === "real" && isBootable(image);
  const disk = boots ? { boot: "floppy" as const, drives: { floppies: [image] } } : {};
  const { memory = 16, processors = 1 } = settings;
  return { technique: "bare-metal", image, origin, mode, memory, processors, ...disk, ...over };
}

/** A machine with the program loaded. */
export const machineWith = (text: string, over: Partial<MachineConfiguration> = {}): Machine =>
  new Machine(configurationOf(assembled(text), over));

/** Everything the guest has written to its console. */
export const outputOf = (machine: Machine): string =>
  machine
    .events(0, Number.MAX_SAFE_INTEGER, ["output"])
    .map((event) => (event.kind === "output" ? event.text : ""))
    .join("");
