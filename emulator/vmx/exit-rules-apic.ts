import type { Access } from "../cpu/monitor.ts";
import { standsIn } from "./apic-access.ts";
import { hex } from "./bit-layout.ts";
import { controlRule, isOn } from "./controls.ts";
import type { Decision } from "./exit-decision.ts";
import type { Vmcs } from "./vmcs.ts";
import { encodingText } from "./vmcs-fields.ts";

/** What the guest does with its local APIC that the VMM may have to see. */
export type ApicAttempt =
  | { readonly reason: "APIC_ACCESS"; readonly offset: number; readonly access: Access; readonly delivery: boolean }
  | { readonly reason: "APIC_WRITE"; readonly offset: number }
  | { readonly reason: "TPR_THRESHOLD"; readonly priority: number }
  | { readonly reason: "VIRTUALIZED_EOI"; readonly vector: number };

const manual = {
  access: "SDM Vol. 3, 30.4: Virtualizing Memory-Mapped APIC Accesses",
  priority: "SDM Vol. 3, 30.1.2: TPR Virtualization",
  endOfInterrupt: "SDM Vol. 3, 30.1.4: EOI Virtualization",
} as const;

const eoiBitmaps = ["eoiExitBitmap0", "eoiExitBitmap1", "eoiExitBitmap2", "eoiExitBitmap3"] as const;

/** Whether it leaves the guest under a VMCS, and why (SDM Vol. 3, chapter 30). Changes nothing. */
export function apicRule(vmcs: Vmcs, attempt: ApicAttempt): Decision {
  switch (attempt.reason) {
    case "APIC_ACCESS":
      return accessRule(vmcs, attempt);
    case "APIC_WRITE":
      return {
        exits: true,
        why: {
          sentence: `The write to APIC register ${hex(attempt.offset)} is in the virtual-APIC page; what it means is for the VMM to do.`,
          rule: `${controlRule(vmcs, "apicRegisterVirtualization")}; ${controlRule(vmcs, "virtualInterruptDelivery")}`,
          source: manual.access,
        },
      };
    case "TPR_THRESHOLD":
      return thresholdRule(vmcs, attempt.priority);
    case "VIRTUALIZED_EOI":
      return endRule(vmcs, attempt.vector);
  }
}

function accessRule(vmcs: Vmcs, { offset, access, delivery }: ApicAttempt & { reason: "APIC_ACCESS" }): Decision {
  const covered = access !== "execute" && standsIn({ vmcs }, offset, access);
  const because = delivery
    ? "it is made while an event is delivered"
    : access === "execute"
      ? "it fetches an instruction"
      : covered
        ? "it is not one of a whole register"
        : "the virtual-APIC page does not stand in for that register";
  return {
    exits: true,
    why: {
      sentence: `The ${access} of the APIC-access page at ${hex(offset)} leaves the guest: ${because}.`,
      rule: `${controlRule(vmcs, "virtualizeApicAccesses")}; ${controlRule(vmcs, "tprShadow")}; ${controlRule(vmcs, "apicRegisterVirtualization")}`,
      source: manual.access,
    },
  };
}

function thresholdRule(vmcs: Vmcs, priority: number): Decision {
  const threshold = vmcs.number("tprThreshold") & 0xf;
  const exits = isOn(vmcs, "tprShadow") && !isOn(vmcs, "virtualInterruptDelivery") && priority < threshold;
  return {
    exits,
    why: {
      sentence: exits
        ? "The guest has lowered its task priority below the threshold: an interrupt that the VMM holds back may come now."
        : "The task priority is not below the threshold.",
      rule: `VTPR bits 7:4 = ${priority}, TPR threshold ${encodingText("tprThreshold")} = ${threshold}; ${controlRule(vmcs, "tprShadow")}`,
      source: manual.priority,
    },
  };
}

function endRule(vmcs: Vmcs, vector: number): Decision {
  const field = eoiBitmaps[vector >> 6]!;
  const bit = Number((vmcs.get(field) >> BigInt(vector & 63)) & 1n);
  return {
    exits: bit === 1,
    why: {
      sentence:
        bit === 1
          ? `The VMM wants to see the end of interrupt ${vector}.`
          : `The end of interrupt ${vector} is virtualized without the VMM.`,
      rule: `EOI-exit bitmap ${vector >> 6} (${encodingText(field)}), bit ${vector & 63} = ${bit}`,
      source: manual.endOfInterrupt,
    },
  };
}
