import { hex } from "./bit-layout.ts";
import { controlRule, isOn } from "./controls.ts";
import { type Decision, manual } from "./exit-decision.ts";
import type { Vmcs } from "./vmcs.ts";
import { encodingText } from "./vmcs-fields.ts";

export type CrAccess = "to" | "from" | "clts" | "lmsw";

/** Bits a write changes as the guest sees them, among those the host owns: an exit if there are any. */
function maskRule(vmcs: Vmcs, register: 0 | 4, changed: bigint): Decision {
  const mask = vmcs.get(register === 0 ? "cr0Mask" : "cr4Mask");
  const differing = mask & changed;
  return {
    exits: differing !== 0n,
    why: {
      sentence:
        differing !== 0n
          ? `The write would change bits ${hex(differing)} of CR${register}, which the VMM owns.`
          : `The write changes no bit of CR${register} that the VMM owns.`,
      rule: `${maskText(vmcs, register)}: differing owned bits ${hex(differing)}`,
      source: manual.masks,
    },
  };
}

const peBit = 1n;
const tsBit = 8n;

function cr0Rule(vmcs: Vmcs, access: CrAccess, value: bigint): Decision {
  const shadow = vmcs.get("cr0Shadow");
  if (access === "clts") return maskRule(vmcs, 0, shadow & tsBit);
  if (access === "to") return maskRule(vmcs, 0, shadow ^ value);
  // LMSW writes bits 3:0 and cannot clear PE.
  return maskRule(vmcs, 0, ((shadow ^ value) & 0xen) | (value & ~shadow & peBit));
}

function cr3Rule(vmcs: Vmcs, access: CrAccess, value: bigint): Decision {
  const control = access === "to" ? "cr3LoadExiting" : "cr3StoreExiting";
  const on = isOn(vmcs, control);
  const verb = access === "to" ? "MOV to CR3" : "MOV from CR3";
  if (!on || access !== "to")
    return {
      exits: on,
      why: {
        sentence: on ? `${verb} leaves the guest.` : `${verb} does not leave the guest.`,
        rule: controlRule(vmcs, control),
        source: manual.conditional,
      },
    };
  const count = vmcs.number("cr3TargetCount");
  const targets = (["cr3Target0", "cr3Target1", "cr3Target2", "cr3Target3"] as const).slice(0, count);
  const hit = targets.findIndex((field) => vmcs.get(field) === value);
  return {
    exits: hit < 0,
    why: {
      sentence:
        hit < 0
          ? `${verb} leaves the guest: the value is no CR3-target value.`
          : `The value is CR3-target value ${hit}.`,
      rule: `${controlRule(vmcs, control)}; CR3-target count 400Ah = ${count}`,
      source: manual.targets,
    },
  };
}

function readRule(vmcs: Vmcs, register: number): Decision {
  const sentence = `Reading CR${register} never leaves the guest`;
  const masked = register === 0 || register === 4;
  return {
    exits: false,
    why: {
      sentence: masked ? `${sentence}: bits that the VMM owns are read from the read shadow.` : `${sentence}.`,
      rule: masked ? maskText(vmcs, register) : "no control exists",
      source: manual.masks,
    },
  };
}

/** "CR0 guest/host mask 6000h = 20h, read shadow 6004h = 11h" */
function maskText(vmcs: Vmcs, register: 0 | 4): string {
  const [mask, shadow] = register === 0 ? (["cr0Mask", "cr0Shadow"] as const) : (["cr4Mask", "cr4Shadow"] as const);
  return `CR${register} guest/host mask ${encodingText(mask)} = ${hex(vmcs.get(mask))}, read shadow ${encodingText(shadow)} = ${hex(vmcs.get(shadow))}`;
}

const cr2Written: Decision = {
  exits: false,
  why: {
    sentence: "CR2 belongs to the guest: writing it never leaves the guest.",
    rule: "no control exists",
    source: manual.conditional,
  },
};

/** An access to a control register: by masks and shadows, CR3-target values, or controls. */
export function crRule(vmcs: Vmcs, register: number, access: CrAccess, value: bigint): Decision {
  if (register === 3) return cr3Rule(vmcs, access, value);
  if (register === 8) {
    const control = access === "to" ? "cr8LoadExiting" : "cr8StoreExiting";
    const exits = isOn(vmcs, control);
    const own = isOn(vmcs, "tprShadow")
      ? "CR8 is the task priority of the virtual-APIC page."
      : "CR8 belongs to the guest.";
    const sentence = exits ? "Access to CR8 leaves the guest." : own;
    const rule = `${controlRule(vmcs, control)}; ${controlRule(vmcs, "tprShadow")}`;
    return { exits, why: { sentence, rule, source: manual.conditional } };
  }
  if (access === "from") return readRule(vmcs, register);
  if (register === 2) return cr2Written;
  return register === 0 ? cr0Rule(vmcs, access, value) : maskRule(vmcs, 4, vmcs.get("cr4Shadow") ^ value);
}
