import type { Bus as ProcessorBus } from "../cpu/bus.ts";
import type { CoprocessorError } from "../devices/coprocessor-error.ts";
import type { Device, Region, Timing } from "../devices/device.ts";
import type { InterruptSource } from "../devices/interrupt-source.ts";
import type { EventBody } from "../trace/event.ts";

interface Mapping {
  readonly device: Device;
  readonly region: Region;
}

/** What a bus tells its machine. */
export interface BusListener {
  /** After each port access, for the trace. */
  readonly record: (body: EventBody & { kind: "io" }) => void;
  /** After each access to a device: deadlines and interrupt lines may have changed. */
  readonly touched: () => void;
}

/**
 * The I/O ports and device memory of one machine. Accesses wider than a byte are split into bytes at consecutive ports, as
 * the ISA bus does for 8-bit devices, except to registers that are wider. Ports without a device read as all ones and
 * ignore writes.
 */
export class Bus implements ProcessorBus {
  readonly interrupts: InterruptSource;
  readonly devices: readonly Device[];
  /** What is at each port, as an index in `#mappings`; the first is nothing. */
  readonly #ports = new Uint16Array(0x1_0000);
  readonly #mappings: (Mapping | undefined)[] = [undefined];
  #memory: Mapping[] = [];
  /** The devices that time changes. */
  readonly #timed: readonly { readonly irq: number | undefined; readonly timing: Timing }[];
  #listener: BusListener;
  readonly #coprocessor: CoprocessorError | undefined;

  /** @throws Error naming both devices if their regions overlap. */
  constructor(devices: readonly Device[], interrupts: InterruptSource, listener: BusListener) {
    this.devices = devices;
    this.interrupts = interrupts;
    this.#listener = listener;
    this.#coprocessor = devices.find((device) => device.coprocessor)?.coprocessor;
    this.#timed = devices.flatMap(({ irq, timing }) => (timing ? { irq, timing } : []));
    for (const device of devices) for (const region of device.regions) this.#map({ device, region });
  }

  #map(added: Mapping): void {
    const { region, device } = added;
    const all = [...this.#mappings.filter((mapping) => mapping !== undefined), ...this.#memory];
    const clash = all.find(
      ({ region: other }) =>
        other.space === region.space &&
        other.base < region.base + region.length &&
        region.base < other.base + other.length,
    );
    if (clash)
      throw new Error(
        `${device.name} and ${clash.device.name} both claim ${region.space} ${region.base.toString(16).toUpperCase()}h`,
      );
    if (region.space === "memory") this.#memory.push(added);
    else this.#ports.fill(this.#mappings.push(added) - 1, region.base, region.base + region.length);
  }

  interruptPending(): boolean {
    return this.interrupts.pending;
  }

  acknowledgeInterrupt(): number {
    const vector = this.interrupts.acknowledge();
    this.#listener.touched();
    return vector;
  }

  coprocessorError(waiting: boolean): boolean {
    const ignored = this.#coprocessor?.report(waiting) ?? false;
    if (waiting) this.#listener.touched();
    return ignored;
  }

  setTaskPriority(priority: number): void {
    this.interrupts.setTaskPriority?.(priority);
  }

  switchLocalApic(on: boolean): void {
    this.interrupts.switchLocalApic?.(on);
    this.#listener.touched();
  }

  callsFirmware(port: number): boolean {
    return this.#portAt(port)?.device.firmware === true;
  }

  readonly #portAt = (port: number): Mapping | undefined => this.#mappings[this.#ports[port & 0xffff]!];

  /** Reads a port of `bytes` 1, 2 or 4; unsigned. */
  in(port: number, bytes: number): number {
    const at = this.#portAt(port);
    const value = bytes === 1 ? readByte(at, port) : read(port, bytes, this.#portAt);
    this.#listener.record({ kind: "io", direction: "in", port, bytes, value, device: at?.device.name ?? "none" });
    this.#touched(at, bytes);
    return value;
  }

  /** Writes the low `bytes` bytes of an unsigned value to a port. */
  out(port: number, bytes: number, value: number): void {
    const low = bytes === 1 ? value & 0xff : bytes === 2 ? value & 0xffff : value >>> 0;
    const at = this.#portAt(port);
    this.#listener.record({ kind: "io", direction: "out", port, bytes, value: low, device: at?.device.name ?? "none" });
    if (bytes === 1) at?.region.write(port - at.region.base, low);
    else write(port, bytes, low, this.#portAt);
    this.#touched(at, bytes);
  }

  /** Says that a device was accessed, except one of which nothing can come. */
  #touched(at: Mapping | undefined, bytes: number): void {
    if (bytes > 1 || at?.device.inert !== true) this.#listener.touched();
  }

  /** Reads a byte from a port as firmware does, whose accesses are no events of the guest. */
  inQuietly(port: number): number {
    const value = read(port, 1, this.#portAt);
    this.#listener.touched();
    return value;
  }

  outQuietly(port: number, value: number): void {
    write(port, 1, value, this.#portAt);
    this.#listener.touched();
  }

  /** True if a guest-physical address belongs to a device and not to memory. */
  claims(physical: number): boolean {
    return this.#memory.some(({ region }) => physical >= region.base && physical < region.base + region.length);
  }

  /** Reads device memory that `claims` said is one; unsigned, up to 4 bytes. */
  read(physical: number, bytes: number): number {
    const value = read(physical, bytes, (at) => this.#memoryAt(at));
    this.#listener.touched();
    return value;
  }

  write(physical: number, bytes: number, value: number): void {
    write(physical, bytes, value, (at) => this.#memoryAt(at));
    this.#listener.touched();
  }

  #memoryAt(physical: number): Mapping | undefined {
    return this.#memory.find(({ region }) => physical >= region.base && physical < region.base + region.length);
  }

  /** Virtual time of the earliest device deadline; `deliverable` limits it to devices whose interrupt can arrive. */
  nextDeadline(deliverable?: (irq: number) => boolean): number | undefined {
    let earliest: number | undefined;
    for (const { irq, timing } of this.#timed) {
      if (deliverable && (irq === undefined || !deliverable(irq))) continue;
      const at = timing.nextDeadline();
      if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at;
    }
    return earliest;
  }

  /** Brings every device up to the present. */
  tick(): void {
    for (const { timing } of this.#timed) timing.tick();
  }

  save(): unknown {
    return this.devices.map((device) => device.save());
  }

  restore(state: unknown): void {
    const saved = state as readonly unknown[];
    for (const [n, device] of this.devices.entries()) device.restore(saved[n]);
  }
}

type Lookup = (address: number) => Mapping | undefined;

/** An access begins in a region: whole where it has wide registers, else byte by byte, each at its own address. */
function read(address: number, bytes: number, lookup: Lookup): number {
  const first = lookup(address);
  const wide = bytes > 1 ? first?.region.wide : undefined;
  if (wide) return wide.read(address - first!.region.base, bytes);
  let value = 0;
  for (let n = 0; n < bytes; n++) value += readByte(lookup(address + n), address + n) * 2 ** (8 * n);
  return value;
}

const readByte = (at: Mapping | undefined, address: number): number =>
  at ? at.region.read(address - at.region.base) & 0xff : 0xff;

function write(address: number, bytes: number, value: number, lookup: Lookup): void {
  const first = lookup(address);
  const wide = bytes > 1 ? first?.region.wide : undefined;
  if (wide) {
    wide.write(address - first!.region.base, bytes, value);
    return;
  }
  for (let n = 0; n < bytes; n++) {
    const at = lookup(address + n);
    at?.region.write(address + n - at.region.base, (value >>> (8 * n)) & 0xff);
  }
}
