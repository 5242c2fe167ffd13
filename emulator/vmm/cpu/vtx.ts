import type { VmmContext } from "../context.ts";
import { eptFormat } from "../memory/nested-paging.ts";
import type { Vmm } from "../vmm.ts";
import { HardwareAssisted } from "./hardware-assisted.ts";
import { HardwareShared } from "./hardware-shared.ts";
import { type MemoryVirtualization, makeIoBitmaps, makeMsrBitmaps } from "./vmcs-setup.ts";

const form = { nestedFormat: eptFormat, makeIoMap: makeIoBitmaps, makeMsrMap: makeMsrBitmaps };

/** A VMM on VT-x. */
export function vtx(context: VmmContext, virtualization: MemoryVirtualization): Vmm {
  const shared = new HardwareShared(context, virtualization, form);
  return {
    monitor: (vcpu) => new HardwareAssisted(context, shared, vcpu),
    save: () => shared.save(),
    restore: (state) => shared.restore(state as ReturnType<typeof shared.save>),
  };
}
