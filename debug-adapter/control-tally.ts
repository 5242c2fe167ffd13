import { type ControlBit, decidingBit } from "../emulator/inspection/deciding-bit.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { type Exit, type ExitCounter, ExitReader } from "./exit-reader.ts";

type Counts = ReadonlyMap<string, number>;

/** How often each bit of the control block made a vCPU exit, up to now. */
export class ControlTally implements ExitCounter<Counts> {
  readonly #machine: MachineInterface;
  readonly reader: ExitReader<Counts>;
  /** By vCPU, place and bit. */
  #counts = new Map<string, number>();
  /** Rules are few: what each comes to is found out once. */
  readonly #keys = new Map<string, string | undefined>();

  constructor(machine: MachineInterface) {
    this.#machine = machine;
    this.reader = new ExitReader(machine, this);
  }

  /** Of the vCPU that is looked at: asks for the count of a bit. */
  counts(): (bit: ControlBit) => number {
    this.reader.read();
    const { vm, vcpu } = this.#machine;
    return ({ place, bit }) => this.#counts.get(`${vm}/${vcpu} ${place}:${bit}`) ?? 0;
  }

  copy(): Counts {
    return new Map(this.#counts);
  }

  takeBack(copy: Counts | undefined): void {
    this.#counts = new Map(copy);
  }

  count(exit: Exit): void {
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
