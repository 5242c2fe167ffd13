/** A device as it is seen from outside, by who looks and changes nothing: neither the device nor what the guest can find out. */
export interface DeviceView {
  readonly name: string;
  readonly registers: readonly DeviceRegister[];
  /** Of interrupt controllers. */
  readonly interrupts?: readonly InterruptView[];
  readonly timers?: readonly TimerView[];
}

export interface DeviceRegister {
  /** As the data sheet names it. */
  readonly name: string;
  /** Unsigned. */
  readonly value: number;
  /** Width in bits. */
  readonly bits: number;
  /** What it says, in words; empty where the value says all. */
  readonly text: string;
}

/** An input of an interrupt controller, or a vector of a local APIC. */
export interface InterruptView {
  /** "IRQ 4", "input 2", "vector 30h". */
  readonly input: string;
  /** The vector that it makes; undefined where it makes none. */
  readonly vector: number | undefined;
  /** The level of its line; undefined where there is none. */
  readonly line: boolean | undefined;
  readonly requested: boolean;
  /** Delivered and not ended: ISR, or remote IRR of a level-triggered input of the I/O APIC. */
  readonly inService: boolean;
  readonly masked: boolean;
  /** How else it is set up: "edge, fixed, to APIC 0". */
  readonly text: string;
}

export interface TimerView {
  readonly name: string;
  /** What it does: "rate generator". */
  readonly text: string;
  /** Where the count is, and from where it began; undefined of those that do not count. */
  readonly count?: number;
  readonly initial?: number;
  /** Virtual time in cycles at which it acts next; undefined: not by itself. */
  readonly next: number | undefined;
}

/** The names of the bits that are set, from bit 0 up; `otherwise` where none is. */
export const bitsText = (value: number, names: readonly string[], otherwise = ""): string =>
  names.filter((name, n) => name !== "" && (value >> n) & 1).join(", ") || otherwise;
