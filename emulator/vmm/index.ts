import { type TechniqueId, techniqueById } from "../../isa/technique.ts";
import type { Monitor } from "../cpu/monitor.ts";
import type { StartMode } from "../machine-interface.ts";
import type { VmmContext } from "./context.ts";

import { HardwareAssisted } from "./cpu/hardware-assisted.ts";
import { SvmAssisted } from "./cpu/svm-assisted.ts";
import { refusesMode, TrapAndEmulate } from "./cpu/trap-and-emulate.ts";

export { hostReservedBytes, type VmmContext } from "./context.ts";

/** How a technique comes to its monitor; `monitor` may write host memory below `hostReservedBytes` and the CPU's state. */
interface Entry {
  readonly monitor: (context: VmmContext) => Monitor;
  /** Why it cannot run a guest that starts in this mode, as a sentence; undefined if it can. */
  readonly refuses: (mode: StartMode) => string | undefined;
}

const anyMode = (): undefined => undefined;

const registry: Partial<Record<TechniqueId, Entry>> = {
  "trap-and-emulate": { monitor: (context) => new TrapAndEmulate(context), refuses: refusesMode },
  "svm-npt": { monitor: (context) => new SvmAssisted(context), refuses: anyMode },
  "vtx-ept": { monitor: (context) => new HardwareAssisted(context), refuses: anyMode },
};

const built = ["bare-metal", ...Object.keys(registry)];

/** Why a guest cannot be run under this technique, as a sentence for the user; undefined if it can. */
export function refusal(technique: TechniqueId, mode: StartMode): string | undefined {
  if (technique === "bare-metal") return undefined;
  const entry = registry[technique];
  if (!entry) return `${techniqueById(technique)!.title} is not built yet. Choose one of: ${built.join(", ")}.`;
  return entry.refuses(mode);
}

/**
 * The monitor of a technique, set up and with the guest ready to run at the CPU's present state (as on bare metal);
 * undefined for bare metal. Ask `refusal` first: throws for a technique that is refused.
 */
export function createMonitor(technique: TechniqueId, context: VmmContext): Monitor | undefined {
  const refused = refusal(technique, context.mode);
  if (refused !== undefined) throw new RangeError(refused);
  return registry[technique]?.monitor(context);
}
