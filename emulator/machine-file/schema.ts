import { costProfiles } from "../../isa/costs.ts";
import { techniques } from "../../isa/technique.ts";
import { mostMemory } from "../configuration/configuration.ts";
import { bootKinds } from "../firmware/drives.ts";
import { mostPcpus, mostVcpus } from "../schedule/physical-cpus.ts";
import { schedulers } from "../schedule/schedulers.ts";
import { waitPolicies } from "../schedule/workload.ts";
import { mostProcessors } from "../virtual-machine/processors.ts";
import { features } from "../vmm/kvm/features.ts";

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
  readonly minLength?: 1;
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

const file = (description: string): Schema => ({ type: "string", minLength: 1, description });
const files = (description: string, maxItems?: number): Schema => ({
  type: "array",
  items: { type: "string", minLength: 1 },
  ...(maxItems !== undefined && { maxItems }),
  description,
});

const input = object(
  {
    at: time("When", 0),
    device: { type: "string", enum: ["serial", "keyboard"], description: "The serial port, or the keyboard." },
    text: { type: "string", description: "What is typed; on the keyboard with keys in braces: {enter}, {ctrl+c}." },
  },
  ["at", "device", "text"],
  "Something that is typed while the VM runs.",
);

/** Fields of a VM that runs a program, with the same meaning as in a launch configuration; files are by the machine file. */
export const programFields = {
  include: files("Folders searched by %include."),
  boot: {
    type: "string",
    enum: [...bootKinds, "none"],
    description: "What a bootable program is put into; none: it is loaded as a flat image.",
  },
  floppies: files("Images in the floppy drives, after the program if that is one.", 2),
  disks: files("Images of the hard disks, after the program if that is one.", 2),
  commandLine: { type: "string", description: "Command line of a kernel." },
  modules: files("Files loaded beside a kernel."),
  sourceRoot: file("Folder of a kernel's sources, if not where it was compiled."),
  keys: { type: "string", description: "Typed on the keyboard from the start." },
  serial: { type: "string", description: "Typed into the serial port from the start." },
  date: { type: "string", description: "What the clock shows at the start, such as 2026-01-31T12:00:00." },
  inputs: { type: "array", items: input, description: "What is typed later." },
} as const satisfies Readonly<Record<string, Schema>>;

const vm = object(
  {
    name: {
      type: "string",
      pattern: "^[A-Za-z][A-Za-z0-9_-]{0,15}$",
      description: "A letter, then up to 15 letters, digits, _ and -.",
    },
    program: file(
      "What it runs: assembly source, a kernel (ELF, Multiboot) or a disk image, by its path from this file.",
    ),
    memory: {
      type: "integer",
      minimum: 1,
      maximum: mostMemory,
      description: "MiB; of a VM with a program 16 by default.",
    },
    vcpus: {
      description: `How many vCPUs (a VM with a program has at most ${mostProcessors}); or a list, with what each does and where.`,
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
    ...programFields,
  },
  ["name"],
);

const hypervisor = object(
  {
    pauseLoop: object(
      {
        gap: {
          type: "integer",
          minimum: 1,
          default: 128,
          description: "VT-x: PLE_Gap, cycles between two PAUSEs of a loop.",
        },
        window: {
          type: "integer",
          minimum: 1,
          default: 4096,
          description: "VT-x: PLE_Window, cycles of a loop before it leaves.",
        },
        count: {
          type: "integer",
          minimum: 0,
          maximum: 65_535,
          default: 3000,
          description: "AMD-V: PAUSEs of a loop before it leaves.",
        },
      },
      [],
      "Guests that spin with PAUSE leave to the hypervisor, which yields for them. By default they do not.",
    ),
    directedYield: {
      type: "boolean",
      default: true,
      description: "Who yields, yields to a preempted vCPU of the same VM.",
    },
    withoutFeatures: {
      type: "array",
      items: { type: "string", enum: features.flatMap(({ name, there }) => (there ? [name] : [])) },
      description: "Features of KVM's interface that guests are not shown.",
    },
  },
  [],
  "What the hypervisor does where vCPUs share physical CPUs.",
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
        quantum: {
          type: "integer",
          minimum: 1,
          description:
            "Cycles by which a physical CPU with a program may be ahead of the others: smaller is finer and slower.",
        },
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
    technique: {
      type: "string",
      enum: techniques.map(({ id }) => id),
      description: "How programs are virtualized. By default as their sources say.",
    },
    hypervisor,
    costs: { type: "string", enum: costProfiles.map(({ name }) => name), description: "Cost profile of virtual time." },
    duration: time("How long it runs; with programs, by default until they have all stopped"),
    seed: {
      type: "integer",
      minimum: 0,
      default: 0,
      description: "Order in which vCPUs start, and how those with programs interleave; 0: as written, evenly.",
    },
    vms: { type: "array", minItems: 1, items: vm },
    changes: { type: "array", items: change },
  },
  ["host", "scheduler", "vms"],
);
