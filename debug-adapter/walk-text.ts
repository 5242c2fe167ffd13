import type { MachineEvent } from "../emulator/index.ts";

type Walk = MachineEvent & { readonly kind: "walk" };
type Step = Walk["steps"][number];

const address = (text: string): string => `${text.toUpperCase()}h`;
const place = (text: string): string => (text.startsWith("register") ? text : address(text));

function stepText({ table, address: at, entry, bits, verdict, spared, note }: Step): string {
  const remarks = [verdict === "ok" ? undefined : verdict, note, spared && spared !== "register" && `warm: ${spared}`];
  const remark = remarks.filter(Boolean).join("; ");
  return `  ${table.padEnd(12)} at ${place(at)} = ${address(entry)} ${bits.join(" ")}${remark ? `  (${remark})` : ""}`;
}

const counted = (n: number): string => `${n} memory reference${n === 1 ? "" : "s"}`;

/** A walk in lines: where the address leads, every entry on the way, and how many of them the processor must read. */
export function walkText({ linear, physical, host, steps, verdict, references, cached }: Walk): string {
  const target = physical === undefined ? verdict : `guest-physical ${address(physical)}`;
  const memory = host === undefined ? "" : `, host-physical ${address(host)}`;
  const remark = physical === undefined || verdict === "ok" ? "" : ` (${verdict})`;
  const now = cached ? "; the TLB has it now: none" : "";
  return [
    `linear ${address(linear)} → ${target}${memory}${remark}`,
    ...steps.map(stepText),
    `${counted(references.cold)} with nothing cached, ${references.warm} with warm caches${now}`,
  ].join("\n");
}
