import { fileKey, toUri } from "../assembler/location.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { utf8Text } from "../emulator/utf8.ts";
import { defaultCosts } from "../isa/costs.ts";
import type { MeasuredLine, MeasuredReason, MeasuredRun } from "../isa/measurement.ts";
import { type Exit, type ExitCounter, ExitReader } from "./exit-reader.ts";
import { itemAt, type Program } from "./program.ts";
import type { Programs } from "./programs.ts";
import { viewUri } from "./trace-sources.ts";

type Reasons = Map<string, MeasuredReason>;

interface Place {
  readonly key: string;
  readonly uri: string;
  readonly file: string;
  readonly line: number;
  readonly reasons: Reasons;
}

interface Counts {
  readonly places: readonly Place[];
  /** By sequence number, the keys of places. */
  readonly pending: ReadonlyMap<number, string | undefined>;
}

const copyOf = (place: Place): Place => ({ ...place, reasons: new Map(place.reasons) });

/** The exits of a machine by source line. */
export class ExitTally implements ExitCounter<Counts> {
  readonly #machine: MachineInterface;
  readonly #programs: Programs;
  readonly reader: ExitReader<Counts>;
  #places = new Map<string, Place>();
  /** By VM and address of the instruction; undefined: it belongs to no line. */
  #byAddress = new Map<string, Place | undefined>();
  /** Counted while their cost was not known yet: an exit has it from its entry on. */
  #pending = new Map<number, Place | undefined>();

  constructor(machine: MachineInterface, programs: Programs) {
    this.#machine = machine;
    this.#programs = programs;
    this.reader = new ExitReader(machine, this);
  }

  measured(): MeasuredRun {
    this.reader.read();
    this.#settle();
    const { configuration, cycle } = this.#machine;
    const [first] = this.#programs.byVm.values();
    return {
      program: toUri(first!.file),
      technique: configuration.technique,
      costs: configuration.costs ?? defaultCosts,
      cycles: cycle,
      lines: this.#lines(),
      dropped: this.reader.missed,
    };
  }

  copy(): Counts {
    this.#settle();
    return {
      places: [...this.#places.values()].map(copyOf),
      pending: new Map([...this.#pending].map(([sequence, place]) => [sequence, place?.key])),
    };
  }

  takeBack(copy: Counts | undefined): void {
    this.#places = new Map(copy?.places.map((place) => [place.key, copyOf(place)]));
    this.#byAddress = new Map();
    const pending = [...(copy?.pending ?? [])];
    this.#pending = new Map(
      pending.map(([sequence, key]) => [sequence, key === undefined ? key : this.#places.get(key)]),
    );
  }

  count(exit: Exit): void {
    const { reason, cost, sequence } = exit;
    const place = this.#placeOf(exit);
    if (cost === 0) this.#pending.set(sequence, place);
    if (place) add(place.reasons, reason, 1, cost);
  }

  /** Costs that are known by now. */
  #settle(): void {
    for (const [sequence, place] of this.#pending) this.#settleOne(sequence, place);
  }

  #settleOne(sequence: number, place: Place | undefined): void {
    const [exit] = this.#machine.events(sequence - 1, 1, ["exit"]) as readonly Exit[];
    const isKept = exit?.sequence === sequence;
    if (isKept && exit.cost === 0) return;
    this.#pending.delete(sequence);
    if (isKept && place) add(place.reasons, exit.reason, 0, exit.cost);
  }

  #placeOf(exit: Exit): Place | undefined {
    const address = `${exit.vm} ${exit.rip}`;
    if (this.#byAddress.has(address)) return this.#byAddress.get(address);
    const range = itemAt(this.#programs.of(exit), BigInt(`0x${exit.rip}`))?.range;
    const key = range && `${range.line} ${fileKey(range.file)}`;
    const place =
      range && key !== undefined
        ? (this.#places.get(key) ?? {
            ...{ key, uri: viewUri(range.file), file: range.file, line: range.line },
            reasons: new Map(),
          })
        : undefined;
    if (place && key !== undefined) this.#places.set(key, place);
    this.#byAddress.set(address, place);
    return place;
  }

  #lines(): MeasuredLine[] {
    const texts = new Map<string, readonly string[]>();
    const programs = [...this.#programs.byVm.values()];
    const textOf = (file: string): readonly string[] => {
      const known = texts.get(file) ?? linesOf(sourceOf(programs, file));
      texts.set(file, known);
      return known;
    };
    return [...this.#places.values()].map(({ uri, file, line, reasons }) => {
      const text = textOf(file)[line];
      const sorted = [...reasons.values()].sort((a, b) => b.count - a.count);
      return { uri, line, ...(text === undefined ? {} : { text }), reasons: sorted };
    });
  }
}

function add(reasons: Reasons, reason: string, count: number, cycles: number): void {
  const before = reasons.get(reason) ?? { reason, count: 0, cycles: 0 };
  reasons.set(reason, { reason, count: before.count + count, cycles: before.cycles + cycles });
}

/** The bytes of a file, of whichever program has it. */
function sourceOf(programs: readonly Program[], file: string): Uint8Array | undefined {
  for (const program of programs) {
    const bytes = program.source?.(file);
    if (bytes) return bytes;
  }
  return undefined;
}

const linesOf = (bytes: Uint8Array | undefined): readonly string[] =>
  bytes ? utf8Text(bytes).split(/\r\n|\n|\r/) : [];
