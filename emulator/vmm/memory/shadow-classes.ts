/** What shadow paging did: a class of page faults, or one of the other occasions at which the VMM looks at its shadow tables. */
export interface ShadowClassRow {
  readonly id: string;
  /** A page fault that took the guest to the VMM is exactly one of these. */
  readonly fault: boolean;
  /** When it is this one. */
  readonly condition: string;
  /** What the VMM does then. */
  readonly outcome: string;
  /** Names in Xen's traces (xentrace, xenalyze), where it has one. */
  readonly xen: string;
}

const row = <I extends string>(id: I, fault: boolean, condition: string, outcome: string, xen = "") =>
  ({ id, fault, condition, outcome, xen }) as const satisfies ShadowClassRow;

export const shadowClasses = [
  row("true guest fault", true, "the guest's own tables refuse the access", "#PF is injected", "NOT_SHADOW (1)"),
  row(
    "missing shadow",
    true,
    "the guest's tables allow it, the shadow has no entry, or one with fewer rights",
    "the entry is filled, and the accessed bit set in the guest's",
    "FIXUP (7)",
  ),
  row(
    "dirty/access",
    true,
    "the first write through a present entry: the guest's is writable and not dirty",
    "the dirty bit is set in the guest's entry, and the shadow's becomes writable",
    "FIXUP (7)",
  ),
  row(
    "trace/protected",
    true,
    "a write to a page that holds a shadowed table (or, under trap and emulate, descriptors)",
    "a page table goes out of sync; writes to higher tables are emulated and the shadow updated",
    "EMULATE (8)",
  ),
  row(
    "unshadow",
    true,
    "a process writes to a table, an event is delivered onto one, or it is written three times and not used",
    "the shadow is dropped, and the page is an ordinary one",
    "EMULATE_UNSHADOW_USER (9), _EVTINJ (10), _UNHANDLED (11)",
  ),
  row(
    "MMIO",
    true,
    "no memory of the guest is at the guest-physical address",
    "the VMM executes the instruction with its device models",
    "MMIO (5), FAST_MMIO (3)",
  ),
  row(
    "WP = 0",
    true,
    "the kernel writes to a page that is read-only, which only CR0.WP = 0 allows",
    "the VMM executes the instruction: an entry would give the right to everybody",
    "EMULATE (8)",
  ),
  row(
    "SMAP",
    true,
    "a kernel at CPL 3 executes a page of processes that SMAP keeps it from reading",
    "the VMM executes the instruction: an entry would give the right to read, too",
    "EMULATE (8)",
  ),
  row(
    "dirty-log",
    true,
    "the page is protected to learn whether it is written",
    "the page is noted, and becomes writable",
  ),
  row("race", true, "the shadow entry allows the access already", "the guest goes on", "FALSE_FAST_PATH (4)"),
  row(
    "no memory",
    true,
    "the pool of shadow tables was empty",
    "the roots used longest ago are dropped, then all below the present one; then the entry is filled",
    "PREALLOC_UNPIN (13)",
  ),
  row(
    "resync",
    false,
    "CR3 load, INVLPG or flush while tables are out of sync",
    "their shadow entries are compared with the guest's",
    "RESYNC_FULL (14), RESYNC_ONLY (15)",
  ),
  row("CR3 load", false, "the guest loads CR3", "its root is looked up among those that are kept, or made"),
  row(
    "INVLPG",
    false,
    "INVLPG of an address whose table is in sync",
    "nothing: the shadow follows the tables by itself",
  ),
  row(
    "flush",
    false,
    "the guest flushes its TLB or changes its paging mode, or address line 20 is switched",
    "as at a CR3 load; where memory has moved, all is dropped",
  ),
] as const;

export type ShadowClass = (typeof shadowClasses)[number]["id"];
