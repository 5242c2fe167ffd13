import type { Refused } from "./abi.ts";
import type { Call } from "./call.ts";
import { bytesOf } from "./guest-access.ts";
import { unwritable } from "./structure.ts";

/** Requests of which an event lists only the first. */
export const listed = 8;

/** How many of a list were done goes where the guest wants it. */
export function noteDone({ domain }: Call, at: number, done: number): Refused | undefined {
  if (at === 0) return undefined;
  return domain.access.write(at, bytesOf(BigInt(done), 4)) ? undefined : unwritable(at);
}
