import { frameName, hex, isOwn, isRefused, mostLdtEntries, pageBytes, type Refused, refused } from "./abi.ts";
import type { Answer, Call } from "./call.ts";
import type { Domain } from "./domain.ts";
import { noDomain } from "./event-channels.ts";
import { type Level, typeOfLevel } from "./page-types.ts";
import { listed, noteDone } from "./requests.ts";
import { Structure } from "./structure.ts";

interface Extended {
  readonly domain: Domain;
  readonly first: bigint;
  readonly second: bigint;
  readonly linear: number;
}

type Extension = { readonly name: string; readonly run?: (op: Extended) => Refused | undefined };

const done = undefined;
const topLevel = (domain: Domain): Level => (domain.bits === 64 ? 4 : 3);

const pin = (level: Level): Extension => ({
  name: `PIN_L${level}_TABLE`,
  run({ domain, first }) {
    const frame = Number(first);
    if (level > topLevel(domain)) return refused("EOPNOTSUPP", "a 32-bit guest has no l4 page tables");
    const invalid = domain.types.acquire(frame, typeOfLevel(level));
    if (invalid) return invalid;
    if (domain.frames.isPinned(frame)) {
      domain.types.relinquish(frame);
      return refused("EINVAL", `${frameName(frame)} is pinned already`);
    }
    domain.frames.setPinned(frame, true);
    return done;
  },
});

function unpin({ domain, first }: Extended): Refused | undefined {
  const frame = Number(first);
  const own = domain.frames.exists(frame) && domain.frames.owner(frame) === "guest";
  if (!own || !domain.frames.isPinned(frame)) return refused("EINVAL", `${frameName(frame)} is not pinned`);
  domain.frames.setPinned(frame, false);
  domain.types.relinquish(frame);
  return done;
}

/** Makes a page table the base of the kernel's addresses. */
export function setKernelBase(domain: Domain, frame: number): Refused | undefined {
  const invalid = domain.types.acquire(frame, typeOfLevel(topLevel(domain)));
  if (invalid) return invalid;
  const old = domain.state.kernelBase;
  domain.state.kernelBase = frame;
  domain.loadBase();
  domain.types.relinquish(old);
  return done;
}

function setUserBase({ domain, first }: Extended): Refused | undefined {
  if (domain.bits === 32) return refused("EOPNOTSUPP", "a 32-bit guest's user mode has the kernel's page tables");
  const frame = Number(first);
  if (frame !== 0) {
    const invalid = domain.types.acquire(frame, typeOfLevel(4));
    if (invalid) return invalid;
  }
  const old = domain.state.userBase;
  domain.state.userBase = frame;
  if (old !== 0) domain.types.relinquish(old);
  return done;
}

/** Forgets the pages of the LDT that are mapped. */
function dropLdt(domain: Domain): void {
  for (const [page, frame] of Object.entries(domain.state.ldt.frames)) {
    domain.tables.mapLdt(Number(page), undefined);
    domain.types.relinquish(frame);
  }
  domain.cpu.flushTlb(true);
}

function setLdt({ domain, linear, second }: Extended): Refused | undefined {
  const entries = Number(second & 0xffff_ffffn);
  if (linear % pageBytes !== 0) return refused("EINVAL", `an LDT begins at a page boundary, not at ${hex(linear)}`);
  if (entries > mostLdtEntries) return refused("EINVAL", `an LDT has at most ${mostLdtEntries} entries`);
  dropLdt(domain);
  domain.state.ldt = { base: linear, entries, frames: {} };
  domain.cpu.writeSegment(6, domain.tables.ldtr(entries));
  return done;
}

/** Fills a frame of the guest that it could write itself. */
function fill(domain: Domain, frame: number, source: number | undefined): Refused | undefined {
  if (source !== undefined) {
    const own = domain.frames.exists(source) && domain.frames.owner(source) === "guest";
    if (!own) return refused("EINVAL", `${frameName(source)} is not the domain's`);
  }
  const invalid = domain.types.acquire(frame, "writable");
  if (invalid) return invalid;
  for (let n = 0; n < pageBytes; n++)
    domain.writeByte(frame * pageBytes + n, source === undefined ? 0 : domain.readByte(source * pageBytes + n));
  domain.types.relinquish(frame);
  return done;
}

const flush = ({ domain }: Extended): undefined => domain.cpu.flushTlb(false) as undefined;
const invalidate = ({ domain, linear }: Extended): undefined => domain.cpu.invalidatePage(linear, "VMM") as undefined;

function flushEverywhere(op: Extended): undefined {
  flush(op);
  op.domain.flushOthers();
}

function invalidateEverywhere(op: Extended): undefined {
  invalidate(op);
  op.domain.flushOthers();
}

/** Does it here, and flushes the other virtual CPUs of the mask to which the second argument points. Xen, too, may flush more than asked. */
const onMany =
  (here: (op: Extended) => undefined) =>
  (op: Extended): Refused | undefined => {
    const { domain, second } = op;
    const { current } = domain.context.vcpus;
    const at = domain.bits === 64 ? Number(BigInt.asIntN(64, second)) : Number(second);
    const mask = domain.access.read(at, Math.ceil(domain.vcpus / 8));
    if (!mask) return refused("EFAULT", `the mask of virtual CPUs at ${hex(second)} cannot be read`);
    const isIn = (vcpu: number): boolean => ((mask.getUint8(vcpu >> 3) >> (vcpu & 7)) & 1) === 1;
    if (isIn(current)) here(op);
    domain.flushOthers(isIn);
    return done;
  };
const nothing = (): undefined => undefined;

/** By command; those without `run` are known and not there. */
export const extensions: Readonly<Record<number, Extension>> = {
  0: pin(1),
  1: pin(2),
  2: pin(3),
  3: pin(4),
  4: { name: "UNPIN_TABLE", run: unpin },
  5: { name: "NEW_BASEPTR", run: ({ domain, first }) => setKernelBase(domain, Number(first)) },
  6: { name: "TLB_FLUSH_LOCAL", run: flush },
  7: { name: "INVLPG_LOCAL", run: invalidate },
  8: { name: "TLB_FLUSH_MULTI", run: onMany(flush) },
  9: { name: "INVLPG_MULTI", run: onMany(invalidate) },
  10: { name: "TLB_FLUSH_ALL", run: flushEverywhere },
  11: { name: "INVLPG_ALL", run: invalidateEverywhere },
  // The emulated caches hold nothing that memory does not.
  12: { name: "FLUSH_CACHE", run: nothing },
  13: { name: "SET_LDT", run: setLdt },
  15: { name: "NEW_USER_BASEPTR", run: setUserBase },
  16: { name: "CLEAR_PAGE", run: ({ domain, first }) => fill(domain, Number(first), undefined) },
  17: { name: "COPY_PAGE", run: ({ domain, first, second }) => fill(domain, Number(first), Number(second)) },
  18: { name: "FLUSH_CACHE_GLOBAL", run: nothing },
  19: { name: "MARK_SUPER" },
  20: { name: "UNMARK_SUPER" },
};

function extend(call: Call, index: number): Refused | undefined {
  const { domain } = call;
  const op = Structure.read(domain, { cmd: "u32", arg1: "word", arg2: "word" }, call.address("op"), index);
  if (isRefused(op)) return op;
  const { cmd, arg1: first, arg2: second } = op.values;
  const extension = extensions[Number(cmd)];
  if (index < listed) call.say(`${extension?.name ?? `command ${cmd}`} ${hex(first)} ${hex(second)}`);
  if (!extension?.run) return refused("ENOSYS", `mmuext_op has no ${extension?.name ?? `command ${cmd}`}`);
  const linear = domain.bits === 64 ? Number(BigInt.asIntN(64, first)) : Number(first);
  return extension.run({ domain, first, second, linear });
}

export function mmuextOp(call: Call): Answer {
  const count = call.number("count");
  if (!isOwn(call.number("foreigndom"))) return noDomain(call.number("foreigndom"));
  let finished = 0;
  let failed: Refused | undefined;
  for (; finished < count; finished++) {
    failed = extend(call, finished);
    if (failed) break;
  }
  return noteDone(call, call.address("success_count"), finished) ?? failed ?? 0;
}
