import { frameName, hex, isOwn, isRefused, ownDomain, pageBytes, type Refused } from "./abi.ts";
import type { Answer, Call, Hypercall, Operations } from "./call.ts";
import type { Domain } from "./domain.ts";
import { noDomain } from "./event-channels.ts";
import { entryFlags, type GrantEntry, grantEntry } from "./grant-entry.ts";
import { entryOf, entryPlace } from "./memory-calls.ts";
import { operate } from "./memory-op.ts";
import { frameOf, isPresent, pte } from "./page-types.ts";
import { Structure, unwritable } from "./structure.ts";

/** Frames of grant entries that a domain can have. */
const mostFrames = 4;

/** What an operation says of itself in its status field, with the reason. */
const status = {
  okay: 0,
  generalError: -1,
  badDomain: -2,
  badReference: -3,
  badHandle: -4,
  badAddress: -5,
  permission: -8,
  badPage: -9,
  badCopy: -10,
} as const;
type Status = keyof typeof status;
interface Outcome {
  readonly status: Status;
  readonly why?: string;
}
const okay: Outcome = { status: "okay" };
const bad = (name: Status, why: string): Outcome => ({ status: name, why });
const isOutcome = (value: unknown): value is Outcome =>
  typeof value === "object" && value !== null && "status" in value;

export const mapFlags = { host: 2, readOnly: 4, containsEntry: 16 } as const;

/** The entry that grants a page to this domain; it is checked as if another had made it. */
function grantOf(domain: Domain, reference: number): GrantEntry | Outcome {
  const entry = grantEntry(domain, reference);
  if (!entry)
    return bad(
      "badReference",
      `there is no grant ${reference}: setup_table has given ${domain.common.grantFrames.length} frames of them`,
    );
  if ((entry.flags & entryFlags.kind) !== entryFlags.permitAccess)
    return bad("generalError", `entry ${reference} permits no access (flags ${hex(entry.flags)})`);
  if (entry.domain !== ownDomain)
    return bad("generalError", `entry ${reference} is for domain ${entry.domain}, not for this one`);
  return entry;
}

function use(domain: Domain, { at }: GrantEntry, flags: number): void {
  domain.writeByte(at, domain.readByte(at) | flags);
}

/** Runs an operation for each of a list of requests; what each says of itself goes into its status. */
function each<F extends Record<string, "u16" | "u32" | "u64" | "word">>(
  call: Call,
  fields: F & { status: "u16" },
  act: (request: Structure<F & { status: "u16" }>, call: Call) => Outcome | Refused,
): Answer {
  for (let n = 0; n < call.number("count"); n++) {
    const request = Structure.read(call.domain, fields, call.address("uop"), n);
    if (isRefused(request)) return request;
    const outcome = act(request as Structure<F & { status: "u16" }>, call);
    if (isRefused(outcome)) return outcome;
    const failed = request.write("status", status[outcome.status]);
    if (failed) return failed;
    if (outcome.why !== undefined) call.say(`request ${n}: GNTST ${status[outcome.status]}: ${outcome.why}`);
  }
  return 0;
}

const mapRequest = {
  host_addr: "u64",
  flags: "u32",
  ref: "u32",
  dom: "u16",
  status: "u16",
  handle: "u32",
  dev_bus_addr: "u64",
} as const;

const map = (call: Call): Answer =>
  each(call, mapRequest, (request) => {
    const { domain } = call;
    if (!isOwn(request.number("dom"))) return bad("badDomain", noDomain(request.number("dom")).why);
    const flags = request.number("flags");
    if ((flags & mapFlags.host) === 0)
      return bad("generalError", "only mappings for the processor (GNTMAP_host_map) are supported");
    const reference = request.number("ref");
    const grant = grantOf(domain, reference);
    if (isOutcome(grant)) return grant;
    const readOnly = (flags & mapFlags.readOnly) !== 0;
    if (!readOnly && (grant.flags & entryFlags.readOnly) !== 0)
      return bad("generalError", `entry ${reference} grants reading only`);
    const place = placeOf(domain, request.values.host_addr, flags);
    if (isRefused(place)) return bad("badAddress", place.why);
    const entry = (BigInt(grant.frame) * 4096n) | pte.present | pte.accessed | (readOnly ? 0n : pte.write | pte.dirty);
    const invalid = domain.types.modify(place.frame, place.index, entry);
    if (invalid) return bad("generalError", invalid.why);
    use(domain, grant, entryFlags.reading | (readOnly ? 0 : entryFlags.writing));
    domain.cpu.flushTlb(false);
    return remember(request, domain, {
      reference,
      flags,
      frame: grant.frame,
      entry: (place.frame * pageBytes + 8 * place.index).toString(),
      linear: (flags & mapFlags.containsEntry) === 0 ? request.values.host_addr.toString(16) : null,
    });
  });

function placeOf(domain: Domain, address: bigint, flags: number): { frame: number; index: number } | Refused {
  return (flags & mapFlags.containsEntry) !== 0
    ? entryPlace(domain, address)
    : entryOf(domain, Number(BigInt.asIntN(64, address)));
}

function remember(
  request: Structure<typeof mapRequest>,
  domain: Domain,
  grantMap: Domain["common"]["grantMaps"][number],
): Outcome | Refused {
  let handle = 0;
  while (domain.common.grantMaps[handle]) handle++;
  domain.common.grantMaps[handle] = grantMap;
  return request.write("handle", handle) ?? request.write("dev_bus_addr", BigInt(grantMap.frame) * 4096n) ?? okay;
}

const unmapRequest = { host_addr: "u64", dev_bus_addr: "u64", handle: "u32", status: "u16" } as const;

const unmap = (call: Call): Answer =>
  each(call, unmapRequest, (request) => {
    const { domain } = call;
    const handle = request.number("handle");
    const known = domain.common.grantMaps[handle];
    if (!known) return bad("badHandle", `nothing is mapped by handle ${handle}`);
    const place = placeOf(domain, request.values.host_addr, known.flags);
    if (isRefused(place)) return bad("badAddress", place.why);
    const entry = domain.types.read(place.frame, place.index);
    if (!isPresent(entry) || frameOf(entry) !== known.frame)
      return bad("generalError", `the entry does not map ${frameName(known.frame)}`);
    const invalid = domain.types.modify(place.frame, place.index, 0n);
    if (invalid) return bad("generalError", invalid.why);
    domain.cpu.flushTlb(false);
    domain.flushOthers();
    delete domain.common.grantMaps[handle];
    unuse(domain, known.reference);
    return okay;
  });

/** The marks that a grant is in use go when its last mapping does. */
function unuse(domain: Domain, reference: number): void {
  const left = Object.values(domain.common.grantMaps).filter((other) => other.reference === reference);
  const { at } = grantEntry(domain, reference)!;
  const writes = left.some(({ flags }) => (flags & mapFlags.readOnly) === 0);
  const cleared = (left.length === 0 ? entryFlags.reading : 0) | (writes ? 0 : entryFlags.writing);
  domain.writeByte(at, domain.readByte(at) & ~cleared);
}

function setupTable(call: Call): Answer {
  const { domain } = call;
  const fields = { dom: "u16", nr_frames: "u32", status: "u16", frame_list: "word" } as const;
  return each(call, fields, (request) => {
    if (!isOwn(request.number("dom"))) return bad("badDomain", noDomain(request.number("dom")).why);
    const count = request.number("nr_frames");
    if (count > mostFrames) return bad("generalError", `a domain has at most ${mostFrames} frames of grants`);
    const { grantFrames } = domain.common;
    while (grantFrames.length < count) grantFrames.push(domain.shareXenPage());
    const list = Number(BigInt.asIntN(64, request.values.frame_list));
    for (let n = 0; n < count; n++)
      if (!domain.access.writeWord(list + n * (domain.bits / 8), BigInt(grantFrames[n]!))) return unwritable(list);
    return okay;
  });
}

function querySize(call: Call): Answer {
  const fields = { dom: "u16", nr_frames: "u32", max_nr_frames: "u32", status: "u16" } as const;
  return each(call, fields, (request) => {
    if (!isOwn(request.number("dom"))) return bad("badDomain", noDomain(request.number("dom")).why);
    const frames = call.domain.common.grantFrames.length;
    return request.write("nr_frames", frames) ?? request.write("max_nr_frames", mostFrames) ?? okay;
  });
}

const copyRequest = {
  source: "word",
  source_domid: "u16",
  source_offset: "u16",
  dest: "word",
  dest_domid: "u16",
  dest_offset: "u16",
  len: "u16",
  flags: "u16",
  status: "u16",
} as const;

const copy = (call: Call): Answer =>
  each(call, copyRequest, (request) => {
    const { domain } = call;
    const length = request.number("len");
    const flags = request.number("flags");
    const end = (side: "source" | "dest", isGrant: boolean): number | Outcome => {
      const offset = request.number(`${side}_offset`);
      if (!isOwn(request.number(`${side}_domid`)))
        return bad("badDomain", noDomain(request.number(`${side}_domid`)).why);
      if (offset + length > pageBytes)
        return bad("badCopy", `${length} bytes from offset ${offset} are more than a page`);
      if (!isGrant) return request.number(side) * pageBytes + offset;
      const grant = grantOf(domain, request.number(side));
      if (isOutcome(grant)) return grant;
      if (side === "dest" && (grant.flags & entryFlags.readOnly) !== 0)
        return bad("generalError", `entry ${request.number(side)} grants reading only`);
      return grant.frame * pageBytes + offset;
    };
    const from = end("source", (flags & 1) !== 0);
    if (typeof from !== "number") return from;
    const to = end("dest", (flags & 2) !== 0);
    if (typeof to !== "number") return to;
    return copyBytes(domain, from, to, length);
  });

function copyBytes(domain: Domain, from: number, to: number, length: number): Outcome {
  const [source, target] = [Math.floor(from / pageBytes), Math.floor(to / pageBytes)];
  if (!domain.frames.exists(source) || domain.frames.owner(source) !== "guest")
    return bad("badPage", `${frameName(source)} is not the domain's`);
  const invalid = domain.types.acquire(target, "writable");
  if (invalid) return bad("badPage", invalid.why);
  const bytes = Uint8Array.from({ length }, (_, n) => domain.readByte(from + n));
  domain.writeBytes(to, bytes);
  domain.types.relinquish(target);
  return okay;
}

function version(call: Call): Answer {
  const request = Structure.read(call.domain, { dom: "u16", version: "u32" }, call.address("uop"));
  return isRefused(request) ? request : (request.write("version", 1) ?? 0);
}

/** By command; those without a handler are known and not there. */
export const grantOperations: Operations = {
  0: { name: "map_grant_ref", handler: map },
  1: { name: "unmap_grant_ref", handler: unmap },
  2: { name: "setup_table", handler: setupTable },
  3: { name: "dump_table" },
  4: { name: "transfer" },
  5: { name: "copy", handler: copy },
  6: { name: "query_size", handler: querySize },
  7: { name: "unmap_and_replace" },
  8: { name: "set_version" },
  9: { name: "get_status_frames" },
  10: { name: "get_version", handler: version },
  11: { name: "swap_grant_ref" },
  12: { name: "cache_flush" },
};

export const grantCalls: readonly Hypercall[] = [
  {
    number: 20,
    name: "grant_table_op",
    arguments: ["cmd", "uop", "count"],
    doc: "Grants: lets a domain map or copy pages that their owner has granted it (here: the guest to itself).",
    handler: (call) => operate(call, "grant_table_op", grantOperations),
  },
];
