import { errno, hex, isRefused, type Refused, refused } from "./abi.ts";
import {
  type Answer,
  type Argument,
  type Call,
  type Continuation,
  type Ending,
  type Hypercall,
  isContinuation,
  isEnding,
} from "./call.ts";
import type { Domain } from "./domain.ts";
import { eventCalls } from "./event-calls.ts";
import { grantCalls } from "./grants.ts";
import { memoryCalls } from "./memory-calls.ts";
import { processorCalls } from "./processor-calls.ts";
import { layoutOf, Structure } from "./structure.ts";

/** Hypercalls that are known by name and not there. */
const absent: readonly Hypercall[] = [
  { number: 6, name: "sched_op_compat", arguments: ["cmd", "arg"], doc: "The older sched_op." },
  { number: 7, name: "platform_op", arguments: ["op"], doc: "The machine's own settings." },
  { number: 16, name: "event_channel_op_compat", arguments: ["op"], doc: "The older event_channel_op." },
  { number: 19, name: "physdev_op_compat", arguments: ["op"], doc: "The older physdev_op." },
  { number: 27, name: "xsm_op", arguments: ["op"], doc: "Security modules." },
  { number: 31, name: "xenoprof_op", arguments: ["op", "arg"], doc: "Profiling." },
  { number: 34, name: "hvm_op", arguments: ["op", "arg"], doc: "For hardware-assisted guests." },
  { number: 35, name: "sysctl", arguments: ["op"], doc: "Control of Xen." },
  { number: 36, name: "domctl", arguments: ["op"], doc: "Control of other domains." },
  { number: 37, name: "kexec_op", arguments: ["op", "arg"], doc: "Starting another kernel." },
  { number: 38, name: "tmem_op", arguments: ["op"], doc: "Transcendent memory." },
  { number: 39, name: "argo_op", arguments: ["cmd", "arg1", "arg2", "arg3", "arg4"], doc: "Messages between domains." },
  { number: 40, name: "xenpmu_op", arguments: ["op", "arg"], doc: "Performance counters." },
  { number: 41, name: "dm_op", arguments: ["domid", "nr_bufs", "bufs"], doc: "For device models." },
  { number: 42, name: "hypfs_op", arguments: ["cmd", "arg1", "arg2", "arg3", "arg4"], doc: "Xen's settings as files." },
];

const multicall: Hypercall = {
  number: 13,
  name: "multicall",
  arguments: ["call_list", "nr_calls"],
  doc: "Many hypercalls with one entry into Xen.",
  handler: runMany,
};

/** All hypercalls that have a name: the one list. */
export const hypercalls: readonly Hypercall[] = [
  ...memoryCalls,
  ...processorCalls,
  ...eventCalls,
  ...grantCalls,
  multicall,
  ...absent,
].sort((a, b) => a.number - b.number);

const byNumber = new Map(hypercalls.map((row) => [row.number, row]));
/** What a multicall may not contain: it would not come back to the list. */
const notInLists: ReadonlySet<string> = new Set(["iret", "multicall"]);

export const hypercallName = (number: bigint): string =>
  (number < 0x1_0000n ? byNumber.get(Number(number))?.name : undefined) ?? `hypercall ${number}`;

/** Arguments by name out of the registers that carry them. */
function decoded(domain: Domain, row: Hypercall, registers: readonly bigint[]): Map<string, bigint> {
  const names: readonly Argument[] = (domain.bits === 32 ? row.arguments32 : undefined) ?? row.arguments;
  const values = new Map<string, bigint>();
  let next = 0;
  for (const argument of names) {
    const low = registers[next++] ?? 0n;
    if (typeof argument === "string") values.set(argument, low);
    else values.set(argument.wide, domain.bits === 64 ? low : low | ((registers[next++] ?? 0n) << 32n));
  }
  return values;
}

function callOf(domain: Domain, values: ReadonlyMap<string, bigint>, says: string[]): Call {
  const arg = (name: string): bigint => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`the hypercall has no argument ${name}`);
    return value;
  };
  return {
    domain,
    arg,
    number: (name) => Number(arg(name) & 0xffff_ffffn),
    address: (name) => (domain.bits === 64 ? Number(BigInt.asIntN(64, arg(name))) : Number(arg(name))),
    say: (text) => says.push(text),
  };
}

/** Makes a hypercall and records its event: arguments by name and decoded, the result, and the reason where it is refused. */
export function hypercall(domain: Domain, number: bigint, registers: readonly bigint[]): Exclude<Answer, Ending> {
  const row = number < 0x1_0000n ? byNumber.get(Number(number)) : undefined;
  const values: ReadonlyMap<string, bigint> = row ? decoded(domain, row, registers) : new Map();
  const says: string[] = [];
  const answer: Answer = row?.handler
    ? row.handler(callOf(domain, values, says))
    : refused("ENOSYS", row ? `${row.name} is not supported` : `Xen has no hypercall ${number}`);
  domain.context.record({
    kind: "hypercall",
    number: number.toString(),
    name: row?.name ?? "unknown",
    arguments: [...[...values].map(([name, value]) => `${name} = ${hex(value)}`), ...says],
    result: resultText(answer),
  });
  if (isEnding(answer)) {
    domain.context.stop(answer.ends, answer.text);
    return undefined;
  }
  return answer;
}

function resultText(answer: Answer): string {
  if (isRefused(answer)) return `-${errno[answer.errno]} (${answer.errno}): ${answer.why}`;
  if (answer === undefined || isEnding(answer)) return "does not return";
  if (isContinuation(answer)) return "is made again for the rest";
  return answer === "resumed" ? "returned to the interrupted code" : `${answer}`;
}

/** What goes into rAX. */
export const resultOf = (answer: number | bigint | Refused): bigint =>
  isRefused(answer) ? BigInt(-errno[answer.errno]) : BigInt(answer);

const entryFields = {
  op: "word",
  result: "word",
  a0: "word",
  a1: "word",
  a2: "word",
  a3: "word",
  a4: "word",
  a5: "word",
} as const;

/** Calls of a list that are made at one entry into Xen. */
const callsAtOnce = 128;

/** A call of a list has done a part: the entry gets the arguments for the rest, and the list goes on there. */
function continueEntry(call: Call, entry: Structure<typeof entryFields>, n: number, { again }: Continuation): Answer {
  for (const [argument, value] of again.entries()) {
    const unwritten = entry.write(`a${argument}` as keyof typeof entryFields, value);
    if (unwritten) return unwritten;
  }
  const done = BigInt(n * layoutOf(entryFields, call.domain.bits).size);
  return { again: [call.arg("call_list") + done, BigInt(call.number("nr_calls") - n)] };
}

function runMany(call: Call): Answer {
  const { domain } = call;
  const count = call.number("nr_calls");
  for (let n = 0; n < count; n++) {
    if (n === callsAtOnce) {
      const done = BigInt(n * layoutOf(entryFields, domain.bits).size);
      return { again: [call.arg("call_list") + done, BigInt(count - n)] };
    }
    const entry = Structure.read(domain, entryFields, call.address("call_list"), n);
    if (isRefused(entry)) return entry;
    const { op, a0, a1, a2, a3, a4, a5 } = entry.values;
    const answer = notInLists.has(hypercallName(op))
      ? refused("EINVAL", `${hypercallName(op)} cannot be one of a multicall`)
      : hypercall(domain, op, [a0, a1, a2, a3, a4, a5]);
    if (answer === undefined || answer === "resumed") return undefined;
    if (isContinuation(answer)) return continueEntry(call, entry, n, answer);
    call.say(`${hypercallName(op)} → ${resultOf(answer)}`);
    const unwritten = entry.write("result", resultOf(answer));
    if (unwritten) return unwritten;
  }
  return 0;
}
