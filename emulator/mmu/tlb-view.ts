import { tlbBank } from "../cpu/layout.ts";
import type { TlbEntryView } from "../machine-interface.ts";
import type { Tlb } from "./tlb.ts";
import { pageSizes } from "./translation-events.ts";

/** What each bank's translations are good for. */
const accesses: Readonly<Record<number, string>> = {
  [tlbBank.userRead]: "read",
  [tlbBank.userWrite]: "write",
  [tlbBank.userExecute]: "execute",
  [tlbBank.supervisorRead]: "kernel read",
  [tlbBank.supervisorWrite]: "kernel write",
  [tlbBank.supervisorExecute]: "kernel execute",
};

/** The pages of a TLB by linear address; what it keeps of a page for several kinds of accesses is one entry here. */
export function tlbEntries(tlb: Tlb): readonly TlbEntryView[] {
  const found = new Map<string, TlbEntryView & { accesses: string[] }>();
  for (const { bank, page, host, size, global, pcid, vpid } of tlb.entries()) {
    const linear = BigInt.asUintN(64, BigInt(page) * 4096n);
    const key = `${linear} ${host} ${size} ${global} ${pcid} ${vpid}`;
    const known = found.get(key);
    if (known) known.accesses.push(accesses[bank]!);
    else
      found.set(key, {
        linear,
        host: BigInt(host) * 4096n,
        accesses: [accesses[bank]!],
        size: pageSizes[size],
        global,
        pcid,
        vpid,
      });
  }
  for (const { accesses: list } of found.values()) list.sort();
  return [...found.values()].sort((a, b) => (a.linear < b.linear ? -1 : a.linear > b.linear ? 1 : a.vpid - b.vpid));
}
