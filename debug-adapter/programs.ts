import { fileKey } from "../assembler/location.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { Program } from "./program.ts";

/** The programs of a machine's VMs. */
export interface Programs {
  readonly byVm: ReadonlyMap<string, Program>;
  /** That of the VM whose vCPU is in the core, or is looked at. */
  readonly here: Program;
  /** That of the VM that an event is about. */
  of(event: { readonly vm: string }): Program;
}

export const programsIn = (machine: MachineInterface, byVm: ReadonlyMap<string, Program>): Programs => ({
  byVm,
  get here() {
    return byVm.get(machine.vm)!;
  },
  of: ({ vm }) => byVm.get(vm)!,
});

/** Id of the module to which the frames of a VM's guest belong. */
export const moduleOfGuest = ({ byVm }: Programs, vm: string): string => (byVm.size > 1 ? `guest ${vm}` : "guest");
/** That of the frames of the VMM. */
export const moduleOfMonitor = "vmm";

/** The program's own name for a file, however it is written. */
export const programFile = (program: Program, file: string): string | undefined =>
  program.files.find((candidate) => fileKey(candidate) === fileKey(file));

/** The program that a file belongs to: that of the VM that is looked at if it has the file, else of another. */
export const programWith = (programs: Programs, file: string): Program =>
  [programs.here, ...programs.byVm.values()].find((program) => programFile(program, file) !== undefined) ??
  programs.here;
