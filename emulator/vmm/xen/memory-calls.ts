import { frameName, guestGdtEntries, hex, holes, isOwn, isRefused, pageBytes, type Refused, refused } from "./abi.ts";
import { type Answer, type Call, type Hypercall, wide } from "./call.ts";
import { checkedDescriptor } from "./descriptors.ts";
import type { Domain } from "./domain.ts";
import { noDomain } from "./event-channels.ts";
import { bytesOf } from "./guest-access.ts";
import { memoryOp } from "./memory-op.ts";
import { mmuextOp } from "./mmuext-op.ts";
import { frameOf, isPresent, type Level, levelOf, pte } from "./page-types.ts";
import { listed, noteDone } from "./requests.ts";
import { Structure } from "./structure.ts";

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
  domain.space.setPhysical(frame, Number(BigInt.asUintN(32, value)));
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
  const all = (flags & ~3) !== 0;
  if ((flags & 3) === 1) domain.cpu.flushTlb(false);
  else if ((flags & 3) === 2) domain.cpu.invalidatePage(linear, "VMM");
  // The rest of the flags is 4 for all virtual CPUs, or the address of a mask: of those that are not in it some are flushed in vain.
  if ((flags & 3) !== 0 && all) domain.flushOthers();
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
  const { common } = call.domain;
  common.assists = command === 0 ? common.assists | bit : common.assists & ~bit;
  return 0;
}

export const hasAssist = (domain: Domain, kind: number): boolean => (domain.common.assists & (1 << kind)) !== 0;

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
