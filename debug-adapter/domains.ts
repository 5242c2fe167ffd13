import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { DomainView } from "../emulator/vmm/xen/domain-view.ts";
import { techniqueById } from "../isa/technique.ts";

export type { ChannelView, DomainView, GrantView } from "../emulator/vmm/xen/domain-view.ts";

/** The paravirtual guests now; where there are none, `absent` says why in a sentence. */
export interface DomainsNow {
  readonly step: number;
  readonly cycle: number;
  readonly domains: readonly DomainView[];
  readonly absent?: string;
}

const example =
  "They are Xen's: debug a guest that is written for Xen, such as the sample xen-events.asm, under paravirtualization.";

/** Why a machine has no event channels and no grants. */
export function absence({ configuration }: Pick<MachineInterface, "configuration">): string {
  const { kernel, title } = techniqueById(configuration.technique)!;
  const under =
    kernel === "vmx-non-root" || kernel === "svm-guest"
      ? `Under ${title} there are no event channels and no grants: guests meet KVM's interface here, which has neither. Events come as interrupts, and the host reaches all of a guest's memory.`
      : `${title} has no event channels and no grants.`;
  return `${under} ${example}`;
}

/** Answers `ringside/domains`; changes nothing. */
export function domainsNow(machine: MachineInterface): DomainsNow {
  const domains = machine.domains();
  const moment = { step: machine.now, cycle: machine.cycle, domains };
  return domains.length > 0 ? moment : { ...moment, absent: absence(machine) };
}
