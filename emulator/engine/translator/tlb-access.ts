import type { Value } from "../../../isa/algebra.ts";
import { tlbBank, tlbEntries, tlbEntryBytes, tlbLayout } from "../../cpu/layout.ts";
import type { Frame } from "./frame.ts";
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

/** Pushes whether the access goes beyond the segment's limit. */
function pushBeyondLimit(m: WasmArithmetic, frame: Frame, { segment, offset, bytes }: MemoryAccess): void {
  const last = m.add(m.zeroExtend(offset, 64), m.constant(64, bytes - 1));
  m.put(m.lessUnsigned(m.zeroExtend(frame.segmentLimit(segment), 64), last));
}

/**
 * Emits the quick path of a memory access and gives its address in WebAssembly memory. Everything that it does not cover
 * (a miss, a guarded page, a device, a page crossing, a limit) goes to `miss`, which must not return to the code.
 */
export function quickAccess(m: WasmArithmetic, frame: Frame, access: MemoryAccess, miss: () => void): Place {
  const { code } = m;
  const linear = linearOf(m, frame, access);
  const wide = linear.width === 64;
  const low = m.truncate(linear, 32);
  const page = wide
    ? m.shiftRightSigned(linear, m.constant(64, 12))
    : m.zeroExtend(m.shiftRight(linear, m.constant(32, 12)), 64);
  // Index of the entry, times its size: bits 21:12 of the address moved down to where the size puts them.
  const entry = m.and(
    m.shiftRight(low, m.constant(32, 12 - Math.log2(tlbEntryBytes))),
    m.constant(32, (tlbEntries - 1) * tlbEntryBytes),
  );
  const firstBank = frame.context.user ? tlbBank.userRead : tlbBank.supervisorRead;
  const bank = (write: boolean): number => frame.addresses.tlbBase + (firstBank + (write ? 1 : 0)) * bankBytes;
  const pushMismatch = (write: boolean): void => {
    m.put(entry);
    code.memory("i64.load", bank(write) + tlbLayout.page);
    m.put(page);
    code.op("i64.ne");
  };
  pushMismatch(access.writes);
  if (access.reads && access.writes) {
    pushMismatch(false);
    code.op("i32.or");
  }
  if (access.bytes > 1) {
    m.put(m.lessUnsigned(m.constant(32, 4096 - access.bytes), m.and(low, m.constant(32, 0xfff))));
    code.op("i32.or");
  }
  const kind = frame.context.segments[access.segment];
  if (!wide && (kind === "based" || kind === "based-read-only")) {
    pushBeyondLimit(m, frame, access);
    code.op("i32.or");
  }
  code.if();
  miss();
  code.op("end");
  m.put(entry);
  code.memory("i32.load", bank(access.writes) + tlbLayout.addend);
  m.put(low);
  code.op("i32.add");
  return m.keep(32);
}
