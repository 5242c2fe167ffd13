import type { Bus } from "../../../emulator/cpu/bus.ts";
import { Cpu } from "../../../emulator/cpu/cpu.ts";
import { layout, ramBase } from "../../../emulator/cpu/layout.ts";
import { CR0, CR4, CS, EFER, LDTR, type Segment, TR } from "../../../emulator/cpu/state.ts";
import { Engine } from "../../../emulator/engine/interpreter.ts";
import type { Bits } from "../../../isa/operands.ts";
import { rows } from "../../../isa/table.ts";
import { randomNumbers, randomOfRow } from "../engine/random-code.ts";

export type Random = (below: number) => number;

/** A mode to run random bytes in. */
export interface World {
  readonly name: string;
  readonly bits: Bits;
  readonly kind: "real" | "virtual-8086" | "protected" | "compatibility" | "long";
  readonly cpl: 0 | 3;
  readonly paging?: "two-level" | "pae" | "four-level";
}

export const worlds: readonly World[] = [
  { name: "real mode", bits: 16, kind: "real", cpl: 0 },
  { name: "virtual-8086 mode", bits: 16, kind: "virtual-8086", cpl: 3 },
  { name: "virtual-8086 mode with paging", bits: 16, kind: "virtual-8086", cpl: 3, paging: "two-level" },
  { name: "16-bit protected mode, ring 0", bits: 16, kind: "protected", cpl: 0 },
  { name: "16-bit protected mode, ring 3", bits: 16, kind: "protected", cpl: 3, paging: "two-level" },
  { name: "32-bit protected mode, ring 0", bits: 32, kind: "protected", cpl: 0 },
  { name: "32-bit protected mode, ring 0, with paging", bits: 32, kind: "protected", cpl: 0, paging: "two-level" },
  { name: "32-bit protected mode, ring 3", bits: 32, kind: "protected", cpl: 3 },
  { name: "32-bit protected mode, ring 3, with PAE", bits: 32, kind: "protected", cpl: 3, paging: "pae" },
  { name: "compatibility mode, ring 0", bits: 32, kind: "compatibility", cpl: 0, paging: "four-level" },
  { name: "compatibility mode, ring 3", bits: 16, kind: "compatibility", cpl: 3, paging: "four-level" },
  { name: "64-bit mode, ring 0", bits: 64, kind: "long", cpl: 0, paging: "four-level" },
  { name: "64-bit mode, ring 3", bits: 64, kind: "long", cpl: 3, paging: "four-level" },
];

const ramBytes = 0x4_0000;
const at = { gdt: 0x1000, ldt: 0x1800, idt: 0x2000, tss: 0x3000, tables: 0x4000, code: 0x1_0000 } as const;
const codeEnd = 0x2_0000;
const memoryBytes = ramBase + ramBytes;

/** Ports that give what was asked for, a device in the last 4 KiB below 4 GiB, and an interrupt line. */
class Surroundings implements Bus {
  vectors: number[] = [];
  in(port: number, bytes: number): number {
    return (Math.imul(port, 0x9e37_79b1) >>> 0) >>> (32 - 8 * bytes);
  }
  out(): void {}
  claims(physical: number): boolean {
    return physical >= 0xffff_f000 && physical <= 0xffff_ffff;
  }
  read(physical: number, bytes: number): number {
    return ((physical & 0xff) * 0x0101_0101) >>> (32 - 8 * bytes);
  }
  write(): void {}
  interruptPending(): boolean {
    return this.vectors.length > 0;
  }
  acknowledgeInterrupt(): number {
    return this.vectors.shift()!;
  }
}

/** A processor for random worlds, reused for one after the other. */
export class Subject {
  readonly cpu: Cpu;
  readonly bus = new Surroundings();
  readonly memory: Uint8Array;
  engine: Engine;
  readonly #memory: WebAssembly.Memory;

  constructor() {
    this.#memory = new WebAssembly.Memory({ initial: memoryBytes / 0x1_0000 });
    this.memory = new Uint8Array(this.#memory.buffer);
    this.cpu = new Cpu({ memory: this.#memory, ramBytes, bus: this.bus });
    this.engine = new Engine(this.cpu);
  }

  /** Begins in this memory and state. With a threshold, hot code is translated. */
  begin(image: Uint8Array, threshold: number | undefined): void {
    this.cpu.physical.guards.fill(0);
    this.bus.vectors = [];
    this.memory.set(image);
    this.cpu.reload();
    this.engine = new Engine(
      this.cpu,
      threshold === undefined ? {} : { translate: { memory: this.#memory, threshold } },
    );
  }
}

/** Selector of 64-bit code at CPL 0. */
const longCode = 9 * 8;

const bitsOfKind = (bits: Bits): number => (bits === 32 ? 0x4000 : bits === 64 ? 0x2000 : 0);

/** Instructions of every row that exists in the mode, made once. */
const pools = new Map<Bits, readonly (readonly number[])[]>();

function instructions(bits: Bits): readonly (readonly number[])[] {
  const known = pools.get(bits);
  if (known) return known;
  const random = randomNumbers(bits);
  const made = rows.flatMap((row) => {
    if (row.modes === (bits === 64 ? "not-64" : "only-64")) return [];
    return [0, 1].flatMap(() => {
      const code = randomOfRow(random, row, bits);
      return code ? [code] : [];
    });
  });
  pools.set(bits, made);
  return made;
}

/** Random bytes, with random instructions of the table in them. */
function fillCode(random: Random, bytes: Uint8Array, bits: Bits): void {
  for (let n = 0; n < bytes.length; n++) bytes[n] = random(256);
  const pool = instructions(bits);
  let n = 0;
  while (n < bytes.length - 32) {
    if (random(3) === 0) n += random(12);
    const code = pool[random(pool.length)]!;
    bytes.set(code, n);
    n += code.length;
    // Now and then a loop, so that something gets hot.
    if (random(12) === 0) {
      bytes.set([0xe2, 0x100 - 2 - random(Math.min(60, n + 1))], n);
      n += 2;
    }
  }
}

/** Descriptors that mostly make sense: code and data of every ring and size, gates, TSSs; some are random. */
function fillDescriptors(random: Random, view: DataView, { bits, kind }: World): void {
  const types = [0x9a, 0x92, 0xfa, 0xf2, 0x9e, 0xfe, 0x96, 0xb2, 0x90, 0x98];
  for (let n = 1; n < 256; n++) {
    const place = at.gdt + 8 * n;
    const choice = random(10);
    if (choice === 0) {
      view.setUint32(place, random(2 ** 32), true);
      view.setUint32(place + 4, random(2 ** 32), true);
    } else if (choice < 8) {
      const width = random(3) === 0 ? [0, 0x40, 0x20][random(3)]! : bitsOfKind(bits) >> 8;
      const big = random(4) !== 0 ? 0x8f : 0;
      const base = random(6) === 0 ? random(0x1000) : 0;
      view.setUint32(place, 0xffff + base * 0x1_0000, true);
      view.setUint32(place + 4, (((width | big) << 16) | (types[random(types.length)]! << 8)) >>> 0, true);
    } else gate(random, view, place, kind);
  }
  const own = (n: number, access: number): void => {
    view.setUint32(at.gdt + 8 * n, 0xffff, true);
    view.setUint32(at.gdt + 8 * n + 4, 0x8f_0000 + (access << 8) + ((bitsOfKind(bits) >> 8) << 16), true);
  };
  own(1, 0x9b);
  own(2, 0x93);
  own(3, 0xfb);
  own(4, 0xf3);
  view.setUint32(at.gdt + longCode, 0xffff, true);
  view.setUint32(at.gdt + longCode + 4, 0xaf_9b00, true);
  view.setUint32(at.gdt + 40, (at.tss << 16) | 0x1ff, true);
  view.setUint32(at.gdt + 44, 0x8b00, true);
  view.setUint32(at.gdt + 56, (at.tss << 16) | 0x2ff, true);
  view.setUint32(at.gdt + 60, 0xe900, true);
}

/** A gate; `sound` ones lead to code at CPL 0. */
function gate(random: Random, view: DataView, place: number, kind: World["kind"], sound = false): void {
  const long = kind === "long" || kind === "compatibility";
  const any = long ? [12, 14, 15, 14] : [4, 5, 6, 7, 12, 14, 15, 14, 14];
  const types = sound ? [14, 15] : any;
  const selector = sound ? (long ? longCode : 8) : random(5) === 0 ? random(256) * 8 : random(4) === 0 ? 7 * 8 : 8;
  const offset = at.code + random(codeEnd - at.code);
  const access = types[random(types.length)]! | (!sound && random(8) === 0 ? 0 : 0x80) | (random(2) * 0x60);
  view.setUint32(place, (selector << 16) | (offset & 0xffff), true);
  view.setUint32(place + 4, ((offset & 0xffff_0000) | (access << 8) | (random(6) === 0 ? random(32) : 0)) >>> 0, true);
}

function fillTables(random: Random, view: DataView, paging: World["paging"]): void {
  /** Tables and stacks can always be reached; of other pages some are absent, read-only or the supervisor's. */
  const rights = (page: number): number => {
    const place = (page & 0x7f) << 12;
    if (place < at.code || place >= codeEnd) return 7;
    return (random(24) === 0 ? 0 : 7) & ~(random(10) === 0 ? 2 : 0) & ~(random(12) === 0 ? 4 : 0);
  };
  const { tables } = at;
  if (paging === "two-level") {
    view.setUint32(tables, tables + 0x1000 + 7, true);
    view.setUint32(tables + 4, 0x87, true);
    for (let page = 0; page < 1024; page++)
      view.setUint32(tables + 0x1000 + 4 * page, ((page & 0x7f) << 12) | rights(page), true);
    return;
  }
  const levels = paging === "pae" ? 2 : 3;
  for (let level = 0; level < levels; level++)
    view.setBigUint64(
      tables + 0x1000 * level,
      BigInt(tables + 0x1000 * (level + 1) + (level === 0 && paging === "pae" ? 1 : 7)),
      true,
    );
  const last = tables + 0x1000 * levels;
  for (let page = 0; page < 512; page++)
    view.setBigUint64(
      last + 8 * page,
      BigInt(((page & 0x7f) << 12) | rights(page)) | (page >= at.code >> 12 && random(16) === 0 ? 1n << 63n : 0n),
      true,
    );
}

function fillTasks(random: Random, view: DataView, { kind }: World): void {
  for (let n = 0; n < 0x400; n += 4) view.setUint32(at.tss + n, random(ramBytes), true);
  for (const task of [at.tss, at.tss + 0x200]) {
    for (const offset of [4, 12, 20]) view.setUint32(task + offset, 0x3_8000 + random(0x1000), true);
    for (const offset of [8, 16, 24, 40, 48, 56, 64, 72, 80, 88]) view.setUint32(task + offset, 0, true);
    if (kind === "long" || kind === "compatibility") {
      for (const offset of [8, 16, 24]) view.setUint32(task + offset, 0, true);
      continue;
    }
    for (const offset of [8, 16, 24, 80]) view.setUint16(task + offset, 0x10, true);
    view.setUint32(task + 28, at.tables, true);
    for (const offset of [72, 84, 88, 92]) view.setUint16(task + offset, random(3) === 0 ? random(64) * 8 : 0x10, true);
    view.setUint16(task + 76, 8, true);
    view.setUint16(task + 96, 0, true);
    view.setUint16(task + 102, 0x68, true);
    view.setUint16(task, 0x28 + 0x10 * random(2), true);
  }
}

const flagsOf = (random: Random, world: World): number =>
  (random(2 ** 12) & 0x8d5) |
  2 |
  (random(6) === 0 ? 0x100 : 0) |
  (random(2) * 0x200) |
  (random(4) << 12) |
  (random(12) === 0 ? 0x4000 : 0) |
  (random(8) === 0 ? 0x4_0000 : 0) |
  (world.kind === "virtual-8086" ? 0x2_0000 : 0);

function loadRegisters(cpu: Cpu, random: Random, world: World): void {
  const wide = world.kind === "long";
  for (let n = 0; n < (wide ? 16 : 8); n++) {
    const any = (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32));
    const pointer = BigInt(at.code + random(codeEnd - at.code));
    cpu.r64[n] = random(3) === 0 ? (wide ? any : any & 0xffff_ffffn) : pointer;
  }
  cpu.r64[1] = BigInt(random(40));
  cpu.r64[4] = world.bits === 16 ? BigInt(0x8000 + random(0x1000)) : BigInt(0x3_8000 + random(0x4000));
}

function loadSegments(cpu: Cpu, random: Random, world: World): void {
  const { kind, bits, cpl } = world;
  const paragraphs = kind === "real" || kind === "virtual-8086";
  for (let n = 0; n < 6; n++) {
    const code = n === CS;
    const selector = paragraphs ? 0x1000 + random(0x400) : (code ? 1 : 2) * 8 + (cpl === 3 ? 0x10 + 3 : 0);
    const dpl = kind === "virtual-8086" ? 3 : cpl;
    const access = (code && !paragraphs ? 0x9b : 0x93) | (dpl << 5) | (paragraphs ? 0 : bitsOfKind(bits) | 0x8000);
    const base = paragraphs ? selector << 4 : 0;
    cpu.writeSegment(n, { selector, access, limit: paragraphs ? 0xffff : 0xffff_ffff, base } satisfies Segment);
  }
  cpu.writeSegment(TR, { selector: 0x28, access: 0x8b, limit: 0x1ff, base: at.tss });
  cpu.writeSegment(LDTR, { selector: 0x30, access: 0x82, limit: 0x7ff, base: at.ldt });
}

const cr4Of = (random: Random, { paging }: World): number => {
  const some = [CR4.VME, CR4.PVI, CR4.TSD, CR4.DE, CR4.PGE, CR4.PCE, CR4.UMIP, CR4.OSFXSR, CR4.SMEP, CR4.SMAP];
  const chosen = some.filter(() => random(4) === 0).reduce((bits, bit) => bits | bit, 0);
  return chosen | (paging === "two-level" ? CR4.PSE : paging ? CR4.PAE : 0);
};

function loadControls(cpu: Cpu, random: Random, world: World): void {
  const { kind, paging, cpl } = world;
  const long = kind === "long" || kind === "compatibility";
  const protection = kind === "real" ? 0 : CR0.PE | (random(2) * CR0.WP) | (random(6) === 0 ? CR0.AM : 0);
  cpu.r64[layout.cr0 >> 3] = BigInt((protection | CR0.ET | CR0.NE | (paging ? CR0.PG : 0)) >>> 0);
  cpu.r64[layout.cr3 >> 3] = BigInt(at.tables);
  cpu.r64[layout.cr4 >> 3] = BigInt(cr4Of(random, world));
  cpu.r64[layout.efer >> 3] = BigInt((long ? EFER.LME | EFER.LMA : 0) | EFER.NXE | (random(2) * EFER.SCE));
  for (let n = 0; n < 4; n++) cpu.r64[(layout.pdptes >> 3) + n] = BigInt(at.tables + 0x1000) | 1n;
  for (const msr of [layout.lstar, layout.sysenterEip]) cpu.r64[msr >> 3] = BigInt(at.code + random(0x1_0000));
  cpu.r64[layout.star >> 3] = 0x0013_0008_0000_0000n;
  cpu.r64[layout.sysenterCs >> 3] = 8n;
  cpu.r64[layout.sysenterEsp >> 3] = 0x3_9000n;
  if (random(4) === 0) {
    for (let n = 0; n < 4; n++) cpu.r64[(layout.debug >> 3) + n] = BigInt(at.code + random(codeEnd - at.code));
    cpu.r64[(layout.debug >> 3) + 7] = BigInt((random(2 ** 16) * 0x1_0000 + (random(256) | 0x400)) >>> 0);
  }
  cpu.setGdtr(at.gdt, 0x7ff);
  cpu.setIdtr(kind === "real" ? 0 : at.idt, kind === "real" ? 0x3ff : 0xfff);
  cpu.r32[layout.cpl >> 2] = cpl;
}

/** All memory of a machine in such a mode, with everything else random. */
export function randomWorld(maker: Subject, world: World, random: Random): Uint8Array {
  const { cpu, memory } = maker;
  cpu.reset();
  const ram = memory.subarray(ramBase, ramBase + ramBytes);
  const view = new DataView(memory.buffer, ramBase, ramBytes);
  ram.fill(0);
  fillCode(random, ram.subarray(at.code, codeEnd), world.bits);
  fillDescriptors(random, view, world);
  fillTables(random, view, world.paging);
  fillTasks(random, view, world);
  for (let vector = 0; vector < 256; vector++)
    if (world.kind === "real")
      view.setUint32(4 * vector, random(0x8000) + 0x1000_0000 + random(0x400) * 0x1_0000, true);
    else if (world.kind === "long" || world.kind === "compatibility")
      gate(random, view, at.idt + 16 * vector, world.kind, vector < 32 && random(16) !== 0);
    else gate(random, view, at.idt + 8 * vector, world.kind, vector < 32 && random(16) !== 0);
  loadRegisters(cpu, random, world);
  loadSegments(cpu, random, world);
  loadControls(cpu, random, world);
  cpu.rip = world.bits === 16 ? random(0x8000) : at.code + random(codeEnd - at.code - 0x100);
  if (world.bits === 16 && world.kind !== "real" && world.kind !== "virtual-8086") cpu.rip = random(0x1_0000);
  cpu.refresh();
  cpu.flags = flagsOf(random, world);
  return memory.slice();
}
