import fc from "fast-check";
import { expect, test } from "vitest";
import { isFault } from "../../../emulator/cpu/fault.ts";
import { DS } from "../../../emulator/cpu/state.ts";
import { guard } from "../../../emulator/mmu/physical.ts";
import { type Processor, processor } from "../cpu/processor.ts";
import { bit, enablePaging, type Kind, map, path, writeEntry } from "./paging.ts";

/** Eight neighbouring linear pages, mapped to any of eight frames with any rights. */
const firstPage = { "two-level": 0x0040_1000n, pae: 0x8040_1000n, "four-level": 0xffff_8000_0040_1000n } as const;
const firstFrame = 0x2_0000;
const pages = 8;

type Step =
  | { readonly kind: "map"; readonly page: number; readonly frame: number; readonly rights: number }
  | {
      readonly kind: "access";
      readonly offset: number;
      readonly bytes: 1 | 2 | 4 | 8;
      readonly write: boolean;
      readonly value: bigint;
    }
  | { readonly kind: "privilege"; readonly cpl: 0 | 3 }
  | { readonly kind: "guard"; readonly frame: number; readonly flags: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("map" as const),
      page: fc.nat(pages - 1),
      frame: fc.nat(pages - 1),
      rights: fc.nat(7),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("access" as const),
      offset: fc.oneof(
        fc.nat(pages * 4096 - 9),
        fc.nat(pages - 2).chain((n) => fc.integer({ min: n * 4096 + 4088, max: n * 4096 + 4096 })),
      ),
      bytes: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
      write: fc.boolean(),
      value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("privilege" as const), cpl: fc.constantFrom(0 as const, 3 as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("guard" as const),
      frame: fc.nat(pages - 1),
      flags: fc.constantFrom(0, guard.code, guard.watchWrites, guard.watchAll),
    }),
  },
);

/** The memory behind the pages, by the definitions alone: no TLB, no quick path. */
class Model {
  readonly frames = new Uint8Array(pages * 4096);
  readonly mapped = Array.from({ length: pages }, (_, n) => ({ frame: n, rights: 7 }));
  cpl: 0 | 3 = 0;

  /** Offset of the page that faults, with the error code; undefined if none does. */
  fault(offset: number, bytes: number, write: boolean): string | undefined {
    for (const at of [offset, offset + bytes - 1]) {
      const { rights } = this.mapped[at >> 12]!;
      const present = (rights & 1) !== 0;
      const allowed = present && (!write || (rights & 2) !== 0) && (this.cpl === 0 || (rights & 4) !== 0);
      const first = at >> 12 === offset >> 12 ? offset : (at >> 12) << 12;
      if (!allowed) return `${first}: ${(present ? 1 : 0) | (write ? 2 : 0) | (this.cpl === 3 ? 4 : 0)}`;
    }
    return undefined;
  }

  #place = (at: number): number => this.mapped[at >> 12]!.frame * 4096 + (at & 0xfff);

  access(offset: number, bytes: number, write: boolean, value: bigint): string {
    const fault = this.fault(offset, bytes, write);
    if (fault !== undefined) return fault;
    let read = 0n;
    for (let n = 0; n < bytes; n++) {
      const place = this.#place(offset + n);
      if (write) this.frames[place] = Number((value >> BigInt(8 * n)) & 0xffn);
      read |= BigInt(this.frames[place]!) << BigInt(8 * n);
    }
    return write ? "written" : read.toString(16);
  }
}

function load(p: Processor, linear: number, bytes: number): bigint {
  const { cpu } = p;
  if (bytes === 8) return cpu.load64(DS, linear);
  if (bytes === 4) return BigInt(cpu.load32(DS, linear) >>> 0);
  return BigInt(bytes === 2 ? cpu.load16(DS, linear) : cpu.load8(DS, linear));
}

function store(p: Processor, linear: number, bytes: number, value: bigint): void {
  const { cpu } = p;
  if (bytes === 8) cpu.store64(DS, linear, value);
  else if (bytes === 4) cpu.store32(DS, linear, Number(BigInt.asIntN(32, value)));
  else if (bytes === 2) cpu.store16(DS, linear, Number(value & 0xffffn));
  else cpu.store8(DS, linear, Number(value & 0xffn));
}

class Real {
  readonly p = processor();
  readonly kind: Kind;
  readonly base: number;

  constructor(kind: Kind) {
    this.kind = kind;
    this.base = kind === "four-level" ? Number(BigInt.asIntN(64, firstPage[kind])) : Number(firstPage[kind]);
    enablePaging(this.p, kind);
    if (kind === "four-level") this.p.cpu.setSegment(1, { selector: 8, access: 0x209b, limit: 0, base: 0 });
    for (let n = 0; n < pages; n++) {
      map(this.p, kind, firstPage[kind] + BigInt(n * 4096));
      this.map(n, n, 7);
    }
  }

  map(page: number, frame: number, rights: number): void {
    const entry = path(this.kind, firstPage[this.kind] + BigInt(page * 4096)).entries.at(-1)!;
    writeEntry(this.p, entry, BigInt(firstFrame + frame * 4096) | (BigInt(rights) & (bit.P | bit.RW | bit.US)));
    this.p.cpu.invalidatePage(this.base + page * 4096);
  }

  access(offset: number, bytes: number, write: boolean, value: bigint): string {
    try {
      if (!write) return load(this.p, this.base + offset, bytes).toString(16);
      store(this.p, this.base + offset, bytes, value);
      return "written";
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      return `${Number(BigInt.asIntN(64, thrown.address! - firstPage[this.kind]))}: ${thrown.errorCode}`;
    }
  }
}

test.each(["two-level", "pae", "four-level"] as const)(
  "%s: whatever was cached, an access does what the tables say",
  (kind) => {
    const real = new Real(kind);
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const model = new Model();
        const { cpu, ram } = real.p;
        for (let n = 0; n < pages; n++) {
          real.map(n, n, 7);
          cpu.unguardPage((firstFrame >> 12) + n, 7);
        }
        for (let at = 0; at < pages * 4096; at += 8) ram.setBigUint64(firstFrame + at, 0n, true);
        cpu.setCpl(0);
        for (const one of steps) {
          if (one.kind === "map") {
            model.mapped[one.page] = one;
            real.map(one.page, one.frame, one.rights);
          } else if (one.kind === "privilege") {
            model.cpl = one.cpl;
            cpu.setCpl(one.cpl);
          } else if (one.kind === "guard") {
            cpu.unguardPage((firstFrame >> 12) + one.frame, 7);
            cpu.guardPage((firstFrame >> 12) + one.frame, one.flags);
          } else {
            const { offset, bytes, write, value } = one;
            expect(real.access(offset, bytes, write, value)).toBe(model.access(offset, bytes, write, value));
          }
        }
        expect(new Uint8Array(ram.buffer, ram.byteOffset + firstFrame, pages * 4096)).toEqual(model.frames);
      }),
      { numRuns: 60 },
    );
  },
);
