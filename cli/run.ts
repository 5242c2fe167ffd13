import { ConsoleText } from "../debug-adapter/console-text.ts";
import { translationsText } from "../debug-adapter/translations-text.ts";
import { screenText, withMargin } from "../emulator/devices/screen.ts";
import {
  type Ending,
  follow,
  type MachineEvent,
  type MachineInterface,
  type RegisterGroup,
  type TranslatedUnit,
} from "../emulator/index.ts";
import type { VcpuPlace } from "../emulator/machine-interface.ts";
import type { Fairness } from "../emulator/schedule/fairness.ts";
import type { Arguments, Command } from "./command.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { loadGuest } from "./guest.ts";
import type { Io } from "./io.ts";
import { jsonText } from "./problem-text.ts";
import { fairnessText } from "./schedule-text.ts";
import { runOptions } from "./source-options.ts";
import { conclusion, heading, saveOption, saveRun, stepsFor, titleOption } from "./traces.ts";

/** What a run came to; also the shape of the JSON. Register values are hexadecimal with 0x. */
interface Summary {
  readonly file: string;
  readonly technique: string;
  readonly mode: string;
  readonly stopped: Ending;
  readonly output: string;
  /** What the screen showed at the end, a line each; left out if it was never written to. */
  readonly screen?: readonly string[];
  readonly exits: readonly { readonly reason: string; readonly number: number; readonly count: number }[];
  readonly steps: number;
  readonly instructions: number;
  /** Of these, the ones that ran without the VMM. */
  readonly direct: number;
  readonly cycles: number;
  readonly registers: Readonly<Record<string, string>>;
  /** Of a machine file: what became of each VM. */
  readonly vms?: readonly VmSummary[];
  /** How the scheduler shared the time, if asked for. */
  readonly schedule?: Fairness;
  /** What was translated, if asked for. */
  readonly translations?: readonly TranslatedUnit[];
}

interface VmSummary {
  readonly name: string;
  readonly output: string;
  /** Left out if it was still running. */
  readonly stopped?: Ending;
}

/** Follows a run: prints what guests write, and keeps what the summary tells. */
class Notes {
  readonly exits = new Map<string, { readonly number: number; count: number }>();
  readonly outputs = new Map<string, string>();
  readonly endings = new Map<string, Ending>();
  output = "";
  drawn = false;
  readonly #console: ConsoleText;
  readonly #out: (text: string) => void;

  constructor(vms: readonly string[], out: (text: string) => void) {
    this.#console = new ConsoleText(vms.length > 1);
    this.#out = out;
  }

  readonly see = (event: MachineEvent): void => {
    const { kind, vm } = event;
    if (kind === "exit") {
      const entry = this.exits.get(event.reason) ?? { number: event.number, count: 0 };
      entry.count++;
      this.exits.set(event.reason, entry);
    } else if (kind === "output") {
      this.output += event.text;
      this.outputs.set(vm, (this.outputs.get(vm) ?? "") + event.text);
      this.#out(this.#console.of(vm, event.text));
    } else if (kind === "screen") this.drawn = true;
    else if (kind === "stop") this.endings.set(vm, { reason: event.reason, text: event.text });
  };

  of(name: string): VmSummary {
    const stopped = this.endings.get(name);
    return { name, output: this.outputs.get(name) ?? "", ...(stopped && { stopped }) };
  }
}

export const run: Command = {
  name: "run",
  summary: "Runs a guest and prints its console output, how it stopped, and its VM exits by reason.",
  details: `The guest's console output goes to standard output as it comes; what else there is to say follows when the guest
has stopped. Exits with 0 if the guest halted or asked to stop (port F4h), 1 if the source has errors, 3 if the guest
ended badly, 4 if it was still running at the limit.`,
  options: {
    ...runOptions,
    report: { doc: "of a machine file: print also how the scheduler shared the time, and how fair that was" },
    translations: { doc: "print also the units that were translated, guest code beside its translation" },
    "save-disk": { value: "FILE", doc: "write the disk that the guest booted from, as it is at the end, to FILE" },
    "save-trace": saveOption,
    title: titleOption,
    help: { doc: "print this" },
  },
  async run(args, io) {
    const loaded = await loadGuest(args, io);
    if (!loaded) return exitCode.problems;
    const steps = stepsFor(args, loaded);
    const { machine, program, warnings } = loaded;
    const json = args.flag("json");
    io.error(`${warnings}${heading(loaded)}`);
    const vms = machine.configuration.vms.map(({ name }) => name);
    const notes = new Notes(vms, json ? () => undefined : io.out);
    const end = follow(machine, steps, notes.see);
    saveDisk(args, io, machine);
    await saveRun(args.text("save-trace"), args, io, loaded);
    const { ending: stopped, code, note } = await conclusion(args, loaded, end);
    const summary: Summary = {
      file: args.file,
      technique: machine.configuration.technique,
      mode: machine.guest.mode,
      stopped,
      output: notes.output,
      ...(notes.drawn && { screen: screenText(machine.screen).split("\n").slice(0, -1) }),
      exits: [...notes.exits].map(([reason, { number, count }]) => ({ reason, number, count })),
      steps: machine.now,
      instructions: machine.instructions,
      direct: machine.directInstructions,
      cycles: machine.cycle,
      registers: registersOf(machine),
      ...(machine.configuration.host && { vms: vms.map((name) => notes.of(name)) }),
      ...scheduleOf(args, machine),
      ...(args.flag("translations") && { translations: machine.translatedUnits() }),
    };
    io.out(json ? jsonText(summary) : summaryText(summary, machine));
    if (!json && summary.schedule) io.out(`\n${fairnessText(summary.schedule)}`);
    if (!json && summary.translations) io.out(`translations:\n${translationsText(program, summary.translations)}`);
    io.error(note);
    return code;
  },
};

function scheduleOf(args: Arguments, machine: MachineInterface): { readonly schedule?: Fairness } {
  if (!args.flag("report")) return {};
  const schedule = machine.schedule();
  if (!schedule) throw new UsageError("--report is for machine files: here nobody shares a physical CPU.");
  return { schedule };
}

/** Drives by their numbers in INT 13h. */
const bootDrives = { floppy: 0, disk: 0x80 } as const;

function saveDisk(args: Arguments, io: Io, machine: MachineInterface): void {
  const file = args.text("save-disk");
  if (file === undefined) return;
  const { boot } = machine.guest;
  const contents = boot && machine.disk(bootDrives[boot]);
  if (!contents) throw new UsageError("--save-disk: the guest did not boot from a disk.");
  io.writeBytes(file, contents);
}

const hexadecimal = (value: bigint, width: number): string =>
  `0x${value.toString(16).padStart(Math.ceil(width / 4), "0")}`;

const registersOf = (machine: MachineInterface): Record<string, string> =>
  Object.fromEntries(machine.registers().map(({ name, value, width }) => [name, hexadecimal(value, width)]));

/** Groups of registers in the text, each on lines of its own. */
const shown: readonly RegisterGroup[] = ["general", "flags", "segment", "control"];
const perLine = 4;

function registersText(machine: MachineInterface): string {
  let text = "";
  for (const group of shown) {
    const cells = machine
      .registers()
      .filter((register) => register.group === group && (group !== "segment" || !register.name.includes(".")))
      .map(({ name, value, width }) => `${name}=${width === 1 ? value : hexadecimal(value, width)}`);
    const columns = group === "flags" ? cells.length : perLine;
    for (let n = 0; n < cells.length; n += columns) text += `  ${cells.slice(n, n + columns).join("  ")}\n`;
  }
  return text;
}

/** Popek and Goldberg's efficiency: how much of the guest ran without the VMM. */
const efficiencyText = (instructions: number, direct: number): string =>
  instructions === 0
    ? ""
    : `efficiency: ${direct} of ${instructions} instructions (${((100 * direct) / instructions).toFixed(1)} %) ran without the VMM\n`;

const endingText = ({ name, stopped }: Pick<VmSummary, "name" | "stopped">): string =>
  `— ${name && `${name}: `}${stopped ? `${stopped.reason}: ${stopped.text}` : "still running"}\n`;

function registersOfVcpu(machine: MachineInterface, at: VcpuPlace): string {
  if (machine.vcpus().length === 1) return `registers:\n${registersText(machine)}`;
  machine.look(at);
  return `registers of ${at.vm}/${at.vcpu}:\n${registersText(machine)}`;
}

function summaryText(summary: Summary, machine: MachineInterface): string {
  const { output, screen, stopped, technique, steps, instructions, direct, cycles, exits } = summary;
  const total = exits.reduce((sum, { count }) => sum + count, 0);
  const list = [...exits].sort((a, b) => b.count - a.count).map(({ reason, count }) => `  ${count}  ${reason}\n`);
  return [
    output === "" || output.endsWith("\n") ? "" : "\n",
    screen ? withMargin(screen) : "",
    ...(summary.vms ?? [{ name: "", stopped }]).map(endingText),
    `technique ${technique}, ${steps} steps, ${instructions} instructions, ${cycles} cycles\n`,
    technique === "bare-metal" ? "" : efficiencyText(instructions, direct),
    total === 0 ? "no VM exits\n" : `${total} VM exit${total === 1 ? "" : "s"}:\n${list.join("")}`,
    // Of a machine file, what its VMs have come to says more.
    ...(summary.vms ? [] : machine.vcpus().map((vcpu) => registersOfVcpu(machine, vcpu))),
  ].join("");
}
