import type { TechniqueId } from "../../isa/technique.ts";
import type { StartMode } from "../machine-interface.ts";
import type { VmmContext } from "./context.ts";

import { BinaryTranslation } from "./cpu/binary-translation.ts";
import { svm } from "./cpu/svm-assisted.ts";
import { refusesMode, TrapAndEmulate } from "./cpu/trap-and-emulate.ts";
import { vtx } from "./cpu/vtx.ts";
import { lone, type Vmm } from "./vmm.ts";
import { xen } from "./xen/paravirtual.ts";
import { refusesGuest } from "./xen/refusal.ts";

export { hostReservedBytes, type VirtualCpus, type VmmContext } from "./context.ts";
export { optionsProblem } from "./options.ts";
export type { Vmm } from "./vmm.ts";

/** How a technique comes to its VMM, which may write its part of the slice and the CPU's state. */
interface Entry {
  readonly vmm: (context: VmmContext) => Vmm;
  /** Why it cannot run a guest that starts in this mode, as a sentence; undefined if it can. */
  readonly refuses: (mode: StartMode, guest: GuestSize) => string | undefined;
  /** Why a guest has no more than one virtual CPU; undefined where it can have several. */
  readonly oneProcessor?: string;
}

/** What a guest needs: memory in MiB, virtual CPUs, and the guest-physical address behind its image. */
export interface GuestSize {
  readonly memory: number;
  readonly vcpus: number;
  readonly imageEnd: number;
}

const smallGuest: GuestSize = { memory: 16, vcpus: 1, imageEnd: 0x10_0000 };
const isXen = (mode: StartMode): boolean => mode === "xen-32" || mode === "xen-64";

const anyMode = (): undefined => undefined;

const registry: Readonly<Record<Exclude<TechniqueId, "bare-metal">, Entry>> = {
  "trap-and-emulate": {
    vmm: lone((context) => new TrapAndEmulate(context)),
    refuses: refusesMode,
    oneProcessor: "the others would start in real mode, which trap and emulate does not run",
  },
  "binary-translation": {
    vmm: lone((context) => new BinaryTranslation(context)),
    refuses: anyMode,
    oneProcessor: "the translation cache holds the state of one",
  },
  "svm-shadow": { vmm: (context) => svm(context, "shadow"), refuses: anyMode },
  "svm-npt": { vmm: (context) => svm(context, "nested"), refuses: anyMode },
  paravirtualization: {
    vmm: xen,
    refuses: (mode, guest) => refusesGuest(mode, guest),
  },
  "vtx-shadow": { vmm: (context) => vtx(context, "shadow"), refuses: anyMode },
  "vtx-ept": { vmm: (context) => vtx(context, "nested"), refuses: anyMode },
};

/** Why a guest cannot be run under this technique, as a sentence for the user; undefined if it can. */
export function refusal(technique: TechniqueId, mode: StartMode, guest = smallGuest): string | undefined {
  if (isXen(mode) && technique !== "paravirtualization")
    return `This guest is made for Xen's interface to paravirtual guests ("%pragma ringside mode xen"), which only paravirtualization gives: choose the technique paravirtualization.`;
  if (technique === "bare-metal") return undefined;
  return registry[technique].refuses(mode, guest);
}

/** Why a guest has no more than one virtual CPU under this technique, as a part of a sentence; undefined if it can have several. */
export const oneProcessorBecause = (technique: TechniqueId): string | undefined =>
  technique === "bare-metal" ? undefined : registry[technique].oneProcessor;

/**
 * The VMM of a technique for one virtual machine; undefined for bare metal. Ask `refusal` first: throws for a technique that is
 * refused.
 */
export function createVmm(technique: TechniqueId, context: VmmContext): Vmm | undefined {
  const refused = refusal(technique, context.mode);
  if (refused !== undefined) throw new RangeError(refused);
  return technique === "bare-metal" ? undefined : registry[technique].vmm(context);
}
