import type { MachineEvent, RecordedBody, Stamp } from "./event.ts";

type IoBody = RecordedBody & { readonly kind: "io" };

/** Events that are kept together. */
export const chunkEvents = 512;

/** Rough bytes of memory an event takes, for the bound. */
export const weightOf = (body: RecordedBody): number => {
  if (body.kind === "walk") return 400 + 250 * body.steps.length;
  if (body.kind === "exit") return 1000;
  if (body.kind === "io") return 100;
  return body.kind === "output" ? 300 + 2 * body.text.length : 300;
};

const packed = ({ port, bytes, direction }: IoBody): number =>
  port | (bytes << 16) | (direction === "out" ? 1 << 24 : 0);

function unpacked(word: number, value: number, device: string): IoBody {
  const direction = word >> 24 === 1 ? "out" : "in";
  return { kind: "io", direction, port: word & 0xffff, bytes: (word >> 16) & 0xff, value: value >>> 0, device };
}

/**
 * A number of events in columns. Events are many, and objects that live on cost the host more than the machine takes to
 * make them: numbers are kept as numbers, of port accesses nothing else.
 */
export class EventColumns {
  readonly weight = new Int32Array(chunkEvents);
  readonly #cycle = new Float64Array(chunkEvents);
  readonly #step = new Float64Array(chunkEvents);
  readonly #cost = new Float64Array(chunkEvents);
  readonly #vcpu = new Uint8Array(chunkEvents);
  readonly #words = new Int32Array(2 * chunkEvents);
  readonly #vm: string[] = new Array<string>(chunkEvents).fill("");
  readonly #rip: string[] = new Array<string>(chunkEvents).fill("");
  /** What was recorded; of a port access the name of the device. */
  readonly #body: (RecordedBody | string | undefined)[] = new Array<undefined>(chunkEvents).fill(undefined);
  /** What was made of it when it was read. */
  readonly #read: (MachineEvent | undefined)[] = new Array<undefined>(chunkEvents).fill(undefined);

  set(n: number, { cycle, step, vm, vcpu, rip }: Omit<Stamp, "sequence">, body: RecordedBody): void {
    this.#cycle[n] = cycle;
    this.#step[n] = step;
    this.#vcpu[n] = vcpu;
    this.#vm[n] = vm;
    this.#rip[n] = rip;
    this.weight[n] = weightOf(body);
    if (body.kind !== "io") {
      this.#body[n] = body;
      if (body.kind === "exit") this.#cost[n] = body.cost;
      return;
    }
    this.#words[2 * n] = packed(body);
    this.#words[2 * n + 1] = body.value;
    this.#body[n] = body.device;
  }

  /** Lets go of what it holds there. */
  forget(n: number): void {
    this.#body[n] = undefined;
    this.#read[n] = undefined;
  }

  kindOf(n: number): RecordedBody["kind"] {
    const body = this.#body[n]!;
    return typeof body === "string" ? "io" : body.kind;
  }

  setCost(n: number, cost: number): void {
    this.#cost[n] = cost;
    const read = this.#read[n];
    // Whoever has read it keeps it as it was.
    if (read?.kind === "exit") this.#read[n] = { ...read, cost };
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
      rip: this.#rip[n]!,
    };
  }

  #made(n: number) {
    const body = this.#body[n]!;
    if (typeof body === "string") return unpacked(this.#words[2 * n]!, this.#words[2 * n + 1]!, body);
    if (body.kind !== "exit") return body;
    const { fields, what, why } = body;
    return {
      ...body,
      fields: typeof fields === "function" ? fields() : fields,
      what: typeof what === "function" ? what() : what,
      why: typeof why === "function" ? why() : why,
      cost: this.#cost[n]!,
    };
  }
}
