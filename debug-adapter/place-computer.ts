/** What is launched as a whole: one program, or a machine file with several VMs and their programs. */
import { resolve } from "../assembler/location.ts";
import {
  type AnyConfiguration,
  type ComputerConfiguration,
  parted,
  type TimedInput,
} from "../emulator/configuration/machine-configuration.ts";
import { strokesOf } from "../emulator/devices/typing.ts";
import {
  hostOf,
  type MachineFile,
  runsPrograms,
  schedulingOf,
  type VmField,
  vcpuCount,
} from "../emulator/machine-file/machine-file.ts";
import { isMachineFile, type PlacedProblem, readMachineFile } from "../emulator/machine-file/read.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { utf8Text } from "../emulator/utf8.ts";
import { LaunchError, type Placed, place, type ReadFile, require, shortName } from "./place.ts";
import type { Program } from "./program.ts";
import type { LaunchArguments } from "./protocol.ts";

/** The machine file has errors. `problems` are located; the message shows the first of them. */
export class MachineFileError extends LaunchError {
  readonly problems: readonly PlacedProblem[];
  /** All problems, a line each. */
  readonly report: string;

  constructor(file: string, problems: readonly PlacedProblem[]) {
    const lines = problems.map(
      ({ line, column, message }) => `${shortName(file)}:${line}:${column}: error: ${message}\n`,
    );
    const others = lines.length > 1 ? ` (and ${lines.length - 1} more)` : "";
    super(`The machine file has errors: ${lines[0]!.trimEnd()}${others}`);
    this.problems = problems;
    this.report = lines.join("");
  }
}

/** All programs of a computer, and the machine that they are for. */
export interface PlacedComputer extends Pick<Placed, "warnings" | "assembly"> {
  readonly configuration: AnyConfiguration;
  /** The program of each VM, by its name, as they stand in such a machine, which has not run yet. */
  readonly programsIn: (machine: MachineInterface) => ReadonlyMap<string, Program>;
}

/** Reads a program, or a machine file with the programs of its VMs, and all that belongs to it. @throws LaunchError */
export async function placeComputer(args: LaunchArguments, readFile: ReadFile): Promise<PlacedComputer> {
  if (isMachineFile(args.program)) return placeMachineFile(args, readFile);
  const { programIn, ...placed } = await place(args, readFile);
  return { ...placed, programsIn: (machine) => new Map([[machine.vm, programIn(machine)]]) };
}

async function placeMachineFile(args: LaunchArguments, readFile: ReadFile): Promise<PlacedComputer> {
  const text = utf8Text(await require("program", args.program, readFile));
  const read = readMachineFile(text, args);
  if ("problems" in read) throw new MachineFileError(args.program, read.problems);
  const { file } = read;
  if (!runsPrograms(file))
    throw new LaunchError(
      `${shortName(args.program)} describes model workloads, of which nothing is executed: give its VMs a "program", or see who runs when with "ringside schedule".`,
    );
  const placed: Placed[] = [];
  for (const vm of file.vms) placed.push(await placeVm(vm, file, args, readFile));
  return {
    configuration: configurationOf(file, placed),
    warnings: placed.map(({ warnings }) => warnings).join(""),
    programsIn: (machine) => programsIn(machine, file, placed),
  };
}

/** The program of a VM, as if it were launched by itself. */
async function placeVm(
  vm: VmField,
  { technique, costs }: MachineFile,
  { program: base, fallbackTechnique, include = [] }: LaunchArguments,
  readFile: ReadFile,
): Promise<Placed> {
  const { program, memory, boot, commandLine, sourceRoot, date } = vm;
  const at = (name: string): string => resolve(name, base);
  const all = (names: readonly string[] = []): string[] => names.map(at);
  const processors = vm.vcpus === undefined ? {} : { processors: vcpuCount(vm) };
  return place(
    {
      program: at(program!),
      include: [...all(vm.include), ...include],
      floppies: all(vm.floppies),
      disks: all(vm.disks),
      ...processors,
      ...(vm.modules && { modules: all(vm.modules) }),
      ...(sourceRoot !== undefined && { sourceRoot: at(sourceRoot) }),
      ...(technique !== undefined && { technique }),
      ...(fallbackTechnique !== undefined && { fallbackTechnique }),
      ...(costs !== undefined && { costs }),
      ...(memory !== undefined && { memory }),
      ...(boot !== undefined && { boot }),
      ...(commandLine !== undefined && { commandLine }),
      ...(date !== undefined && { date }),
    },
    readFile,
  );
}

function configurationOf(file: MachineFile, placed: readonly Placed[]): ComputerConfiguration {
  const { vms } = file;
  const parts = placed.map(({ configuration }) => parted(configuration));
  const { hardware } = parts[0]!;
  const other = parts.findIndex((part) => part.hardware.technique !== hardware.technique);
  if (other >= 0)
    throw new LaunchError(
      `${vms[0]!.name} is for ${hardware.technique}, ${vms[other]!.name} for ${parts[other]!.hardware.technique}: one host virtualizes all in one way; say which as "technique".`,
    );
  return {
    ...hardware,
    ...(file.hypervisor && { hypervisor: file.hypervisor }),
    host: hostOf(file),
    vms: vms.map((vm, n) => {
      const { guest } = parts[n]!;
      const scheduling = schedulingOf({ ...vm, vcpus: vm.vcpus ?? guest.processors ?? 1 });
      return { name: vm.name, ...guest, ...scheduling, inputs: inputsOf(vm) };
    }),
  };
}

/** What is typed from the start comes first. @throws LaunchError if something cannot be typed */
function inputsOf({ name, keys, serial, inputs = [] }: VmField): readonly TimedInput[] {
  const all: TimedInput[] = [
    ...(keys === undefined ? [] : [{ at: 0, device: "keyboard", text: keys } as const]),
    ...(serial === undefined ? [] : [{ at: 0, device: "serial", text: serial } as const]),
    ...inputs,
  ];
  for (const { device, text } of all) {
    const wrong = device === "keyboard" ? strokesOf(text) : [];
    if (typeof wrong === "string") throw new LaunchError(`${name}, what is typed on the keyboard: ${wrong}`);
  }
  return all;
}

/** The program of each VM, by its name. */
function programsIn(machine: MachineInterface, { vms }: MachineFile, placed: readonly Placed[]): Map<string, Program> {
  const home = { vm: machine.vm, vcpu: machine.vcpu };
  const programs = new Map<string, Program>();
  for (const [n, { name: vm }] of vms.entries()) {
    machine.look({ vm, vcpu: 0 });
    programs.set(vm, placed[n]!.programIn(machine));
  }
  machine.look(home);
  return programs;
}
