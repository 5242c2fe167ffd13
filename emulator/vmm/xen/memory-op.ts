import { domainSelf, frameName, hex, holes, isRefused, ownDomain, pageBytes, type Refused, refused } from "./abi.ts";
import type { Answer, Call, Operations } from "./call.ts";
import type { Domain } from "./domain.ts";
import { noDomain } from "./event-channels.ts";
import { Structure } from "./structure.ts";

const reservation = {
  extent_start: "word",
  nr_extents: "word",
  extent_order: "u32",
  mem_flags: "u32",
  domid: "u16",
} as const;

type Extent = (domain: Domain, entry: number, at: number) => Refused | undefined;

/** Does something for each entry of the guest's list of frames, and answers how many were done. */
function eachExtent(call: Call, act: Extent): Answer {
  const { domain } = call;
  const request = Structure.read(domain, reservation, call.address("arg"));
  if (isRefused(request)) return request;
  const owner = request.number("domid");
  if (owner !== domainSelf && owner !== ownDomain) return noDomain(owner);
  if (request.number("extent_order") !== 0) return refused("ENOSYS", "extents of more than one page are not supported");
  const word = domain.bits / 8;
  const { extent_start: start, nr_extents: count } = request.values;
  call.say(`${count} page${count === 1n ? "" : "s"}`);
  let done = 0;
  for (; done < Number(count); done++) {
    const at = Number(BigInt.asIntN(64, start)) + done * word;
    const entry = domain.access.readWord(at);
    const failed = entry === undefined ? refused("EFAULT", "the list cannot be read") : act(domain, Number(entry), at);
    if (!failed) continue;
    // Hypercalls of this kind answer with what they have done; that is no error.
    call.say(`stopped after ${done}: ${failed.why}`);
    break;
  }
  return done;
}

function giveBack(domain: Domain, frame: number): Refused | undefined {
  const { frames, types, space } = domain;
  if (!frames.exists(frame) || !frames.isAllocated(frame))
    return refused("EINVAL", `${frameName(frame)} is not the domain's`);
  if (frames.isPinned(frame)) {
    frames.setPinned(frame, false);
    types.relinquish(frame);
  }
  space.setPhysical(frame, undefined);
  if (frames.release(frame)) domain.flushAll();
  return undefined;
}

/** A free frame, cleared; the highest there is. */
function takeFrame(domain: Domain): number | Refused {
  const { frames } = domain;
  for (let frame = frames.end - 1; frame >= frames.first; frame--) {
    if (frames.owner(frame) !== "nobody") continue;
    frames.assign(frame, "guest");
    for (let at = frame * pageBytes; at < (frame + 1) * pageBytes; at += 4) domain.cpu.physical.write(at, 4, 0);
    return frame;
  }
  return refused("ENOSPC", "the machine has no free memory");
}

/** Takes a frame; where the guest gave a pseudo-physical number, it is entered for it. The guest's list gets the frame. */
const take =
  (numbered: boolean): Extent =>
  (domain, physical, at) => {
    if (!domain.access.place(at, "write")) return refused("EFAULT", "the list cannot be written");
    const frame = takeFrame(domain);
    if (isRefused(frame)) return frame;
    domain.space.setPhysical(frame, numbered ? physical : undefined);
    domain.access.writeWord(at, BigInt(frame));
    return undefined;
  };

function owned({ frames }: Domain): number {
  let count = 0;
  for (let frame = frames.first; frame < frames.end; frame++) if (frames.isAllocated(frame)) count++;
  return count;
}

function mapping(call: Call): Answer {
  const { domain } = call;
  const answer = Structure.read(domain, { v_start: "word", v_end: "word", max_mfn: "word" }, call.address("arg"));
  if (isRefused(answer)) return answer;
  const { m2p, m2pEnd } = holes[domain.bits];
  return (
    answer.write("v_start", m2p) ?? answer.write("v_end", m2pEnd) ?? answer.write("max_mfn", domain.frames.end - 1) ?? 0
  );
}

/** By command; those without a handler are known and not there. */
export const memoryOperations: Operations = {
  0: { name: "increase_reservation", handler: (call) => eachExtent(call, take(false)) },
  1: { name: "decrease_reservation", handler: (call) => eachExtent(call, giveBack) },
  2: { name: "maximum_ram_page", handler: ({ domain }) => domain.frames.end },
  3: { name: "current_reservation", handler: ({ domain }) => owned(domain) },
  4: { name: "maximum_reservation", handler: ({ domain }) => domain.given.length },
  5: { name: "machphys_mfn_list" },
  6: { name: "populate_physmap", handler: (call) => eachExtent(call, take(true)) },
  7: { name: "add_to_physmap" },
  9: { name: "memory_map" },
  10: { name: "machine_memory_map" },
  11: { name: "exchange" },
  12: { name: "machphys_mapping", handler: mapping },
  15: { name: "remove_from_physmap" },
  16: { name: "set_pod_target" },
  17: { name: "get_pod_target" },
};

export const memoryOp = (call: Call): Answer => operate(call, "memory_op", memoryOperations);

/** Runs the operation that argument `cmd` names. */
export function operate(call: Call, of: string, operations: Operations): Answer {
  const command = call.number("cmd");
  const operation = operations[command];
  call.say(operation?.name ?? `command ${hex(command)}`);
  return operation?.handler
    ? operation.handler(call)
    : refused("ENOSYS", `Ringside's ${of} has no ${operation?.name ?? `command ${command}`}`);
}
