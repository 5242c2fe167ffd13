import type { Cpu } from "../../cpu/cpu.ts";
import { unsupported } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import { CR4, EFER } from "../../cpu/state.ts";
import { pagingMode } from "../../mmu/walk.ts";
import { kernelView, type Role, topLevel } from "./shadow-entry.ts";
import { tableKey } from "./shadow-tables.ts";

/** Which root the guest's present paging needs. */
export interface RootPlace {
  readonly role: Role;
  readonly frame: number;
  readonly key: string;
}

/** What is shadowed, besides the guest's tables. */
export interface Shadowing {
  /** The VMM has linear addresses of its own. */
  readonly own: boolean;
  /** In long mode the guest's kernel really runs at CPL 3. */
  readonly compressed: boolean;
}

const AC = 0x4_0000;

/** `Role.kernel` of the root for what runs now, where kernels run at CPL 3. */
function kernelViewOf({ cpl, cr4, eflags }: Cpu): number {
  if (cpl === 3) return 0;
  const code = (cr4 & CR4.SMEP) !== 0 ? kernelView.noUserCode : 0;
  const data = (cr4 & CR4.SMAP) !== 0 && (eflags & AC) === 0 ? kernelView.noUserData : 0;
  return kernelView.is | code | data | ((code | data) !== 0 ? kernelView.userPath : 0);
}

/** The guest's PDPTE registers. */
export const pointers = (cpu: Cpu): readonly bigint[] => [0, 1, 2, 3].map((n) => cpu.r64[(layout.pdptes >> 3) + n]!);

/**
 * The root for the CR0, CR3, CR4, EFER and PDPTEs in the processor.
 * `placeOf` gives the host page number of the guest's memory at a guest-physical address.
 */
export function rootOf(
  cpu: Cpu,
  { own, compressed }: Shadowing,
  placeOf: (physical: number) => number | undefined,
): RootPlace {
  const paging = pagingMode(cpu);
  if (paging === "five-level") throw unsupported("5-level paging under shadow paging");
  const off = paging === "off";
  const mode = off ? ((cpu.cr4 & CR4.PAE) !== 0 ? "pae" : "two-level") : paging;
  const table = off || mode === "pae" ? undefined : placeOf(cpu.cr3 - (cpu.cr3 % 4096));
  const role: Role = {
    mode,
    level: topLevel[mode],
    // What is not in memory cannot be shadowed: the root stays empty.
    direct: table === undefined,
    noExecute: !off && mode !== "two-level" && (cpu.efer & EFER.NXE) !== 0,
    largePages: !off && mode === "two-level" && (cpu.cr4 & CR4.PSE) !== 0,
    // The page directories of PAE paging have it.
    own: own && mode !== "pae",
    kernel: compressed && mode === "four-level" ? kernelViewOf(cpu) : 0,
  };
  const frame = table ?? (off ? 0 : -1);
  const registers = mode === "pae" && !off ? ` ${pointers(cpu).join(" ")}` : "";
  return { role, frame, key: tableKey(frame, role) + registers };
}
