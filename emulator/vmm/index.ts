import type { TechniqueId } from "../../isa/technique.ts";
import type { Monitor } from "../cpu/monitor.ts";
import type { StartMode } from "../machine-interface.ts";
import type { VmmContext } from "./context.ts";

import { BinaryTranslation } from "./cpu/binary-translation.ts";
import { HardwareAssisted } from "./cpu/hardware-assisted.ts";
import { SvmAssisted } from "./cpu/svm-assisted.ts";
import { refusesMode, TrapAndEmulate } from "./cpu/trap-and-emulate.ts";
import { Paravirtual, refusesGuest } from "./xen/paravirtual.ts";

export { hostReservedBytes, type VmmContext } from "./context.ts";

/** How a technique comes to its monitor; `monitor` may write the VMM's part of the slice and the CPU's state. */
interface Entry {
  readonly monitor: (context: VmmContext) => Monitor;
  /** Why it cannot run a guest that starts in this mode, as a sentence; undefined if it can. */
  readonly refuses: (mode: StartMode, guest: GuestSize) => string | undefined;
}

/** What a guest needs: memory in MiB, and the guest-physical address behind its image. */
export interface GuestSize {
  readonly memory: number;
  readonly imageEnd: number;
}

const smallGuest: GuestSize = { memory: 16, imageEnd: 0x10_0000 };
const isXen = (mode: StartMode): boolean => mode === "xen-32" || mode === "xen-64";

const anyMode = (): undefined => undefined;

const registry: Readonly<Record<Exclude<TechniqueId, "bare-metal">, Entry>> = {
  "trap-and-emulate": { monitor: (context) => new TrapAndEmulate(context), refuses: refusesMode },
  "binary-translation": { monitor: (context) => new BinaryTranslation(context), refuses: anyMode },
  "svm-shadow": { monitor: (context) => new SvmAssisted(context, "shadow"), refuses: anyMode },
  "svm-npt": { monitor: (context) => new SvmAssisted(context, "nested"), refuses: anyMode },
  paravirtualization: {
    monitor: (context) => new Paravirtual(context),
    refuses: (mode, guest) => refusesGuest(mode, guest),
  },
  "vtx-shadow": { monitor: (context) => new HardwareAssisted(context, "shadow"), refuses: anyMode },
  "vtx-ept": { monitor: (context) => new HardwareAssisted(context, "nested"), refuses: anyMode },
};

/** Why a guest cannot be run under this technique, as a sentence for the user; undefined if it can. */
export function refusal(technique: TechniqueId, mode: StartMode, guest = smallGuest): string | undefined {
  if (isXen(mode) && technique !== "paravirtualization")
    return `This guest is made for Xen's interface to paravirtual guests ("%pragma ringside mode xen"), which only paravirtualization gives: choose the technique paravirtualization.`;
  if (technique === "bare-metal") return undefined;
  return registry[technique].refuses(mode, guest);
}

/**
 * The monitor of a technique, set up and with the guest ready to run at the CPU's present state (as on bare metal);
 * undefined for bare metal. Ask `refusal` first: throws for a technique that is refused.
 */
export function createMonitor(technique: TechniqueId, context: VmmContext): Monitor | undefined {
  const refused = refusal(technique, context.mode);
  if (refused !== undefined) throw new RangeError(refused);
  return technique === "bare-metal" ? undefined : registry[technique].monitor(context);
}
