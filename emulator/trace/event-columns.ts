import {
  type EventBody,
  type EventKind,
  type ExitForm,
  type MachineEvent,
  type RecordedBody,
  resolved,
  type Stamp,
} from "./event.ts";

type IoBody = RecordedBody & { readonly kind: "io" };
type OutputBody = RecordedBody & { readonly kind: "output" };

/** Events that are kept together. */
export const chunkEvents = 512;

/** The moment and place of an event. */
export interface Moment extends Omit<Stamp, "sequence" | "rip"> {
  /** Linear instruction pointer: unsigned, or signed canonical in 64-bit code. */
  readonly linear: number;
}

/** A linear address as events write it. */
export const linearText = (linear: number): string =>
  linear < 0 ? BigInt.asUintN(64, BigInt(linear)).toString(16) : linear.toString(16);

/** Rough bytes of memory that an event takes once it is read, for the bound. */
const exitWeight = 1000;
const entryWeight = 300;
const ioWeight = 100;
const characterWeight = 150;
const weightOf = (body: RecordedBody): number => {
  if (body.kind === "walk") return 400 + 250 * body.steps.length;
  if (body.kind === "schedule") return 300 + 2 * body.reason.length + 100 * body.standings.length;
  return body.kind === "output" ? 300 + 2 * body.text.length : 300;
};

const packed = ({ port, bytes, direction }: IoBody): number =>
  port | (bytes << 16) | (direction === "out" ? 1 << 24 : 0);

function unpacked(word: number, value: number, device: string): IoBody {
  const direction = word >> 24 === 1 ? "out" : "in";
  return { kind: "io", direction, port: word & 0xffff, bytes: (word >> 16) & 0xff, value: value >>> 0, device };
}

/** Consoles print a character at a time, but for what a hypervisor is given at once. */
const isCharacter = (text: string): boolean =>
  text.length === 1 || (text.length === 2 && text.codePointAt(0)! > 0xffff);

/** What of an event is in `#body`: all of it; the name of a port's device; what the VMM did before an entry; an exit's form; the device that printed a character. */
const kept = { whole: 0, io: 1, entry: 2, exit: 3, character: 4 } as const;
const { low, high } = { low: 0xffff_ffffn, high: 32n };

/**
 * A number of events in columns. Events are many, and objects that live on cost the host more than the machine takes to
 * make them: numbers are kept as numbers; of port accesses, printed characters, exits and entries nothing else is made.
 */
export class EventColumns {
  readonly weight = new Int32Array(chunkEvents);
  readonly #kept = new Uint8Array(chunkEvents);
  readonly #cycle = new Float64Array(chunkEvents);
  readonly #step = new Float64Array(chunkEvents);
  readonly #linear = new Float64Array(chunkEvents);
  readonly #cost = new Float64Array(chunkEvents);
  readonly #vcpu = new Uint8Array(chunkEvents);
  /** The words of a port access, the code point of a printed character, or an exit's qualification. */
  readonly #words = new Int32Array(2 * chunkEvents);
  /** The numbers of an exit; the first is also the exit of an entry. */
  readonly #first = new Float64Array(chunkEvents);
  readonly #second = new Float64Array(chunkEvents);
  readonly #vm: string[] = new Array<string>(chunkEvents).fill("");
  readonly #body: (RecordedBody | ExitForm | string | undefined)[] = new Array<undefined>(chunkEvents).fill(undefined);
  #interrupt: (RecordedBody & { readonly kind: "interrupt" }) | undefined;
  #injection: (RecordedBody & { readonly kind: "inject" }) | undefined;
  /** What was made of it when it was read. */
  readonly #read: (MachineEvent | undefined)[] = new Array<undefined>(chunkEvents).fill(undefined);

  set(n: number, moment: Moment, body: RecordedBody): void {
    if (body.kind === "entry") this.#setEntry(n, moment, body);
    else if (body.kind === "io") this.#setIo(n, moment, body);
    else if (body.kind === "output" && isCharacter(body.text)) this.#setCharacter(n, moment, body);
    else {
      this.#place(n, moment, weightOf(body));
      this.#kept[n] = kept.whole;
      this.#body[n] = this.#shared(body);
    }
  }

  /** Interrupts are often the same again: then the body kept already. */
  #shared(body: RecordedBody): RecordedBody {
    if (body.kind === "interrupt") {
      const last = this.#interrupt;
      if (last?.vector === body.vector && last.irq === body.irq && last.by === body.by) return last;
      this.#interrupt = body;
    } else if (body.kind === "inject") {
      const last = this.#injection;
      if (last?.vector === body.vector && last.name === body.name && last.errorCode === body.errorCode) return last;
      this.#injection = body;
    }
    return body;
  }

  #place(n: number, { cycle, step, vm, vcpu, linear }: Moment, weight: number): void {
    this.#cycle[n] = cycle;
    this.#step[n] = step;
    this.#vcpu[n] = vcpu;
    this.#vm[n] = vm;
    this.#linear[n] = linear;
    this.weight[n] = weight;
  }

  #setEntry(n: number, moment: Moment, { exit, handled, cost }: RecordedBody & { readonly kind: "entry" }): void {
    this.#place(n, moment, entryWeight);
    this.#kept[n] = kept.entry;
    this.#body[n] = handled;
    this.#first[n] = exit;
    this.#cost[n] = cost;
  }

  #setIo(n: number, moment: Moment, body: IoBody): void {
    this.#place(n, moment, ioWeight);
    this.#kept[n] = kept.io;
    this.#words[2 * n] = packed(body);
    this.#words[2 * n + 1] = body.value;
    this.#body[n] = body.device;
  }

  #setCharacter(n: number, moment: Moment, { device, text }: OutputBody): void {
    this.#place(n, moment, characterWeight);
    this.#kept[n] = kept.character;
    this.#words[2 * n] = text.codePointAt(0)!;
    this.#body[n] = device;
  }

  /** An exit whose cost is not known yet. */
  setExit(
    n: number,
    moment: Moment,
    form: ExitForm,
    qualification: bigint | number,
    first: number,
    second: number,
  ): void {
    this.#place(n, moment, exitWeight);
    this.#kept[n] = kept.exit;
    this.#body[n] = form;
    this.#cost[n] = 0;
    this.#first[n] = first;
    this.#second[n] = second;
    const words = this.#words;
    if (typeof qualification === "number") {
      words[2 * n] = qualification;
      words[2 * n + 1] = Math.floor(qualification / 2 ** 32);
    } else {
      words[2 * n] = Number(qualification & low);
      words[2 * n + 1] = Number((qualification >> high) & low);
    }
  }

  /** Lets go of what it holds there. */
  forget(n: number): void {
    this.#body[n] = undefined;
    this.#read[n] = undefined;
  }

  kindOf(n: number): EventKind {
    switch (this.#kept[n]) {
      case kept.io:
        return "io";
      case kept.entry:
        return "entry";
      case kept.exit:
        return "exit";
      case kept.character:
        return "output";
      default:
        return (this.#body[n] as RecordedBody).kind;
    }
  }

  setCost(n: number, cost: number): void {
    this.#cost[n] = cost;
    const read = this.#read[n];
    // Whoever has read it keeps it as it was.
    if (read?.kind === "exit") this.#read[n] = { ...read, cost };
  }

  /** The device that printed something, its VM, and what; undefined for other events. */
  printed(n: number): { readonly vm: string; readonly device: string; readonly text: string } | undefined {
    if (this.kindOf(n) !== "output") return undefined;
    const body = this.#kept[n] === kept.character ? this.#made(n) : this.#body[n];
    const { device, text } = body as OutputBody;
    return { vm: this.#vm[n]!, device, text };
  }

  /** The event; what explains an exit is worked out now, once. */
  event(n: number, sequence: number): MachineEvent {
    this.#read[n] ??= { sequence, ...this.#stamp(n), ...this.#made(n) };
    return this.#read[n];
  }

  #stamp(n: number): Omit<Stamp, "sequence"> {
    return {
      cycle: this.#cycle[n]!,
      step: this.#step[n]!,
      vm: this.#vm[n]!,
      vcpu: this.#vcpu[n]!,
      rip: linearText(this.#linear[n]!),
    };
  }

  #made(n: number): EventBody {
    const body = this.#body[n]!;
    switch (this.#kept[n]) {
      case kept.io:
        return unpacked(this.#words[2 * n]!, this.#words[2 * n + 1]!, body as string);
      case kept.entry:
        return { kind: "entry", exit: this.#first[n]!, handled: body as string, cost: this.#cost[n]! };
      case kept.exit:
        return this.#exit(n, body as ExitForm);
      case kept.character:
        return { kind: "output", device: body as string, text: String.fromCodePoint(this.#words[2 * n]!) };
      default:
        return body as RecordedBody;
    }
  }

  #exit(n: number, form: ExitForm): EventBody {
    const qualification = (BigInt(this.#words[2 * n + 1]! >>> 0) << high) | BigInt(this.#words[2 * n]! >>> 0);
    const numbers = { qualification, first: this.#first[n]!, second: this.#second[n]! };
    return {
      kind: "exit",
      reason: form.reason,
      number: form.number,
      qualification: qualification.toString(16),
      fields: resolved(form.fields, numbers),
      what: resolved(form.what, numbers),
      why: resolved(form.why, numbers),
      cost: this.#cost[n]!,
      technique: form.technique,
    };
  }
}
