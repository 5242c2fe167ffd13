/** Commands about virtual CPUs and how they are scheduled: `vcpus`, `schedule`; `weight`, `cap`, `affinity`, `plug`, `unplug`. */
import type { Adjustment, MachineInterface } from "../../emulator/machine-interface.ts";
import type { Subject } from "../evaluate.ts";
import { Refusal } from "../requests.ts";
import { seenFrom, waitText } from "../threads.ts";
import type { Command, Context } from "./command.ts";
import { columnsText, manualHex } from "./table-text.ts";

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
const milliseconds = (microseconds: number): string => `${microseconds / 1000} ms`;

function vcpus({ machine }: Context): string {
  const rows = machine.vcpus().map((view) => {
    const { vm, vcpu, state, pcpu, linearRip, bits, standing = "" } = view;
    const cpl = seenFrom(machine, view, () => machine.cpl);
    const where = state === "running" ? (machine.schedule() ? `pCPU ${pcpu}` : "") : waitText(view);
    return [`${vm}/${vcpu}`, state, where, manualHex(linearRip), `ring ${cpl}, ${bits}-bit`, standing];
  });
  return columnsText([["vCPU", "state", "where", "at", "mode", "standing"], ...rows]);
}

function schedule({ machine }: Context): string {
  const figures = machine.schedule();
  if (!figures) throw new Refusal(unshared);
  const rows = figures.vcpus.map(({ vcpu, share, due, latency, switches, migrations, preemptions }) => [
    ...[vcpu, percent(share), percent(due), latency ? milliseconds(latency.p95) : ""],
    ...[`${switches}`, `${migrations}`, `${preemptions}`],
  ]);
  const head = ["vCPU", "share", "due", "woke p95", "switches", "moves", "preempted"];
  const table = columnsText([head, ...rows], [1, 2, 3, 4, 5, 6]);
  return `${table}\n${milliseconds(figures.time)}, Jain's index ${figures.jain.toFixed(4)}, ${figures.contextSwitches} context switches`;
}

const unshared =
  "Nobody shares a physical CPU here: that is for machine files (*.ringside.json), which say how many there are, and which scheduler decides.";

/** A VM, with `/N` one of its vCPUs, and what follows. */
function target(argument: string, usage: string): { vm: string; vcpu: number | undefined; rest: string } {
  const groups = /^(?<vm>[a-z][\w-]*)(?:\/(?<vcpu>\d+))?(?:\s+(?<rest>\S.*))?$/i.exec(argument)?.groups;
  if (!groups?.["vm"]) throw new Refusal(`Write: ${usage}.`);
  const { vm, vcpu, rest = "" } = groups;
  return { vm: vm!, vcpu: vcpu === undefined ? undefined : Number(vcpu), rest };
}

function wholeNumber(text: string, usage: string): number {
  if (!/^\d+$/.test(text)) throw new Refusal(`Write: ${usage}.`);
  return Number(text);
}

function adjusted(machine: MachineInterface, vm: string, vcpu: number | undefined, adjustment: Adjustment): void {
  if (!machine.schedule()) throw new Refusal(unshared);
  const problem = machine.adjust(vm, vcpu, adjustment);
  if (problem !== undefined) throw new Refusal(problem);
}

const vms = ({ machine }: Subject): readonly string[] => machine.configuration.vms.map(({ name }) => name);
const places = ({ machine }: Subject): readonly string[] => machine.vcpus().map(({ vm, vcpu }) => `${vm}/${vcpu}`);

/** A command that changes a parameter of all vCPUs of a VM, or of one of them. */
function setting(
  name: "weight" | "cap" | "affinity",
  { parameters, what }: Pick<Command, "parameters" | "what">,
  read: (text: string, usage: string) => { readonly value: number | readonly number[] | null; readonly said: string },
): Command {
  const usage = `${name} ${parameters}`;
  return {
    ...{ name, parameters, what, changes: true },
    words: vms,
    run: ({ machine }, argument) => {
      const { vm, vcpu, rest } = target(argument, usage);
      const { value, said } = read(rest, usage);
      adjusted(machine, vm, vcpu, { kind: "set", parameters: { [name]: value } });
      return `${vm}${vcpu === undefined ? "" : `/${vcpu}`}: ${name} ${said} from now on.`;
    },
  };
}

/** A command that takes a vCPU away from its guest, or gives it back. */
function plugging(name: "plug" | "unplug", what: string): Command {
  const parameters = "VM/VCPU";
  return {
    ...{ name, parameters, what, changes: true },
    words: places,
    run: ({ machine }, argument) => {
      const { vm, vcpu } = target(argument, `${name} ${parameters}`);
      if (vcpu === undefined) throw new Refusal(`Write: ${name} ${parameters}.`);
      adjusted(machine, vm, vcpu, { kind: name });
      return `${vm}/${vcpu} is ${name === "plug" ? "plugged in" : "unplugged"}.`;
    },
  };
}

const number = (text: string, usage: string) => {
  const value = wholeNumber(text, usage);
  return { value, said: `${value}` };
};

export const schedulingCommands: readonly Command[] = [
  { name: "vcpus", parameters: "", what: "All virtual CPUs: what each does, and where it is.", run: vcpus },
  {
    name: "schedule",
    parameters: "",
    what: "How the scheduler has shared the physical CPUs up to now, and how fair that was.",
    run: schedule,
  },
  setting("weight", { parameters: "VM N", what: "Gives a VM another weight." }, number),
  setting(
    "cap",
    { parameters: "VM PERCENT", what: "Gives a VM another cap, in percent of one physical CPU; 0: none." },
    number,
  ),
  setting(
    "affinity",
    { parameters: "VM[/VCPU] PCPU,…", what: "Says on which physical CPUs a VM, or one vCPU, may run; `all`: on any." },
    (text, usage) =>
      text === "all"
        ? { value: null, said: "all" }
        : { value: text.split(",").map((part) => wholeNumber(part.trim(), usage)), said: text },
  ),
  plugging("plug", "Gives a VM a vCPU back that was unplugged."),
  plugging("unplug", "Takes a vCPU away from its VM."),
];
