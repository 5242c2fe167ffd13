import type { HypervisorOptions, PauseLoop } from "../configuration/machine-configuration.ts";
import { features } from "./kvm/features.ts";

/** What Linux's KVM sets (arch/x86/kvm/vmx/vmx.c and svm.c). */
const usual = { gap: 128, window: 4096, count: 3000 } as const satisfies Required<PauseLoop>;
const most: Required<PauseLoop> = { gap: 0xffff, window: 0xffff_ffff, count: 0xffff };

/** When PAUSE leaves the guest; undefined: it never does. */
export const pauseLoopOf = ({ pauseLoop }: HypervisorOptions): Required<PauseLoop> | undefined =>
  pauseLoop && { ...usual, ...pauseLoop };

/** Why there can be no such hypervisor, as a sentence; undefined if there can. */
export function optionsProblem(options: HypervisorOptions): string | undefined {
  const loop = pauseLoopOf(options);
  for (const name of ["gap", "window", "count"] as const) {
    const value = loop?.[name] ?? 0;
    if (!Number.isInteger(value) || value < 0 || value > most[name])
      return `The ${name} of a PAUSE loop must be a whole number from 0 to ${most[name]}; it is ${value}.`;
  }
  const there: readonly string[] = features.filter((feature) => feature.there).map(({ name }) => name);
  const unknown = options.withoutFeatures?.find((name) => !there.includes(name));
  return unknown === undefined
    ? undefined
    : `KVM's interface has no feature "${unknown}" to be left out; it has ${there.join(", ")}.`;
}
