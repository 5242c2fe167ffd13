import type { Cpu } from "./cpu/cpu.ts";
import { tlbBank } from "./cpu/layout.ts";
import { A, D } from "./mmu/entry-bits.ts";
import type { TlbObserver } from "./mmu/tlb-observer.ts";
import { type ObservedBody, pageSizes } from "./mmu/translation-events.ts";
import type { Entry, WalkObserver, WalkRequest } from "./mmu/walk.ts";
import { linearText } from "./trace/event-columns.ts";

const accesses = ["read", "write", "execute"] as const;

const translating = ({ linear, access, user }: WalkRequest) => ({ linear: linearText(linear), access, user });

function markOf(request: WalkRequest, { name: table, address, low }: Entry, set: number): ObservedBody {
  const isNew = (flag: number): boolean => (set & ~low & flag) !== 0;
  const flags = { accessed: isNew(A), dirty: isNew(D) };
  return { kind: "paging", what: "mark", ...translating(request), table, address: address.toString(16), ...flags };
}

/**
 * Tells, while somebody asks, what the processor does with translations. Its engines then leave to the interpreter what they would do
 * by themselves, so that each event has its step; the guest sees no difference, and it costs no virtual time.
 */
export class TranslationObserver {
  readonly #cpu: Cpu;
  readonly #tlb: TlbObserver;
  readonly #walks: WalkObserver;

  constructor(cpu: Cpu, observe: (body: ObservedBody) => void) {
    this.#cpu = cpu;
    this.#walks = {
      faulted: (request, table, reason, errorCode) =>
        observe({ kind: "paging", what: "fault", ...translating(request), reason, table, errorCode }),
      marked: (request, entry, set) => observe(markOf(request, entry, set)),
    };
    this.#tlb = {
      filled: (...fill) => observe(this.#fill(...fill)),
      flushed: (cause, { linear, ...scope }, dropped) =>
        observe({
          ...{ kind: "tlb", what: "flush", cause, ...scope, dropped },
          ...(linear !== undefined && { linear: linearText(linear) }),
        }),
    };
  }

  /** From now on, or no more. */
  use(asked: boolean): void {
    const { tlb, walker } = this.#cpu;
    if (asked === (tlb.observer !== undefined)) return;
    tlb.observer = asked ? this.#tlb : undefined;
    walker.observer = asked ? this.#walks : undefined;
  }

  #fill(...[bank, low, high, physical, global, size]: Parameters<TlbObserver["filled"]>): ObservedBody {
    const { tlb, vpid, monitor } = this.#cpu;
    const user = bank >= tlbBank.userRead;
    return {
      kind: "tlb",
      what: "fill",
      linear: linearText(high * 2 ** 32 + (low >>> 0)),
      access: accesses[bank - (user ? tlbBank.userRead : tlbBank.supervisorRead)]!,
      user,
      host: physical.toString(16),
      size: pageSizes[size],
      global,
      nested: (monitor?.nestedLevels ?? 0) > 0,
      ...{ pcid: tlb.pcid, vpid },
    };
  }
}
