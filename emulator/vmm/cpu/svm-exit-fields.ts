import { decodeExit } from "../../svm/exit-information.ts";
import type { ExitNumbers, Field } from "../../trace/event.ts";

/** Where the numbers of an exit cannot hold all that its fields are worked out from. */
export const laterFields =
  (code: number, info2: bigint, interrupted: bigint) =>
  ({ qualification }: ExitNumbers): Field[] =>
    decodeExit({ code, info1: qualification, info2, interrupted });

const knownFields = new Map<number, (numbers: ExitNumbers) => Field[]>();

/** How the fields of an exit are worked out from its numbers, EXITINFO1 and EXITINFO2: the same function for all with a code. */
export function fieldsOf(code: number): (numbers: ExitNumbers) => Field[] {
  const known = knownFields.get(code);
  if (known) return known;
  const made = ({ qualification, second }: ExitNumbers): Field[] =>
    decodeExit({ code, info1: qualification, info2: BigInt(second), interrupted: 0n });
  knownFields.set(code, made);
  return made;
}
