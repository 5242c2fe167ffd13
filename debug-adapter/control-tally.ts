import { type ControlBit, decidingBit } from "../emulator/inspection/deciding-bit.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { type Exit, ExitReader } from "./exit-reader.ts";

/** How often each bit of the control block made a vCPU exit, up to now. */
export class ControlTally {
  readonly #machine: MachineInterface;
  readonly #reader: ExitReader;
  /** By vCPU, place and bit. */
  #counts = new Map<string, number>();
  #missed = 0;
  /** Rules are few: what each comes to is found out once. */
  readonly #keys = new Map<string, string | undefined>();

  constructor(machine: MachineInterface) {
    this.#machine = machine;
    this.#reader = new ExitReader(machine);
  }

  changed(): void {
    this.#reader.changed();
  }

  /** Of the vCPU that is looked at: asks for the count of a bit. */
  counts(): (bit: ControlBit) => number {
    const missed = this.#reader.read(
      () => this.#forget(),
      (exit) => this.#count(exit),
    );
    this.#missed += missed;
    const { vm, vcpu } = this.#machine;
    return ({ place, bit }) => this.#counts.get(`${vm}/${vcpu} ${place}:${bit}`) ?? 0;
  }

  /** Events that were no longer kept when they should have been counted, so that counts may be too low. */
  get missed(): number {
    return this.#missed;
  }

  #forget(): void {
    this.#counts.clear();
    this.#missed = 0;
  }

  #count(exit: Exit): void {
    const key = this.#keyOf(exit);
    if (key === undefined) return;
    const whole = `${exit.vm}/${exit.vcpu} ${key}`;
    this.#counts.set(whole, (this.#counts.get(whole) ?? 0) + 1);
  }

  #keyOf(exit: Exit): string | undefined {
    const known = `${exit.reason} ${exit.why.rule}`;
    if (this.#keys.has(known)) return this.#keys.get(known);
    const found = decidingBit(exit);
    const key = found && `${found.place}:${found.bit}`;
    // Rules that tell of values, such as entries of tables, may be many.
    if (this.#keys.size < mostRules) this.#keys.set(known, key);
    return key;
  }
}

const mostRules = 4096;
