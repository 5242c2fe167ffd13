import { exceptionName } from "../cpu/exception-names.ts";

/**
 * What exits are counted by: the reason, and more of a reason that stands for different things: VT-x has one for all exceptions
 * ("EXCEPTION_NMI #PF"), and both hypercalls and system calls come to Xen by SYSCALL.
 */
export function exitName({ reason, what }: { readonly reason: string; readonly what: string }): string {
  if (reason === "SYSCALL" && what.startsWith("hypercall ")) return `${reason} hypercall`;
  if (reason !== "EXCEPTION_NMI") return reason;
  const vector = /^exception (\d+)/.exec(what)?.[1];
  return `${reason} ${vector === undefined ? "NMI" : exceptionName(Number(vector))}`;
}
