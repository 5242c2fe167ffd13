import { mostPcpus, mostVcpus } from "../schedule/physical-cpus.ts";
import { schedulers } from "../schedule/schedulers.ts";
import { waitPolicies } from "../schedule/workload.ts";

/** The part of JSON Schema that is used here. */
export interface Schema {
  readonly type?: "object" | "array" | "integer" | "number" | "boolean" | "string";
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  /** Told apart by the constant `kind`, or by their types. */
  readonly oneOf?: readonly Schema[];
  /** Of the root: schemas by name, to which `$ref` refers. */
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
  readonly default?: number | boolean | string;
}

export const object = (
  properties: Record<string, Schema>,
  required: readonly string[] = [],
  description?: string,
): Schema => ({
  type: "object",
  ...(description && { description }),
  properties,
  ...(required.length > 0 && { required }),
  additionalProperties: false,
});
const time = (description: string, minimum = 1): Schema => ({
  type: "integer",
  minimum,
  description: `${description}, in microseconds.`,
});
export const flag = (description: string): Schema => ({ type: "boolean", description });

export const kind = (
  name: string,
  description: string,
  fields: Record<string, Schema>,
  required = Object.keys(fields),
): Schema => object({ kind: { type: "string", const: name }, ...fields }, ["kind", ...required], description);

const workload: Schema = {
  description: "What the vCPUs do: a model, no program is run.",
  oneOf: [
    kind("cpu", "Always wants to run.", {}),
    kind(
      "periodic",
      "Wakes every period, runs for a time, sleeps.",
      {
        period: time("From one waking to the next"),
        run: time("What it runs each time"),
        offset: time("When it first wakes", 0),
      },
      ["period", "run"],
    ),
    kind(
      "thief",
      "Sleeps around every tick of the host.",
      {
        tick: time("From tick to tick"),
        margin: time("How long before and after"),
        boot: time("How long it behaves first", 0),
      },
      ["tick", "margin"],
    ),
    kind(
      "lock",
      "Works alone, then under a lock that the VM's vCPUs share.",
      {
        work: time("Work without the lock"),
        hold: time("Work under it"),
        wait: { type: "string", enum: waitPolicies, description: "What it does when the lock is taken." },
        ticket: flag("The lock is given in the order of asking."),
      },
      ["work", "hold", "wait"],
    ),
    kind(
      "shootdown",
      "Works, then interrupts its siblings and spins until all have answered.",
      {
        work: time("Work before"),
        answer: time("What answering takes"),
        lazy: flag("Siblings that do not run are not waited for."),
      },
      ["work", "answer"],
    ),
    kind("threads", "Two threads of the guest's own take turns by its clock.", {
      quantum: time("Length of a turn"),
      clock: {
        type: "string",
        enum: ["wall", "steal-time"],
        description: "Whether time in which the vCPU did not run counts.",
      },
    }),
  ],
};

const weight: Schema = {
  type: "integer",
  minimum: 1,
  maximum: 65_535,
  default: 256,
  description: "Share relative to others, of each vCPU.",
};
const cap: Schema = {
  type: "integer",
  minimum: 0,
  default: 0,
  description: "Most that the VM may use, in percent of one physical CPU; 0: no cap.",
};
const affinity: Schema = {
  type: "array",
  items: { type: "integer", minimum: 0 },
  minItems: 1,
  description: "Numbers of the physical CPUs it may run on; by default all. One alone is pinning.",
};
const reservation = object(
  {
    budget: time("What it may run in each period"),
    period: time("Length of a period"),
    extra: flag("It may also use time that nobody has reserved."),
  },
  ["budget", "period", "extra"],
  "For SEDF and RTDS.",
);

const vm = object(
  {
    name: {
      type: "string",
      pattern: "^[A-Za-z][A-Za-z0-9_-]{0,15}$",
      description: "A letter, then up to 15 letters, digits, _ and -.",
    },
    memory: { type: "integer", minimum: 1, description: "MiB." },
    vcpus: {
      description: "How many vCPUs, which all do `workload`, or what each does.",
      oneOf: [
        { type: "integer", minimum: 1, maximum: mostVcpus },
        { type: "array", minItems: 1, maxItems: mostVcpus, items: object({ workload, affinity }) },
      ],
    },
    workload,
    weight,
    cap,
    affinity,
    reservation,
    warp: time("How far BVT lets it borrow ahead when it wakes", 0),
  },
  ["name"],
);

const change = object(
  {
    at: time("When", 0),
    vm: { type: "string", description: "Name of a VM." },
    unplug: { type: "integer", minimum: 0, description: "Number of a vCPU to be taken away." },
    plug: { type: "integer", minimum: 0, description: "Number of a vCPU to be plugged in again." },
    weight,
    cap,
    affinity,
  },
  ["at", "vm"],
  "Something that is changed while the VMs run.",
);

/** What a machine file may say. The editor's completion, the validator and the documentation follow it. */
export const machineFileSchema: Schema = object(
  {
    host: object(
      {
        pcpus: { type: "integer", minimum: 1, maximum: mostPcpus, description: "Physical CPUs." },
        memory: { type: "integer", minimum: 1, description: "MiB; the VMs' memory must fit." },
      },
      ["pcpus"],
    ),
    scheduler: object(
      {
        name: {
          type: "string",
          enum: schedulers.map(({ name }) => name),
          description: "Who decides which vCPU runs where.",
        },
        options: { type: "object", description: "Options of this scheduler; times in microseconds." },
      },
      ["name"],
    ),
    duration: time("How long it runs"),
    seed: { type: "integer", minimum: 0, default: 0, description: "Order in which vCPUs start; 0: as written." },
    vms: { type: "array", minItems: 1, items: vm },
    changes: { type: "array", items: change },
  },
  ["host", "scheduler", "duration", "vms"],
);
