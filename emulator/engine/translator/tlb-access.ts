import type { Value } from "../../../isa/algebra.ts";
import { tlbBank, tlbBase, tlbEntries, tlbEntryBytes, tlbGuard, tlbLayout } from "../../cpu/layout.ts";
import { lineBytes } from "../code-extent.ts";
import { type Frame, hostFunction } from "./frame.ts";
import { fillKind } from "./quick-fill.ts";
import type { Place, WasmArithmetic } from "./wasm-arithmetic.ts";

/** A memory access as translated code makes it. */
export interface MemoryAccess {
  /** Number of the segment register. */
  readonly segment: number;
  /** Offset in it: 16, 32 or 64 bits wide. */
  readonly offset: Value;
  readonly bytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

const bankBytes = tlbEntries * tlbEntryBytes;

/** Linear address: 64 bits wide in 64-bit code, else 32. */
function linearOf(m: WasmArithmetic, frame: Frame, { segment, offset }: MemoryAccess): Value {
  const width = frame.registerWidth;
  const extended = m.zeroExtend(offset, width);
  const kind = frame.context.segments[segment];
  return kind === "based" || kind === "based-read-only" ? m.add(extended, frame.segmentBase(segment)) : extended;
}

/** Whether the access goes beyond the segment's limit. */
function isBeyondLimit(m: WasmArithmetic, frame: Frame, { segment, offset, bytes }: MemoryAccess): Value {
  const last = m.add(m.zeroExtend(offset, 64), m.constant(64, bytes - 1));
  return m.lessUnsigned(m.zeroExtend(frame.segmentLimit(segment), 64), last);
}

/** Indices of the globals that say where the region's page has code (`CodeExtent`). */
const globals = { start: 0, end: 1, lines: 2 } as const;
export const extentGlobals = [
  ["start", "i32"],
  ["end", "i32"],
  ["lines", "i64"],
] as const;

function readGlobal(m: WasmArithmetic, global: keyof typeof globals): Value {
  m.code.getGlobal(globals[global]);
  return m.keep(global === "lines" ? 64 : 32);
}

/** Whether bytes at an offset in the region's page may be code. */
function mayBeCode(m: WasmArithmetic, offset: Value, bytes: number): Value {
  const behind = m.add(offset, m.constant(32, bytes));
  const within = m.and(m.lessUnsigned(readGlobal(m, "start"), behind), m.lessUnsigned(offset, readGlobal(m, "end")));
  const lines = readGlobal(m, "lines");
  const lineOf = (at: Value): Value => m.zeroExtend(m.shiftRight(at, m.constant(32, Math.log2(lineBytes))), 64);
  const last = m.add(offset, m.constant(32, bytes - 1));
  const touched = m.or(m.shiftRight(lines, lineOf(offset)), m.shiftRight(lines, lineOf(last)));
  return m.and(within, m.truncate(touched, 1));
}

/** The lookup of an address in the TLB. */
class Lookup {
  readonly #m: WasmArithmetic;
  readonly #frame: Frame;
  readonly #low: Value;
  readonly #page: Value;
  /** Offset of the entry in its bank. */
  readonly #entry: Value;

  /** The page is that of the last of the bytes and the entry that of the first: an access to two pages never finds its own. */
  constructor(m: WasmArithmetic, frame: Frame, linear: Value, bytes: number) {
    this.#m = m;
    this.#frame = frame;
    this.#low = m.truncate(linear, 32);
    const last = m.add(linear, m.constant(linear.width, bytes - 1));
    this.#page =
      last.width === 64
        ? m.shiftRightSigned(last, m.constant(64, 12))
        : m.zeroExtend(m.shiftRight(last, m.constant(32, 12)), 64);
    // The lower bits of the page number, moved down to where the size of an entry puts them.
    this.#entry = m.and(
      m.shiftRight(this.#low, m.constant(32, 12 - Math.log2(tlbEntryBytes))),
      m.constant(32, (tlbEntries - 1) * tlbEntryBytes),
    );
  }

  #field(write: boolean, field: number, width: 32 | 64): Value {
    const { context } = this.#frame;
    const first = context.user ? tlbBank.userRead : tlbBank.supervisorRead;
    this.#m.put(this.#entry);
    const bank = tlbBase + (first + (write ? 1 : 0)) * bankBytes;
    this.#m.code.memory(width === 64 ? "i64.load" : "i32.load", bank + field);
    return this.#m.keep(width);
  }

  /** Whether the entry does not allow the access as it is. */
  misses(write: boolean): Value {
    const m = this.#m;
    m.put(this.#field(write, tlbLayout.page, 64));
    m.put(this.#page);
    m.code.op("i64.ne");
    return m.keep(1);
  }

  /** Whether more is wrong than that the page is guarded. */
  missesUnguarded(write: boolean): Value {
    const m = this.#m;
    const tag = m.xor(this.#field(write, tlbLayout.page, 64), m.constant(64, guardBit));
    return m.not(m.equal(tag, this.#page));
  }

  crosses(bytes: number): Value {
    const m = this.#m;
    return m.lessUnsigned(m.constant(32, 4096 - bytes), m.and(this.#low, m.constant(32, 0xfff)));
  }

  /** Address in WebAssembly memory. */
  host(write: boolean): Place {
    return this.#m.add(this.#field(write, tlbLayout.addend, 32), this.#low) as Place;
  }

  /** Whether a guarded page is not RAM. */
  isOutside(write: boolean): Value {
    return this.#m.bit(this.#field(write, tlbLayout.flags, 32), flagOutside);
  }
}

const guardBit = BigInt(tlbGuard) << 32n;
/** Bit of the flags of an entry. */
const flagOutside = 3;

/** Whether a store that misses goes to data of the region's own page, which is guarded only for the code beside it. */
function isOwnData(m: WasmArithmetic, frame: Frame, lookup: Lookup, bytes: number): Value {
  const host = lookup.host(true);
  const own = m.equal(m.shiftRight(host, m.constant(32, 12)), m.constant(32, frame.codePage));
  const code = mayBeCode(m, m.and(host, m.constant(32, 0xfff)), bytes);
  const other = m.or(lookup.missesUnguarded(true), lookup.isOutside(true));
  return m.and(own, m.not(m.or(code, other)));
}

/**
 * Emits the quick path of a memory access and gives its address in WebAssembly memory. On a miss the host is asked to fill the
 * TLB; everything else (a guarded page, a device, a page crossing, a limit) goes to `miss`, which must not return to the
 * code. A store to the region's own page is quick where it does not touch code.
 */
export function quickAccess(m: WasmArithmetic, frame: Frame, access: MemoryAccess, miss: () => void): Place {
  const { code } = m;
  const linear = linearOf(m, frame, access);
  const lookup = new Lookup(m, frame, linear, access.bytes);
  const obstacles: Value[] = [];
  const kind = frame.context.segments[access.segment];
  if (linear.width === 32 && (kind === "based" || kind === "based-read-only"))
    obstacles.push(isBeyondLimit(m, frame, access));
  const either = (a: Value, b: Value): Value => m.or(a, b);
  /** The order in which an instruction that reads and writes makes its checks. */
  const banks = [...(access.writes ? [true] : []), ...(access.reads ? [false] : [])];
  const misses = (): Value => banks.map((write) => lookup.misses(write)).reduce(either);
  const missIf = (condition: Value): void => {
    m.put(condition);
    code.if();
    miss();
    code.op("end");
  };
  m.put(obstacles.reduce(either, misses()));
  code.if();
  if (access.bytes > 1) obstacles.push(lookup.crosses(access.bytes));
  if (obstacles.length > 0) missIf(obstacles.reduce(either));
  for (const write of banks) {
    m.put(write ? m.and(lookup.misses(true), m.not(isOwnData(m, frame, lookup, access.bytes))) : lookup.misses(false));
    code.if();
    m.put(m.truncate(linear, 32));
    m.put(linear.width === 64 ? m.truncate(m.shiftRight(linear, m.constant(64, 32)), 32) : m.constant(32, 0));
    code.i32(write ? (access.reads ? fillKind.readAndWrite : fillKind.write) : fillKind.read);
    code.call(hostFunction("fill"));
    missIf(m.isZero(m.keep(32)));
    missIf(write ? m.and(lookup.misses(true), m.not(isOwnData(m, frame, lookup, access.bytes))) : lookup.misses(write));
    code.op("end");
  }
  code.op("end");
  return lookup.host(access.writes);
}
