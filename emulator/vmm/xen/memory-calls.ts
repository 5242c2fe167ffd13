import {
  domainSelf,
  frameName,
  guestGdtEntries,
  hex,
  holes,
  isRefused,
  mostLdtEntries,
  ownDomain,
  pageBytes,
  type Refused,
  refused,
} from "./abi.ts";
import { type Answer, type Call, type Hypercall, wide } from "./call.ts";
import { checkedDescriptor } from "./descriptors.ts";
import type { Domain } from "./domain.ts";
import { noDomain } from "./event-channels.ts";
import { bytesOf } from "./guest-access.ts";
import { memoryOp } from "./memory-op.ts";
import { frameOf, isPresent, type Level, levelOf, pte, typeOfLevel } from "./page-types.ts";
import { Structure, unwritable } from "./structure.ts";

/** Requests of which an event lists only the first. */
const listed = 8;

const isOwn = (id: number): boolean => id === domainSelf || id === ownDomain;

/** How many of a list were done goes where the guest wants it. */
function noteDone({ domain }: Call, at: number, done: number): Refused | undefined {
  if (at === 0) return undefined;
  return domain.access.write(at, bytesOf(BigInt(done), 4)) ? undefined : unwritable(at);
}

const updateKinds = ["NORMAL", "MACHPHYS_UPDATE", "PT_UPDATE_PRESERVE_AD", "PT_UPDATE_NO_TRANSLATE"] as const;
const preserved = pte.accessed | pte.dirty;

function mmuUpdate(call: Call): Answer {
  const { domain } = call;
  const count = call.number("count");
  if (!isOwn(call.number("foreigndom") & 0xffff)) return noDomain(call.number("foreigndom") & 0xffff);
  let done = 0;
  let failed: Refused | undefined;
  for (; done < count; done++) {
    const request = Structure.read(domain, { ptr: "u64", val: "u64" }, call.address("req"), done);
    failed = isRefused(request)
      ? request
      : applyUpdate(domain, request.values.ptr, request.values.val, done < listed ? call.say : () => {});
    if (failed) break;
  }
  if (done > listed) call.say(`… ${done} in all`);
  return noteDone(call, call.address("success_count"), done) ?? failed ?? 0;
}

function applyUpdate(domain: Domain, ptr: bigint, value: bigint, say: (text: string) => void): Refused | undefined {
  const kind = Number(ptr & 7n);
  const machine = Number(ptr & ~7n);
  const frame = Math.floor(machine / pageBytes);
  say(`${updateKinds[kind] ?? `command ${kind}`} ${hex(machine)} := ${hex(value)}`);
  if (kind === 1) return updateM2p(domain, frame, value);
  if (kind > 3) return refused("ENOSYS", `mmu_update has no command ${kind}`);
  if (!domain.frames.exists(frame) || domain.frames.owner(frame) !== "guest")
    return refused("EINVAL", `${frameName(frame)} is not the domain's, so nothing in it can be updated`);
  const index = (machine % pageBytes) / 8;
  if (levelOf(domain.frames.type(frame)) === undefined || domain.frames.uses(frame) === 0)
    return plainWrite(domain, machine, value);
  const old = domain.types.read(frame, index);
  return domain.types.modify(frame, index, kind === 2 ? value | (old & preserved) : value);
}

/** A frame that is no page table is written as the guest could do itself. */
function plainWrite(domain: Domain, machine: number, value: bigint): Refused | undefined {
  const frame = Math.floor(machine / pageBytes);
  const invalid = domain.types.acquire(frame, "writable");
  if (invalid) return invalid;
  domain.writeBytes(machine, bytesOf(value, 8));
  domain.types.relinquish(frame);
  return undefined;
}

function updateM2p(domain: Domain, frame: number, value: bigint): Refused | undefined {
  if (!domain.frames.exists(frame) || !domain.frames.isAllocated(frame))
    return refused(
      "EINVAL",
      `${frameName(frame)} is not the domain's: its entry in the machine-to-physical table stays`,
    );
  domain.tables.setPhysical(frame, Number(BigInt.asUintN(32, value)));
  return undefined;
}

const shiftOf = (level: Level): number => 12 + 9 * (level - 1);

/** Frame and index of the level-1 entry for a linear address in the tables in force; where there is none, why. */
export function entryOf(domain: Domain, linear: number): { frame: number; index: number } | Refused {
  const hole = holes[domain.bits];
  if (linear >= hole.start && linear <= hole.end)
    return refused("EINVAL", `${hex(linear)} is in Xen's part of the addresses`);
  const address = BigInt.asUintN(48, BigInt(linear));
  let frame = domain.inKernel ? domain.state.kernelBase : domain.state.userBase;
  for (let level: Level = domain.bits === 64 ? 4 : 3; level > 1; level--) {
    const index = Number((address >> BigInt(shiftOf(level as Level))) & 511n);
    const entry = domain.types.read(frame, index);
    if (!isPresent(entry)) return refused("EINVAL", `there is no l${level - 1} page table for ${hex(linear)}`);
    frame = frameOf(entry);
  }
  return { frame, index: Number((address >> 12n) & 511n) };
}

/** The level-1 entry at a machine address. */
export function entryPlace(domain: Domain, machine: bigint): { frame: number; index: number } | Refused {
  const frame = Number(machine >> 12n);
  const isEntry =
    domain.frames.exists(frame) && domain.frames.type(frame) === "l1 page table" && domain.frames.uses(frame) > 0;
  return isEntry && (machine & 7n) === 0n
    ? { frame, index: Number(machine & 0xfffn) / 8 }
    : refused("EINVAL", `machine address ${hex(machine)} is not one of an entry in an l1 page table`);
}

const flushKinds = ["no flush", "TLB flush", "INVLPG"] as const;

function flushAfter(domain: Domain, flags: number, linear: number): void {
  if ((flags & 3) === 1) domain.cpu.flushTlb(false);
  else if ((flags & 3) === 2) domain.cpu.invalidatePage(linear);
}

function updateVaMapping(call: Call): Answer {
  const { domain } = call;
  const linear = call.address("va");
  const flags = call.number("flags");
  call.say(flushKinds[flags & 3] ?? `flush ${flags & 3}`);
  const place = entryOf(domain, linear);
  if (isRefused(place)) return place;
  const invalid = domain.types.modify(place.frame, place.index, call.arg("val"));
  if (invalid) return invalid;
  flushAfter(domain, flags, linear);
  return 0;
}

function setGdt(call: Call): Answer {
  const { domain } = call;
  const entries = call.number("entries");
  if (entries > guestGdtEntries)
    return refused("EINVAL", `a guest's GDT has at most ${guestGdtEntries} entries; Xen's own follow`);
  const word = domain.bits / 8;
  const frames: number[] = [];
  const giveBack = (why: Refused): Refused => {
    for (const frame of frames) domain.types.relinquish(frame);
    return why;
  };
  for (let n = 0; n < Math.ceil(entries / 512); n++) {
    const frame = domain.access.readWord(call.address("frame_list") + n * word);
    if (frame === undefined) return giveBack(refused("EFAULT", "the list of frames cannot be read"));
    const invalid = domain.types.acquire(Number(frame), "descriptor table");
    if (invalid) return giveBack(invalid);
    frames.push(Number(frame));
  }
  call.say(`frames ${frames.map(hex).join(", ")}`);
  for (const frame of domain.state.gdtFrames) domain.types.relinquish(frame);
  domain.state.gdtFrames = frames;
  domain.tables.mapGdt(frames);
  domain.cpu.flushTlb(true);
  return 0;
}

function updateDescriptor(call: Call): Answer {
  const { domain } = call;
  const machine = Number(call.arg("ma"));
  const frame = Math.floor(machine / pageBytes);
  if (machine % 8 !== 0) return refused("EINVAL", `machine address ${hex(machine)} is not a multiple of 8`);
  const value = call.arg("desc");
  const checked = checkedDescriptor({ low: Number(value & 0xffff_ffffn), high: Number(value >> 32n) }, domain.bits);
  if (isRefused(checked)) return checked;
  const isTable = domain.frames.exists(frame) && domain.frames.type(frame) === "descriptor table";
  const invalid = domain.types.acquire(frame, isTable ? "descriptor table" : "writable");
  if (invalid) return invalid;
  domain.writeBytes(machine, bytesOf((BigInt(checked.high) << 32n) | BigInt(checked.low), 8));
  domain.types.relinquish(frame);
  return 0;
}

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

const flushAll = ({ domain }: Extended): undefined => domain.cpu.flushTlb(false) as undefined;
const invalidate = ({ domain, linear }: Extended): undefined => domain.cpu.invalidatePage(linear) as undefined;
const nothing = (): undefined => undefined;

/** By command; those without `run` are known and not there. */
export const extensions: Readonly<Record<number, Extension>> = {
  0: pin(1),
  1: pin(2),
  2: pin(3),
  3: pin(4),
  4: { name: "UNPIN_TABLE", run: unpin },
  5: { name: "NEW_BASEPTR", run: ({ domain, first }) => setKernelBase(domain, Number(first)) },
  6: { name: "TLB_FLUSH_LOCAL", run: flushAll },
  7: { name: "INVLPG_LOCAL", run: invalidate },
  8: { name: "TLB_FLUSH_MULTI", run: flushAll },
  9: { name: "INVLPG_MULTI", run: invalidate },
  10: { name: "TLB_FLUSH_ALL", run: flushAll },
  11: { name: "INVLPG_ALL", run: invalidate },
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

function mmuextOp(call: Call): Answer {
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

/** Kinds of assistance, by number. */
export const assists = { writablePageTables: 2, extendedCr3: 3, architecturalIopl: 4 } as const;
const assistNames = new Map<number, string>([
  [assists.writablePageTables, "writable_pagetables"],
  [assists.extendedCr3, "pae_extended_cr3"],
  [assists.architecturalIopl, "architectural_iopl"],
]);

function vmAssist(call: Call): Answer {
  const kind = call.number("type");
  const name = assistNames.get(kind);
  if (name === undefined) return refused("EINVAL", `there is no assistance of type ${kind}`);
  const command = call.number("cmd");
  call.say(`${command === 0 ? "enable" : "disable"} ${name}`);
  if (command > 1) return refused("ENOSYS", `vm_assist has no command ${command}`);
  const bit = 1 << kind;
  const { state } = call.domain;
  state.assists = command === 0 ? state.assists | bit : state.assists & ~bit;
  return 0;
}

export const hasAssist = (domain: Domain, kind: number): boolean => (domain.state.assists & (1 << kind)) !== 0;

export const memoryCalls: readonly Hypercall[] = [
  {
    number: 1,
    name: "mmu_update",
    arguments: ["req", "count", "success_count", "foreigndom"],
    doc: "Changes entries of page tables, each validated, or of the machine-to-physical table.",
    handler: mmuUpdate,
  },
  {
    number: 2,
    name: "set_gdt",
    arguments: ["frame_list", "entries"],
    doc: "Makes frames the guest's part of the GDT, after checking every descriptor.",
    handler: setGdt,
  },
  {
    number: 10,
    name: "update_descriptor",
    arguments: [wide("ma"), wide("desc")],
    doc: "Changes one descriptor of a GDT or LDT.",
    handler: updateDescriptor,
  },
  {
    number: 12,
    name: "memory_op",
    arguments: ["cmd", "arg"],
    doc: "Gives memory back (ballooning), takes some again, asks how much there is.",
    handler: memoryOp,
  },
  {
    number: 14,
    name: "update_va_mapping",
    arguments: ["va", wide("val"), "flags"],
    doc: "Changes the l1 entry of a linear address, and flushes it.",
    handler: updateVaMapping,
  },
  {
    number: 21,
    name: "vm_assist",
    arguments: ["cmd", "type"],
    doc: "Switches assistance on: writable page tables, architectural IOPL.",
    handler: vmAssist,
  },
  {
    number: 22,
    name: "update_va_mapping_otherdomain",
    arguments: ["va", wide("val"), "flags", "domid"],
    doc: "The same with a frame of another domain.",
  },
  {
    number: 26,
    name: "mmuext_op",
    arguments: ["op", "count", "success_count", "foreigndom"],
    doc: "Pins page tables, changes their base, flushes the TLB, sets the LDT, clears and copies pages.",
    handler: mmuextOp,
  },
];
