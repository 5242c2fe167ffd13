import { A, P, RW } from "../../mmu/entry-bits.ts";
import { entrySpan, type Role, type ShadowMode } from "./shadow-entry.ts";
import type { ShadowTable, ShadowTables } from "./shadow-tables.ts";

/** Linear addresses that are the VMM's own in every shadow: the end of the 32-bit or 64-bit address space. */
export interface OwnAddresses {
  readonly linear: Readonly<Record<ShadowMode, number>>;
  /** Host-physical addresses of the page tables that map them, one after the other. */
  readonly tables: Readonly<Record<ShadowMode, readonly number[]>>;
}

/** Most tables that `linkWay` makes: those between the root of four-level paging and the VMM's own page tables. */
export const wayTables = 2;

/** Lets a page directory lead to the VMM's own page tables. */
export function linkOwn(tables: ShadowTables, own: OwnAddresses, directory: ShadowTable): void {
  const { mode } = directory.role;
  const span = entrySpan(mode, 2);
  for (const [n, host] of own.tables[mode].entries())
    tables.linkOwn(tables.entryAddress(directory, own.linear[mode] + n * span), host, P | A | RW);
}

/** Four-level paging: makes what is missing of the way from a root to that page directory. */
export function linkWay(
  tables: ShadowTables,
  own: OwnAddresses,
  root: ShadowTable,
  make: (role: Role) => ShadowTable,
): void {
  const linear = own.linear[root.role.mode];
  let table = root;
  while (table.role.level > 2) {
    const address = tables.entryAddress(table, linear);
    const below: Role = { ...table.role, level: table.role.level - 1, direct: true, kernel: 0 };
    const child = tables.child(address) ?? make(below);
    if ((tables.low(address) & P) === 0) tables.link(address, child, P | A | RW, 0);
    table = child;
  }
}
