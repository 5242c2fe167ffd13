import { Cpu } from "../../emulator/cpu/cpu.ts";
import { layout, ramBase } from "../../emulator/cpu/layout.ts";
import { CS } from "../../emulator/cpu/state.ts";
import { Engine } from "../../emulator/engine/interpreter.ts";
import { Bus } from "../../emulator/memory/bus.ts";

export type Bits = 16 | 32 | 64;

/** Where code is put, and where the stack begins. */
export const codeAt = 0x1000;
export const stackAt = 0x9000;

const accessOf = { 16: 0x009b, 32: 0xc09b, 64: 0xa09b } as const;
const limitOf = { 16: 0xffff, 32: 0xffff_ffff, 64: 0xffff_ffff } as const;

export interface ProcessorOptions {
  readonly bits: Bits;
  readonly code: Uint8Array | readonly number[];
  /** Translate blocks that began this many times; default: interpret only. */
  readonly threshold?: number;
  /** Bytes of RAM. */
  readonly ramBytes?: number;
  /** Code and data segments begin here (16- and 32-bit code). */
  readonly base?: number;
  /** Limit of the data segments; default: that of the mode. */
  readonly limit?: number;
  /** Host-physical range of the loaded image. */
  readonly image?: { readonly start: number; readonly end: number };
}

export interface Processor {
  readonly cpu: Cpu;
  readonly engine: Engine;
  readonly memory: WebAssembly.Memory;
}

/**
 * A processor with code at `codeAt` and nothing around it: flat segments at CPL 0, 64-bit code with an identity mapping of
 * the first 2 MiB by tables at 0x80000.
 */
export function createProcessor(options: ProcessorOptions): Processor {
  const { bits, code, threshold, ramBytes = 0x10_0000, base = 0, image } = options;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((ramBase + ramBytes) / 65536) });
  const nothing = { pending: false, acknowledge: () => 0, irqOf: () => -1 };
  const bus = new Bus([], nothing, { record: () => {}, touched: () => {} });
  const cpu = new Cpu({ memory, ramBytes, bus });
  cpu.r64[layout.cr0 >> 3] = bits === 16 ? 0x10n : 0x11n;
  if (bits === 64) enterLongMode(cpu);
  const real = bits === 16;
  const limit = options.limit ?? limitOf[bits];
  for (let segment = 0; segment < 6; segment++) {
    const data = { selector: real ? base >> 4 : 16, access: bits === 16 ? 0x93 : 0xc093, limit, base };
    cpu.writeSegment(
      segment,
      segment === CS ? { selector: real ? base >> 4 : 8, access: accessOf[bits], limit: limitOf[bits], base } : data,
    );
  }
  cpu.rip = codeAt;
  cpu.r64[4] = BigInt(stackAt);
  cpu.bytes.set(code, ramBase + base + codeAt);
  cpu.refresh();
  const translate = threshold === undefined ? {} : { translate: { memory, threshold } };
  return { cpu, memory, engine: new Engine(cpu, { ...translate, ...(image && { images: [image] }) }) };
}

function enterLongMode(cpu: Cpu): void {
  const tables = 0x8_0000;
  const entry = (at: number, value: bigint): void => cpu.view.setBigUint64(ramBase + at, value, true);
  entry(tables, BigInt(tables + 0x1003));
  entry(tables + 0x1000, BigInt(tables + 0x2003));
  entry(tables + 0x2000, 0x83n);
  cpu.r64[layout.cr3 >> 3] = BigInt(tables);
  cpu.r64[layout.cr4 >> 3] = 0x20n;
  cpu.r64[layout.efer >> 3] = 0x500n;
  cpu.r64[layout.cr0 >> 3] = 0x8000_0011n;
}
