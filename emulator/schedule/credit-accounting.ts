import type { Vcpu } from "./vcpu.ts";

export const priorities = { BOOST: 0, UNDER: -1, OVER: -2, IDLE: -64 } as const;

export const priorityText = (priority: number): string =>
  Object.entries(priorities).find(([, value]) => value === priority)![0];

/** What the credit scheduler knows of a vCPU. */
export interface CreditUnit {
  credit: number;
  /** Microseconds run that do not make a credit yet. */
  residue: number;
  priority: number;
  parked: boolean;
  yielded: boolean;
  /** Earns credits: from the first tick that finds it running until it has more than it can use. */
  active: boolean;
  /** The pCPU whose queue it is in when it waits. */
  home: number;
}

interface Accounting {
  readonly members: readonly Vcpu[];
  readonly units: Readonly<Record<string, CreditUnit>>;
  /** VMs in the order in which they are served. */
  readonly order: readonly string[];
  readonly pcpus: number;
  /** Credits that one pCPU gives in a period. */
  readonly perSlice: number;
  /** Sum of all credits after the last accounting. */
  readonly balance: number;
}

interface Change {
  readonly vcpu: Vcpu;
  readonly what: "park" | "unpark";
}

const divideUp = (dividend: number, divisor: number): number => Math.ceil(dividend / divisor);

/** What a VM may earn at most, and below which credit a vCPU of it is parked (0: never). */
function limits(vcpus: readonly Vcpu[], total: number, { perSlice, balance }: Accounting) {
  const { weight, cap } = vcpus[0]!.parameters;
  const n = vcpus.length;
  const peak = n * perSlice + (balance < 0 ? divideUp(-balance * weight * n, total) : 0);
  const capped = divideUp(cap * perSlice, 100);
  return cap === 0 ? { peak, floor: 0 } : { peak: Math.min(peak, capped), floor: divideUp(capped, n) };
}

/** The credits of one vCPU after it has earned, bounded, with its priority. */
function earn(
  vcpu: Vcpu,
  unit: CreditUnit,
  { fair, floor, perSlice }: { fair: number; floor: number; perSlice: number },
) {
  unit.credit += fair;
  let what: Change["what"] | undefined;
  if (unit.credit < 0) {
    unit.priority = priorities.OVER;
    if (vcpu.parameters.cap !== 0 && unit.credit < -floor && !unit.parked) what = "park";
    unit.credit = Math.max(unit.credit, -perSlice);
  } else {
    unit.priority = priorities.UNDER;
    if (unit.parked) what = "unpark";
    if (unit.credit > perSlice) {
      unit.active = false;
      unit.credit = Math.trunc(unit.credit / 2);
    }
  }
  return what;
}

/**
 * Hands out what the pCPUs gave in a period to the VMs that earn, by weight; what one cannot use goes to those after it, and those
 * with something to gain are served first next time. Changes the units; says who is to be parked and unparked.
 */
export function handOut(accounting: Accounting) {
  const { members, units, pcpus, perSlice, balance } = accounting;
  const weightOf = ({ parameters }: Vcpu): number => parameters.weight;
  const totalWeight = members.reduce((sum, vcpu) => sum + weightOf(vcpu), 0);
  let order = accounting.order.filter((vm) => members.some((vcpu) => vcpu.vm === vm));
  let total = pcpus * perSlice - Math.min(balance, 0);
  let left = totalWeight;
  let anyBelowPeak = false;
  let sum = 0;
  const changes: Change[] = [];
  const texts: string[] = [];
  for (const vm of [...order]) {
    const vcpus = members.filter((vcpu) => vcpu.vm === vm);
    const weight = vcpus.reduce((all, vcpu) => all + weightOf(vcpu), 0);
    left -= weight;
    const { peak, floor } = limits(vcpus, totalWeight, accounting);
    let fair = divideUp(total * weight, totalWeight);
    if (fair < peak) anyBelowPeak = true;
    else {
      if (left > 0) total += divideUp((fair - peak) * totalWeight, left);
      if (anyBelowPeak) order = [vm, ...order.filter((other) => other !== vm)];
      fair = peak;
    }
    const each = divideUp(fair, vcpus.length);
    for (const vcpu of vcpus) {
      const unit = units[vcpu.id]!;
      const what = earn(vcpu, unit, { fair: each, floor, perSlice });
      if (what) changes.push({ vcpu, what });
      sum += unit.credit;
      const stopped = unit.active ? "" : ` (more than ${perSlice}: halved, earns no more)`;
      texts.push(`${vcpu.id} +${each} = ${unit.credit} ${priorityText(unit.priority)}${stopped}`);
    }
  }
  const remaining = order.filter((vm) => members.some((vcpu) => vcpu.vm === vm && units[vcpu.id]!.active));
  return { order: remaining, balance: sum, changes, text: `credits: ${texts.join(", ")}` };
}
