import { layout, ramBase, tlbBase, tlbBytes } from "../../../emulator/cpu/layout.ts";
import { CR4, CS, TR } from "../../../emulator/cpu/state.ts";
import { type Bits, codeAt, createProcessor, type Processor, stackAt } from "../../support/processor.ts";
import { randomNumbers, randomProgram } from "./random-code.ts";

/** A way to run the random programs. */
export interface Setting {
  readonly name: string;
  readonly bits: Bits;
  /** Base and limit of the segments (16- and 32-bit code). */
  readonly base?: number;
  readonly limit?: number;
  /** 4 KiB pages, some of them absent or read-only. */
  readonly paging?: boolean;
  /** Run at CPL 3 (with paging). */
  readonly user?: boolean;
  /** The program lies across the border of two pages. */
  readonly across?: boolean;
  /** Some pointers lead to the program's own code. */
  readonly selfModifying?: boolean;
}

const handlerAt = 0xf00;
const gdtAt = 0x500;
const idtAt = 0x600;
const tablesAt = 0x7_0000;
const dataFrom = 0x2000;
const dataTo = 0xa000;

/** A border between two pages beyond the data. */
const border = 0xc000;

const little = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, n) => Math.floor(value / 2 ** (8 * n)) & 0xff);

/** Every exception ends here: the stack and the pointers are set, and the program begins again. */
function handlerCode(bits: Bits): number[] {
  const word = bits === 16 ? 2 : 4;
  const pointers = [
    [4, stackAt],
    [3, 0x3000],
    [6, 0x4000],
    [7, 0x5000],
    [5, 0x6000],
  ] as const;
  const code = pointers.flatMap(([register, value]) => [0xb8 + register, ...little(value, word)]);
  const end = handlerAt + code.length + 1 + word;
  return [...code, 0xe9, ...little((codeAt - end) >>> 0, word)];
}

function installHandlers({ cpu }: Processor, { bits, base = 0 }: Setting): void {
  const at = ramBase + base;
  cpu.bytes.set(handlerCode(bits), at + handlerAt);
  if (bits === 16) {
    for (let vector = 0; vector < 32; vector++) {
      cpu.view.setUint16(ramBase + 4 * vector, handlerAt, true);
      cpu.view.setUint16(ramBase + 4 * vector + 2, base >> 4, true);
    }
    cpu.setIdtr(0, 0x3ff);
    cpu.writeSegment(CS, { ...cpu.segment(CS), selector: base >> 4 });
    return;
  }
  const code = bits === 64 ? 0x00af_9b00_0000_ffffn : 0x00cf_9b00_0000_ffffn;
  const high = (BigInt(base & 0xff_0000) << 16n) | (BigInt(base & 0xffff) << 16n);
  cpu.view.setBigUint64(ramBase + gdtAt + 8, code | high, true);
  cpu.view.setBigUint64(ramBase + gdtAt + 16, 0x00cf_9300_0000_ffffn | high, true);
  cpu.setGdtr(gdtAt, 23);
  const gateBytes = bits === 64 ? 16 : 8;
  for (let vector = 0; vector < 32; vector++)
    cpu.view.setBigUint64(
      ramBase + idtAt + gateBytes * vector,
      (0x8e00n << 32n) | (8n << 16n) | BigInt(handlerAt),
      true,
    );
  cpu.setIdtr(idtAt, 32 * gateBytes - 1);
}

/** Two-level or four-level tables that map the first MiB to itself, with holes and read-only pages in the data. */
function installPaging({ cpu }: Processor, { bits, user }: Setting, random: (below: number) => number): void {
  const write = (at: number, value: number): void => {
    if (bits === 64) cpu.view.setBigUint64(ramBase + at, BigInt(value), true);
    else cpu.view.setUint32(ramBase + at, value, true);
  };
  const entryBytes = bits === 64 ? 8 : 4;
  const tables = bits === 64 ? 4 : 2;
  for (let level = 0; level < tables - 1; level++) write(tablesAt + 4096 * level, tablesAt + 4096 * (level + 1) + 7);
  const last = tablesAt + 4096 * (tables - 1);
  for (let page = 0; page < 256; page++) {
    const data = page * 4096 >= dataFrom && page * 4096 < dataTo - 0x2000;
    const bit = data ? random(6) : 2;
    const rights = bit === 0 ? 0 : bit === 1 ? 5 : 7;
    write(last + entryBytes * page, page * 4096 + rights);
  }
  cpu.r64[layout.cr3 >> 3] = BigInt(tablesAt);
  cpu.r64[layout.cr4 >> 3] = bits === 64 ? 0x20n : 0n;
  // Write protection binds the supervisor too.
  cpu.r64[layout.cr0 >> 3] = 0x8001_0011n;
  cpu.tlb.clear();
  if (user) enterUserMode(cpu, bits);
}

function enterUserMode(cpu: Processor["cpu"], bits: Bits): void {
  const tssAt = 0x400;
  cpu.view.setUint32(ramBase + tssAt + 4, stackAt + 0x800, true);
  if (bits === 32) cpu.view.setUint16(ramBase + tssAt + 8, 16, true);
  cpu.writeSegment(TR, { selector: 24, access: 0x8b, limit: 0x67, base: tssAt });
  for (let segment = 0; segment < 6; segment++) {
    const known = cpu.segment(segment);
    cpu.writeSegment(segment, { ...known, selector: known.selector | 3, access: known.access | 0x60 });
  }
  cpu.r32[layout.cpl >> 2] = 3;
}

/** Moves the program to where half of it lies in either page; `codeAt` leads there. */
function moveAcross({ cpu }: Processor, { bits, base = 0 }: Setting, code: Uint8Array): void {
  const at = border - (code.length >> 1);
  const word = bits === 16 ? 2 : 4;
  cpu.bytes.set([0xe9, ...little(at - (codeAt + 1 + word), word)], ramBase + base + codeAt);
  cpu.bytes.set(code, ramBase + base + at);
}

/** A processor about to run a program, by default a random one. With a threshold, hot code is translated. */
export function randomGuest(
  setting: Setting,
  seed: number,
  threshold?: number,
  code: Uint8Array = randomProgram(seed, setting.bits, setting.selfModifying),
): Processor {
  const { bits, base, limit } = setting;
  const made = createProcessor({
    bits,
    code,
    ...(base === undefined ? {} : { base }),
    ...(limit === undefined ? {} : { limit }),
    ...(threshold === undefined ? {} : { threshold }),
  });
  const { cpu } = made;
  const random = randomNumbers(~seed);
  for (let at = dataFrom; at < dataTo; at++) cpu.bytes[ramBase + (base ?? 0) + at] = random(256);
  for (let register = 0; register < (bits === 64 ? 16 : 8); register++) {
    const pointer = BigInt(dataFrom + random(dataTo - dataFrom));
    const any = BigInt.asUintN(bits === 64 ? 64 : 32, BigInt(random(2 ** 32)) * 0x1_0001n);
    if (register !== 4) cpu.r64[register] = random(3) === 0 ? any : pointer;
  }
  cpu.r64[layout.cr4 >> 3]! |= BigInt(CR4.OSFXSR | CR4.OSXMMEXCPT);
  for (let word = layout.xmm >> 2; word < layout.x87Control >> 2; word++) cpu.u32[word] = random(2 ** 32);
  installHandlers(made, setting);
  if (setting.across) moveAcross(made, setting, code);
  if (setting.paging) installPaging(made, setting, random);
  cpu.refresh();
  return made;
}

/** Everything that must be the same whichever way a program is run: processor, TLB and memory. */
export function differenceOf(one: Processor, other: Processor): string | undefined {
  const parts = [
    ["state block", 0, layout.end],
    ["TLB", tlbBase, tlbBytes],
    ["RAM", ramBase, one.cpu.physical.ramBytes],
  ] as const;
  for (const [name, at, length] of parts) {
    const a = one.cpu.bytes.subarray(at, at + length);
    const b = other.cpu.bytes.subarray(at, at + length);
    if (Buffer.compare(a, b) === 0) continue;
    const first = a.findIndex((byte, n) => byte !== b[n]);
    return `${name} at ${first.toString(16)}h: ${a[first]} and ${b[first]}, at RIP ${one.cpu.rip.toString(16)}h`;
  }
  return undefined;
}
