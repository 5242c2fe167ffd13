/** Runs one guest under several techniques and beside the bare machine. */
import { type TechniqueId, techniqueById } from "../../isa/technique.ts";
import { configurationProblem } from "../configuration/configuration.ts";
import type { AnyConfiguration } from "../configuration/machine-configuration.ts";
import { Machine } from "../machine.ts";
import type { MachineEvent } from "../trace/event.ts";
import { exitName } from "../trace/exit-name.ts";
import { type Ending, follow } from "../trace/follow.ts";
import { type Divergence, lockstep } from "./lockstep.ts";

/** Something that happened, by name, how often, and the cycles it took (where it takes any). */
export interface Tally {
  readonly name: string;
  readonly count: number;
  readonly cost: number;
}

/** What one run came to. */
export interface Totals {
  readonly ended: Ending;
  readonly output: string;
  /** Instructions retired, and of these the ones that ran without the VMM. */
  readonly instructions: number;
  readonly direct: number;
  /** Guest instructions of which a translator has made others. */
  readonly translated: number;
  /** Virtual time under the cost profile. */
  readonly cycles: number;
  /** Paging-structure entries read to fill the TLB. */
  readonly walkReferences: number;
  /** The most pages at a time, of those looked at, that were not the guest's and that it could have written. */
  readonly writableOutside: number;
  /** By reason, with the cycles from exit to entry. */
  readonly exits: readonly Tally[];
  readonly hypercalls: readonly Tally[];
  /** Exceptions that the guest had, by name. */
  readonly exceptions: readonly Tally[];
  /** What the VMM put into the guest, by name. */
  readonly injected: readonly Tally[];
  /** Events of the shadow page tables, by class. */
  readonly shadow: readonly Tally[];
}

/** A guest under one technique: refused with a sentence, or run. */
export type TechniqueRun = { readonly technique: TechniqueId; readonly title: string } & (
  | { readonly refused: string }
  | {
      readonly refused?: undefined;
      readonly totals: Totals;
      /** Where the guest could first tell the difference from bare metal; undefined if it could not in `compared` instructions. */
      readonly divergence: Divergence | undefined;
      readonly compared: number;
    }
);

export interface CompareOptions {
  /** Steps of each run at most, and instructions compared. */
  readonly limit: number;
  /** What is typed into each machine at its start, and the like. */
  readonly prepare?: (machine: Machine) => void;
}

class Tallies {
  readonly #entries = new Map<string, { count: number; cost: number }>();

  add(name: string, cost = 0): void {
    const entry = this.#entries.get(name) ?? { count: 0, cost: 0 };
    entry.count++;
    entry.cost += cost;
    this.#entries.set(name, entry);
  }

  /** The most frequent first; of equals, the first. */
  get list(): readonly Tally[] {
    return [...this.#entries].map(([name, entry]) => ({ name, ...entry })).sort((a, b) => b.count - a.count);
  }
}

/** Runs a new machine to its end, or for so many steps. */
function totalsOf(machine: Machine, steps: number): Totals {
  const tallies = {
    exits: new Tallies(),
    hypercalls: new Tallies(),
    exceptions: new Tallies(),
    injected: new Tallies(),
    shadow: new Tallies(),
  };
  let output = "";
  const see = (event: MachineEvent): void => {
    if (event.kind === "exit") tallies.exits.add(exitName(event), event.cost);
    else if (event.kind === "hypercall") tallies.hypercalls.add(event.name);
    else if (event.kind === "exception") tallies.exceptions.add(event.name);
    else if (event.kind === "inject") tallies.injected.add(event.name);
    else if (event.kind === "shadow") tallies.shadow.add(event.class);
    else if (event.kind === "output") output += event.text;
  };
  let writableOutside = 0;
  const look = () => {
    writableOutside = Math.max(writableOutside, machine.writableOutside);
  };
  const ended = follow(machine, steps, see, { look });
  const translated = machine.translatedUnits().reduce((sum, { guest }) => sum + guest.length, 0);
  const { instructions, directInstructions: direct, cycle: cycles, walkReferences } = machine;
  return {
    ...{ ended, output, instructions, direct, translated, cycles, walkReferences, writableOutside },
    exits: tallies.exits.list,
    hypercalls: tallies.hypercalls.list,
    exceptions: tallies.exceptions.list,
    injected: tallies.injected.list,
    shadow: tallies.shadow.list,
  };
}

/**
 * A guest is run twice: side by side with the bare machine, with a clock that counts instructions, to find the first
 * difference; and by itself under the cost profile of the configuration, for the totals. The bare machine itself is run once.
 *
 * @param base the guest; its technique is not used
 */
export function compareUnder(base: AnyConfiguration, technique: TechniqueId, options: CompareOptions): TechniqueRun {
  const { limit, prepare } = options;
  const { title } = techniqueById(technique)!;
  const under = (id: TechniqueId, clock?: "instructions") => {
    // Side by side the machines are alike: without VMX, which no technique offers.
    const machine = new Machine({ ...base, technique: id, ...(clock && { clock, vmx: false }) });
    prepare?.(machine);
    return machine;
  };
  const refused =
    configurationProblem({ ...base, technique: "bare-metal" }) ?? configurationProblem({ ...base, technique });
  if (refused !== undefined) return { technique, title, refused };
  const totals = totalsOf(under(technique), limit);
  if (technique === "bare-metal")
    return { technique, title, totals, divergence: undefined, compared: totals.instructions };
  const found = lockstep(under("bare-metal", "instructions"), under(technique, "instructions"), limit);
  return { technique, title, totals, divergence: found.divergence, compared: found.instructions };
}
