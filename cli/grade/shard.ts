import { UsageError } from "../exit-code.ts";

/** A part of the submissions: every `of`-th, beginning with number `index` from 0. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where systems that run a job several times say which it is: number, what that counts from, and how many there are. */
const systems = [
  // Kubernetes tells an indexed job its number only; the manifest has to give RINGSIDE_SHARDS.
  { index: "JOB_COMPLETION_INDEX", first: 0, of: "RINGSIDE_SHARDS" },
  { index: "CI_NODE_INDEX", first: 1, of: "CI_NODE_TOTAL" },
  { index: "CIRCLE_NODE_INDEX", first: 0, of: "CIRCLE_NODE_TOTAL" },
  { index: "BUILDKITE_PARALLEL_JOB", first: 0, of: "BUILDKITE_PARALLEL_JOB_COUNT" },
] as const;

const whole = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined;

function shard(index: number | undefined, of: number | undefined, first: number, told: string): Shard {
  if (index === undefined || of === undefined || index < first || index - first >= of)
    throw new UsageError(`${told}: there is no such part.`);
  return { index: index - first, of };
}

/** `I/N`, from 1; or `auto`: as the environment says. @throws UsageError */
export function shardOf(text: string, environment: Environment): Shard {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (index !== undefined) return shard(whole(index), whole(of), 1, `--shard ${text}`);
  if (text !== "auto") throw new UsageError(`--shard needs I/N, such as 1/4, or auto, not “${text}”.`);
  const system = systems.find((one) => environment[one.index] !== undefined && environment[one.of] !== undefined);
  if (!system) {
    const names = systems.map((one) => `${one.index} with ${one.of}`);
    throw new UsageError(`--shard auto: the environment does not say which part; ${names.join(", ")} would.`);
  }
  const told = `--shard auto: ${system.index} is ${environment[system.index]}, ${system.of} is ${environment[system.of]}`;
  return shard(whole(environment[system.index]), whole(environment[system.of]), system.first, told);
}

export const inShard = <T>(items: readonly T[], { index, of }: Shard): readonly T[] =>
  items.filter((_, n) => n % of === index);
