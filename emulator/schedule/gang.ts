import type { StandingValue } from "./schedule-event.ts";
import { type Choice, type Context, copy, milliseconds, type Scheduler, waitingText } from "./scheduler.ts";
import type { Vcpu } from "./vcpu.ts";

export interface GangOptions {
  /** Length of a time slot in microseconds. */
  readonly slot: number;
  /** Let a vCPU of another slot run where the one whose place it is has nothing to do. */
  readonly alternates: boolean;
}

export const gangDefaults: GangOptions = { slot: 10_000, alternates: false };

interface State {
  /** Ousterhout's matrix: in each row who runs on which pCPU; all vCPUs of a VM are in one row. */
  rows: (string | null)[][];
  row: number;
  slotEnd: number;
}

/** For each of these affinities a free place of its own in the row; undefined if there are not enough (augmenting paths). */
function sideBySide(
  affinities: readonly Vcpu["parameters"]["affinity"][],
  row: readonly (string | null)[],
): number[] | undefined {
  const owner = new Map<number, number>();
  const settle = (n: number, tried: Set<number>): boolean => {
    const affinity = affinities[n]!;
    for (const [pcpu, id] of row.entries()) {
      if (id !== null || tried.has(pcpu) || (affinity && !affinity.includes(pcpu))) continue;
      tried.add(pcpu);
      const before = owner.get(pcpu);
      if (before !== undefined && !settle(before, tried)) continue;
      owner.set(pcpu, n);
      return true;
    }
    return false;
  };
  if (!affinities.every((_, n) => settle(n, new Set()))) return undefined;
  const places = new Map([...owner].map(([pcpu, n]) => [n, pcpu]));
  return affinities.map((_, n) => places.get(n)!);
}

/** Whether vCPUs of these affinities can run side by side. */
export const placesFit = (affinities: readonly Vcpu["parameters"]["affinity"][], pcpus: number): boolean =>
  affinities.length <= pcpus &&
  sideBySide(
    affinities,
    Array.from({ length: pcpus }, () => null),
  ) !== undefined;

/**
 * Gang (co-)scheduling after Ousterhout: all vCPUs of a VM run at the same time, in time slots that take turns. Weights and caps mean
 * nothing. A row none of whose vCPUs can run is passed over.
 */
export class Gang implements Scheduler {
  readonly #context: Context;
  readonly #options: GangOptions;
  #state: State;

  constructor(context: Context, options: GangOptions) {
    this.#context = context;
    this.#options = options;
    this.#state = { rows: [], row: 0, slotEnd: options.slot };
  }

  add(vcpu: Vcpu): void {
    this.#place(vcpu.vm, vcpu);
  }

  remove(vcpu: Vcpu): void {
    this.#vacate([vcpu.id]);
  }

  adjust(vcpu: Vcpu): void {
    this.#place(vcpu.vm);
    this.#again();
  }

  #vacate(ids: readonly string[]): void {
    const { rows } = this.#state;
    for (const row of rows)
      for (const [pcpu, id] of row.entries()) if (id !== null && ids.includes(id)) row[pcpu] = null;
    this.#state.rows = rows.filter((row) => row.some((id) => id !== null));
    this.#state.row = Math.min(this.#state.row, Math.max(0, this.#state.rows.length - 1));
  }

  /** Puts the VM into the first row that has room for all its vCPUs, each where it may run. */
  #place(vm: string, newcomer?: Vcpu): void {
    const members = this.#context.vcpus.filter(
      (vcpu) => vcpu.vm === vm && (vcpu.state !== "offline" || vcpu === newcomer),
    );
    this.#vacate(members.map(({ id }) => id));
    const empty = (): null[] => Array.from({ length: this.#context.pcpus }, () => null);
    for (const row of [...this.#state.rows, empty()]) {
      const places = sideBySide(
        members.map(({ parameters }) => parameters.affinity),
        row,
      );
      if (!places) continue;
      for (const [n, pcpu] of places.entries()) row[pcpu] = members[n]!.id;
      if (!this.#state.rows.includes(row)) this.#state.rows.push(row);
      return;
    }
    throw new RangeError(
      `${vm} has ${members.length} vCPUs that do not fit side by side on ${this.#context.pcpus} pCPUs.`,
    );
  }

  #again(): void {
    for (let pcpu = 0; pcpu < this.#context.pcpus; pcpu++) this.#context.tickle(pcpu);
  }

  #runs(id: string | null): Vcpu | undefined {
    const vcpu = id === null ? undefined : this.#context.vcpu(id);
    return vcpu && (vcpu.state === "runnable" || vcpu.state === "running") ? vcpu : undefined;
  }

  wake(): void {
    if (this.#busy(this.#state.row)) this.#again();
    else this.#next();
  }

  block(): void {
    if (!this.#busy(this.#state.row)) this.#next();
    else this.#again();
  }

  yield(): void {
    // Its place is its VM's for the rest of the slot.
  }

  charge(): void {
    // Slots are ended by the time alone.
  }

  #busy(row: number): boolean {
    return (this.#state.rows[row] ?? []).some((id) => this.#runs(id));
  }

  /** The next row with somebody to run has a whole slot. */
  #next(): void {
    const { rows, row } = this.#state;
    const ways = rows.map((_, n) => (row + 1 + n) % rows.length);
    const next = ways.find((n) => this.#busy(n));
    this.#state.slotEnd = this.#context.now + this.#options.slot;
    if (next !== undefined) {
      this.#state.row = next;
      this.#context.note(
        "slot",
        undefined,
        `slot ${next} of ${rows.length}: ${rows[next]!.map((id) => id ?? "free").join(", ")}`,
      );
    }
    this.#again();
  }

  get deadline(): number | null {
    return this.#state.slotEnd;
  }

  timer(): void {
    this.#next();
  }

  parked(): boolean {
    return false;
  }

  pick(pcpu: number, current: Vcpu | undefined): Choice {
    const { rows, row, slotEnd } = this.#state;
    const column = rows.map((_, n) => rows[(row + n) % rows.length]![pcpu] ?? null);
    // Who has just been given another place may still run at its old one.
    const here = column
      .map((id) => this.#runs(id))
      .map((one) => (one?.state === "running" && one !== current ? undefined : one));
    const [own, ...others] = here;
    const vcpu = own ?? (this.#options.alternates ? others.find((other) => other !== undefined) : undefined);
    if (current && vcpu !== current) this.#tickleHome(current);
    const what = `slot ${row} of ${rows.length} until ${milliseconds(slotEnd)}`;
    if (!vcpu) return { vcpu, until: null, reason: `${what}: nobody has this place in it who could run` };
    const waiting = others.filter((other) => other !== undefined && other !== vcpu) as Vcpu[];
    const why = vcpu === own ? "has this place" : "runs as an alternate: whoever has this place cannot run";
    const rest = waitingText(waiting, (other) => this.standing(other));
    return { vcpu, until: null, reason: `${what}: ${vcpu.id} ${why}; ${rest}` };
  }

  #tickleHome({ id }: Vcpu): void {
    const home = this.#state.rows[this.#state.row]?.indexOf(id) ?? -1;
    if (home >= 0) this.#context.tickle(home);
  }

  standing(vcpu: Vcpu): string {
    return `slot ${this.#state.rows.findIndex((row) => row.includes(vcpu.id))}`;
  }

  standingValue(vcpu: Vcpu): StandingValue {
    return { measure: "row", value: this.#state.rows.findIndex((row) => row.includes(vcpu.id)), band: "" };
  }

  save(): unknown {
    return copy(this.#state);
  }

  restore(state: unknown): void {
    this.#state = copy(state) as State;
  }
}
