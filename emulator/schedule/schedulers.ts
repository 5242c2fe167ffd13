import { Bvt, bvtDefaults } from "./bvt.ts";
import { Credit, creditDefaults } from "./credit.ts";
import { Credit2, credit2Defaults } from "./credit2.ts";
import { Eevdf, eevdfDefaults } from "./eevdf.ts";
import { Gang, gangDefaults } from "./gang.ts";
import { RoundRobin, roundRobinDefaults } from "./round-robin.ts";
import { Rtds, rtdsDefaults } from "./rtds.ts";
import type { Context, Scheduler } from "./scheduler.ts";
import { Sedf, sedfDefaults } from "./sedf.ts";

export type SchedulerOptions = Readonly<Record<string, number | boolean | string>>;

export interface SchedulerRow {
  readonly name: string;
  readonly title: string;
  /** Its options with their default values; times in microseconds. */
  readonly defaults: SchedulerOptions;
  /** Of the parameters of a vCPU, those that it heeds; affinity is heeded by all. */
  readonly heeds: readonly ("weight" | "cap" | "reservation" | "warp")[];
  /** No pCPU idles while a vCPU that may run there waits. */
  readonly conserving: boolean;
  readonly create: (context: Context, options: SchedulerOptions) => Scheduler;
}

/** Options that are not given are the default ones. */
function row<Options extends object>(
  about: Omit<SchedulerRow, "create" | "defaults"> & { readonly defaults: Options },
  type: new (context: Context, options: Options) => Scheduler,
): SchedulerRow {
  return {
    ...about,
    defaults: { ...about.defaults } as unknown as SchedulerOptions,
    create: (context, options) => new type(context, { ...about.defaults, ...options }),
  };
}

/** All there are, in the order of the documentation. */
export const schedulers: readonly SchedulerRow[] = [
  row(
    { name: "credit", title: "Xen credit", defaults: creditDefaults, heeds: ["weight", "cap"], conserving: true },
    Credit,
  ),
  row(
    { name: "credit2", title: "Xen credit2", defaults: credit2Defaults, heeds: ["weight", "cap"], conserving: true },
    Credit2,
  ),
  row(
    { name: "bvt", title: "Borrowed virtual time", defaults: bvtDefaults, heeds: ["weight", "warp"], conserving: true },
    Bvt,
  ),
  row(
    { name: "sedf", title: "Xen SEDF", defaults: sedfDefaults, heeds: ["weight", "reservation"], conserving: false },
    Sedf,
  ),
  row(
    { name: "round-robin", title: "Round robin", defaults: roundRobinDefaults, heeds: [], conserving: true },
    RoundRobin,
  ),
  row(
    {
      name: "eevdf",
      title: "EEVDF (KVM's threads)",
      defaults: eevdfDefaults,
      heeds: ["weight", "cap"],
      conserving: true,
    },
    Eevdf,
  ),
  row({ name: "rtds", title: "Xen RTDS", defaults: rtdsDefaults, heeds: ["reservation"], conserving: true }, Rtds),
  row({ name: "gang", title: "Gang scheduling", defaults: gangDefaults, heeds: [], conserving: false }, Gang),
];
