import type { Bus } from "../../../emulator/cpu/bus.ts";
import { Cpu } from "../../../emulator/cpu/cpu.ts";
import { isFault, vectorName } from "../../../emulator/cpu/fault.ts";
import { accessBits, layout, ramBase } from "../../../emulator/cpu/layout.ts";
import { CR0, CR4, CS, EFER, TR } from "../../../emulator/cpu/state.ts";

/** A bus with nothing on it but an interrupt line, and a device page at 80000000h that reads back its address. */
class TestBus implements Bus {
  vectors: number[] = [];
  readonly writes: { physical: number; bytes: number; value: number }[] = [];
  in(port: number, bytes: number): number {
    return (port * 0x0101_0101) >>> (32 - 8 * bytes);
  }
  out(): void {}
  claims(physical: number): boolean {
    return physical >= 0x8000_0000 && physical < 0x8000_1000;
  }
  read(physical: number, bytes: number): number {
    return (physical & 0xfff) * bytes;
  }
  write(physical: number, bytes: number, value: number): void {
    this.writes.push({ physical, bytes, value });
  }
  interruptPending(): boolean {
    return this.vectors.length > 0;
  }
  acknowledgeInterrupt(): number {
    return this.vectors.shift()!;
  }
}

export interface Processor {
  readonly cpu: Cpu;
  readonly bus: TestBus;
  /** Physical memory, by host-physical address. */
  readonly ram: DataView;
}

export function processor(ramBytes = 0x20_0000, fiveLevelPaging = false, a20 = { enabled: true }): Processor {
  const memory = new WebAssembly.Memory({ initial: (ramBase + ramBytes) / 0x1_0000 });
  const bus = new TestBus();
  const cpu = new Cpu({ memory, ramBytes, bus, fiveLevelPaging, a20 });
  return { cpu, bus, ram: new DataView(memory.buffer, ramBase, ramBytes) };
}

/** Where the tests keep their tables. */
export const at = { gdt: 0x1000, idt: 0x2000, tss: 0x3000, stack: 0x8000, innerStack: 0x9000 } as const;

/** Selectors of `standardGdt`. */
export const selector = {
  code32: 0x08,
  data32: 0x10,
  userCode32: 0x1b,
  userData32: 0x23,
  code16: 0x28,
  conforming: 0x30,
  tss: 0x38,
  code64: 0x48,
  userCode64: 0x53,
  absent: 0x58,
  readOnly: 0x60,
  executeOnly: 0x68,
  ldt: 0x70,
  userConforming: 0x78,
  tss64: 0x80,
  middleCode: 0x91,
  middleData: 0x99,
  expandDown: 0xa0,
} as const;

/** A descriptor from base, limit (raw 20 bits) and access rights as in `accessBits`. */
export function descriptor(base: number, limit: number, access: number): bigint {
  const low = BigInt((((base & 0xffff) << 16) | (limit & 0xffff)) >>> 0);
  const high = BigInt(
    (((base & 0xff00_0000) | (limit & 0xf_0000)) >>> 0) + ((access & 0xf0ff) << 8) + ((base >>> 16) & 0xff),
  );
  return low | (high << 32n);
}

const big = 0xc000;
const standardGdt: Readonly<Record<number, bigint>> = {
  [selector.code32]: descriptor(0, 0xf_ffff, big | 0x9b),
  [selector.data32]: descriptor(0, 0xf_ffff, big | 0x93),
  [selector.userCode32 & ~3]: descriptor(0, 0xf_ffff, big | 0xfb),
  [selector.userData32 & ~3]: descriptor(0, 0xf_ffff, big | 0xf3),
  [selector.code16]: descriptor(0, 0xffff, 0x9b),
  [selector.conforming]: descriptor(0, 0xf_ffff, big | 0x9f),
  [selector.tss]: descriptor(at.tss, 0x67 + 0x100, 0x89),
  [selector.code64]: descriptor(0, 0, 0x2000 | 0x9b),
  [selector.userCode64 & ~3]: descriptor(0, 0, 0x2000 | 0xfb),
  [selector.absent]: descriptor(0, 0xf_ffff, big | 0x13),
  [selector.readOnly]: descriptor(0, 0xf_ffff, big | 0x91),
  [selector.executeOnly]: descriptor(0, 0xf_ffff, big | 0x99),
  [selector.ldt]: descriptor(0x4000, 0x1f, 0x82),
  [selector.userConforming]: descriptor(0, 0xf_ffff, big | 0xff),
  [selector.tss64]: descriptor(at.tss, 0x67, 0x89),
  [selector.middleCode & ~3]: descriptor(0, 0xf_ffff, big | 0xbb),
  [selector.middleData & ~3]: descriptor(0, 0xf_ffff, big | 0xb3),
  [selector.expandDown]: descriptor(0, 0x0_0fff, 0x4000 | 0x97),
};

/** Puts the processor into flat 32-bit protected mode, with `standardGdt`, an IDT, and a 32-bit TSS whose inner stacks are set. */
export function protectedMode(p: Processor, cpl: 0 | 1 | 3 = 0): void {
  const { cpu, ram } = p;
  for (const [offset, value] of Object.entries(standardGdt)) ram.setBigUint64(at.gdt + Number(offset), value, true);
  cpu.setGdtr(at.gdt, 0xff);
  cpu.setIdtr(at.idt, 0x7ff);
  cpu.r64[layout.cr0 >> 3] = BigInt(CR0.PE | CR0.ET | CR0.NE | CR0.WP);
  for (let n = 0; n < 6; n++) {
    const code = n === CS;
    const named = {
      0: [selector.code32, selector.data32],
      1: [selector.middleCode, selector.middleData],
      3: [selector.userCode32, selector.userData32],
    }[cpl];
    const access = accessBits.g | accessBits.db | (code ? 0x9b : 0x93) | (cpl << 5);
    cpu.writeSegment(n, { selector: named[code ? 0 : 1]!, access, limit: 0xffff_ffff, base: 0 });
  }
  cpu.writeSegment(TR, { selector: selector.tss, access: 0x8b, limit: 0x167, base: at.tss });
  ram.setUint32(at.tss + 4, at.innerStack, true);
  ram.setUint16(at.tss + 8, selector.data32, true);
  ram.setUint32(at.tss + 12, at.innerStack + 0x800, true);
  ram.setUint16(at.tss + 16, selector.middleData, true);
  cpu.r64[4] = BigInt(at.stack);
  cpu.rip = 0x400;
  cpu.next = 0x400;
  cpu.setCpl(cpl);
}

/** As `protectedMode`, then 64-bit mode over identity-mapped 2 MiB pages that user code may use too. */
export function longMode(p: Processor, cpl: 0 | 3 = 0): void {
  protectedMode(p, cpl);
  const { cpu, ram } = p;
  cpu.setIdtr(at.idt, 0xfff);
  const tables = 0x1_0000;
  ram.setBigUint64(tables, BigInt(tables + 0x1000) | 7n, true);
  ram.setBigUint64(tables + 0x1000, BigInt(tables + 0x2000) | 7n, true);
  ram.setBigUint64(tables + 0x2000, 0x87n, true);
  cpu.r64[layout.cr0 >> 3] = BigInt((CR0.PE | CR0.ET | CR0.NE | CR0.WP | CR0.PG) >>> 0);
  cpu.r64[layout.cr3 >> 3] = BigInt(tables);
  cpu.r64[layout.cr4 >> 3] = BigInt(CR4.PAE);
  cpu.r64[layout.efer >> 3] = BigInt(EFER.LME | EFER.LMA | EFER.SCE | EFER.NXE);
  const named = cpl === 0 ? selector.code64 : selector.userCode64;
  cpu.writeSegment(CS, { selector: named, access: 0x209b | (cpl << 5), limit: 0, base: 0 });
  cpu.writeSegment(TR, { selector: selector.tss64, access: 0x8b, limit: 0x67, base: at.tss });
  ram.setBigUint64(at.tss + 4, BigInt(at.innerStack), true);
  cpu.refresh();
}

/** What an action ends with: "#GP(10h)" for a fault, "unsupported: …", or "ok". */
export function outcome(action: () => unknown): string {
  try {
    action();
    return "ok";
  } catch (thrown) {
    if (isFault(thrown)) {
      const code = thrown.errorCode === undefined ? "" : `(${thrown.errorCode.toString(16).toUpperCase()}h)`;
      return vectorName(thrown.vector) + code;
    }
    const { kind, what } = thrown as { kind?: string; what?: string };
    if (kind === "unsupported") return `unsupported: ${what}`;
    throw thrown;
  }
}

/** The top `count` words of the stack at `pointer`, from there upwards, in hexadecimal. */
export function words(p: Processor, pointer: number, count: number, bytes: 2 | 4 | 8): string[] {
  return Array.from({ length: count }, (_, n) => {
    const address = pointer + n * bytes;
    const value =
      bytes === 8
        ? p.ram.getBigUint64(address, true)
        : bytes === 4
          ? p.ram.getUint32(address, true)
          : p.ram.getUint16(address, true);
    return value.toString(16).toUpperCase();
  });
}

/** An IDT or call gate. */
export function gate(
  type: number,
  target: number,
  offset: number,
  options: { dpl?: number; present?: boolean; count?: number } = {},
): bigint {
  const { dpl = 0, present = true, count = 0 } = options;
  const low = BigInt(target * 0x1_0000 + (offset & 0xffff));
  const access = type | (dpl << 5) | (present ? 0x80 : 0);
  return low | (BigInt(((offset & 0xffff_0000) >>> 0) + (access << 8) + count) << 32n);
}
