import { isFault } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { hex, isRefused, pageBytes } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { assists, entryOf, hasAssist } from "./memory-calls.ts";
import { frameOf, isPresent, pte } from "./page-types.ts";

const presentWrite = 3;
/** What the processor itself sets in the entry that is writable for the moment. */
const marks = pte.accessed | pte.dirty;

/** What became of a write to a page table: undefined if it was no such write. */
export type TableWrite =
  | { readonly kind: "done"; readonly what: string }
  /** The new entry is not allowed: the page fault is the guest's. */
  | { readonly kind: "refused"; readonly why: string }
  /** The instruction itself faulted. */
  | { readonly kind: "fault"; readonly fault: Fault }
  | undefined;

/**
 * Writable page tables (vm_assist type 2): the guest writes to an l1 page table as if it could. The table is mapped read-only, so
 * the write faults; Xen lets the instruction do it, looks at what has changed, and makes each change as mmu_update would,
 * or takes it back and passes the fault on.
 */
export function emulateTableWrite(domain: Domain, linear: number, errorCode: number): TableWrite {
  if (!hasAssist(domain, assists.writablePageTables) || !domain.inKernel) return undefined;
  if ((errorCode & presentWrite) !== presentWrite) return undefined;
  const place = entryOf(domain, linear);
  if (isRefused(place)) return undefined;
  const mapping = domain.types.read(place.frame, place.index);
  const table = frameOf(mapping);
  const isTable = domain.frames.type(table) === "l1 page table" && domain.frames.uses(table) > 0;
  if (!isPresent(mapping) || (mapping & pte.write) !== 0n || !isTable) return undefined;
  return withWritable(domain, place, () =>
    writeThrough(domain, table, table === place.frame ? place.index : undefined),
  );
}

/** Lets one instruction find the page writable. */
function withWritable<T>(domain: Domain, place: { frame: number; index: number }, act: () => T): T {
  const at = place.frame * pageBytes + 8 * place.index;
  const entry = domain.memory.read64(at);
  domain.memory.write64(at, entry | pte.write);
  domain.cpu.flushTlb(true);
  try {
    return act();
  } finally {
    // Other bits of the entry may be what the guest has just changed, where the table maps itself.
    domain.memory.write64(at, domain.memory.read64(at) & ~pte.write);
    domain.cpu.flushTlb(true);
  }
}

/** `own` is the index of the entry that maps the table, where it is in the table itself. */
function writeThrough(domain: Domain, table: number, own: number | undefined): TableWrite {
  const { cpu, memory } = domain;
  const read = (index: number): bigint => memory.read64(table * pageBytes + 8 * index);
  const before = Array.from({ length: 512 }, (_, index) => read(index));
  const registers = cpu.u32.slice(0, layout.end >> 2);
  const undo = (): void => {
    for (const [index, entry] of before.entries())
      if (read(index) !== entry) memory.write64(table * pageBytes + 8 * index, entry);
  };
  try {
    domain.context.interpret();
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    undo();
    cpu.u32.set(registers);
    cpu.refresh();
    return { kind: "fault", fault: thrown };
  }
  const changes = before.flatMap((entry, index) =>
    ((read(index) ^ entry) & (index === own ? ~marks : -1n)) === 0n ? [] : [{ index, value: read(index) }],
  );
  undo();
  for (const { index, value } of changes) {
    const invalid = domain.types.modify(table, index, value);
    if (!invalid) continue;
    for (const change of changes)
      if (read(change.index) !== before[change.index]!) domain.types.modify(table, change.index, before[change.index]!);
    cpu.u32.set(registers);
    cpu.refresh();
    return { kind: "refused", why: invalid.why };
  }
  const said = changes.map(({ index, value }) => `entry ${index} := ${hex(value)}`).join(", ");
  return {
    kind: "done",
    what: `validated the guest's write to its page table, and made it: ${said || "nothing changed"}`,
  };
}
