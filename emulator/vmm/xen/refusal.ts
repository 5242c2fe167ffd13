import type { StartMode } from "../../machine-interface.ts";
import { type GuestBits, mostVcpus } from "./abi.ts";
import { roomProblem } from "./builder.ts";

/** How wide a guest for Xen is that starts in a mode; undefined: it is none. */
export const bitsOf = (mode: StartMode): GuestBits | undefined =>
  mode === "xen-32" ? 32 : mode === "xen-64" ? 64 : undefined;

/** Frame table and machine-to-physical table take 16 bytes of Xen's memory for each frame. */
const mostMemory = 256;

/** Why a guest is refused. */
export function refusesGuest(
  mode: StartMode,
  guest: { readonly memory: number; readonly imageEnd: number; readonly vcpus: number },
): string | undefined {
  const bits = bitsOf(mode);
  if (bits === undefined)
    return `Under paravirtualization a guest must be made for Xen's interface; this one starts in ${mode} mode. Write such a guest and say so with "%pragma ringside mode xen" (bits 32 or bits 64), or choose another technique.`;
  if (guest.memory > mostMemory)
    return `Under paravirtualization a guest has at most ${mostMemory} MiB, for Xen keeps account of every frame in its own 2 MiB; this one asks for ${guest.memory}.`;
  if (guest.vcpus > mostVcpus)
    return `Under paravirtualization a guest has at most ${mostVcpus} virtual CPUs, as many as have a place in shared_info; this one asks for ${guest.vcpus}.`;
  return roomProblem(guest.imageEnd, guest.memory * 2 ** 20, bits);
}
