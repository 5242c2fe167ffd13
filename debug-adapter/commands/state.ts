/** Commands that show the present state: `walk`, `why`, `when`, `tlb`, `vmcs`. */
import { type ControlBlock, type ControlField, controlBlockNow } from "../control-block.ts";
import { evaluateText } from "../evaluate.ts";
import { outlookText } from "../outlook-text.ts";
import { placeOf } from "../program.ts";
import { Refusal, sentence } from "../requests.ts";
import { guestFrames } from "../stack.ts";
import { walkText } from "../walk-text.ts";
import type { Command, Context } from "./command.ts";
import { columnsText, manualHex, plural } from "./table-text.ts";

function addressIn(context: Context, text: string, command: string): bigint {
  if (text === "") throw new Refusal(`Write an address after "${command}", for example "${command} $".`);
  const outcome = evaluateText(context, text);
  if (outcome.problem !== undefined) throw new Refusal(sentence(outcome.problem));
  // A label, and memory, stand for where they are; anything else for its value.
  return outcome.kind === "label" ? outcome.location!.address : BigInt.asUintN(64, outcome.value);
}

function why({ machine }: Context): string {
  const outlook = machine.why();
  if (!outlook) throw new Refusal("There is no instruction at the instruction pointer.");
  return `${outlookText(outlook)}\nSource: ${outlook.why.source}`;
}

function when({ machine, program }: Context): string {
  const { within, name } = guestFrames(machine, program)[0]!;
  const exit = machine.pendingExit;
  const rows = [
    ["step", machine.now.toLocaleString("en")],
    ["instruction", machine.instructions.toLocaleString("en")],
    ["cycle", machine.cycle.toLocaleString("en")],
    ["last event", machine.lastSequence.toLocaleString("en")],
    ["place", `${manualHex(within)}${placeOf(program, within) ? ` (${name})` : ""}, vCPU ${machine.vcpu}`],
    ...(exit?.kind === "exit" ? [["pending", `VM exit ${exit.reason}, event ${exit.sequence}`]] : []),
  ];
  return columnsText(rows);
}

function tlb(context: Context, argument: string): string {
  const page = argument === "" ? undefined : addressIn(context, argument, "tlb") >> 12n;
  const entries = context.machine.tlbEntries().filter(({ linear }) => page === undefined || linear >> 12n === page);
  if (entries.length === 0) return page === undefined ? "The TLB is empty." : "The TLB does not have this page.";
  const shown = entries.slice(0, 256);
  const rows = [
    ["linear", "host-physical", "for", "page", "PCID", "VPID"],
    ...shown.map(({ linear, host, accesses, size, global, pcid, vpid }) => [
      manualHex(linear),
      manualHex(host),
      accesses.join(" "),
      `${size}${global ? " global" : ""}`,
      `${pcid}`,
      `${vpid}`,
    ]),
  ];
  const more = entries.length > shown.length ? `\n… and ${entries.length - shown.length} more` : "";
  return `${plural(entries.length, "page")}\n${columnsText(rows, [0, 1, 4, 5])}${more}`;
}

const fieldsOf = ({ groups }: Pick<ControlBlock, "groups">): readonly ControlField[] =>
  groups.flatMap(({ fields }) => fields);

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z\d]+/g, "");

/** Under the other vendor's names some values cannot be told. */
const valueText = (value: string): string => (value === "" ? "—" : `${value.toUpperCase()}h`);

function fieldText({ name, place, value, width, bits, note }: ControlField): string {
  return [
    `${name} (${place}h, ${width} bits) = ${valueText(value)}${note ? `. ${note}` : ""}`,
    ...bits.map((bit) => `  ${bit.name} (${bit.bits}) = ${bit.value}${bit.doc ? `: ${bit.doc}` : ""}`),
  ].join("\n");
}

type Kind = ControlBlock["kind"];

/** The control block under the names of one kind, whichever there is. */
const namesOf = (block: ControlBlock, kind: Kind): Pick<ControlBlock, "groups"> =>
  block.kind === kind ? block : block.other;

/** `vmcs` and `vmcb`: the fields worth showing, or those whose name or place is asked for. */
function controlBlock({ machine }: Context, asked: Kind, argument: string): string {
  const { block, absent } = controlBlockNow(machine);
  if (!block) throw new Refusal(absent);
  const { kind, address, state, failure } = block;
  const wanted = plain(argument);
  const fields = fieldsOf(namesOf(block, asked)).filter(({ name, place, shown }) =>
    wanted === "" ? shown : plain(name).includes(wanted) || plain(`${place}h`) === wanted || plain(place) === wanted,
  );
  if (fields.length === 0) throw new Refusal(`The ${asked} has no field "${argument}".`);
  if (wanted !== "" && fields.length <= 4) return fields.map(fieldText).join("\n");
  const rows = fields.map(({ name, place, value }) => [name, `${place}h`, valueText(value)]);
  const wrong = failure ? `\nVM entry would fail: ${failure.sentence}` : "";
  const under = kind === asked ? "" : `, under the names of the ${asked}`;
  return `${kind} at ${address.toUpperCase()}h${under}. ${state}\n${columnsText(rows, [1, 2])}${wrong}`;
}

const fieldNames =
  (kind: Kind) =>
  ({ machine }: Pick<Context, "machine">): readonly string[] => {
    const { block } = controlBlockNow(machine);
    return block ? fieldsOf(namesOf(block, kind)).map(({ name }) => name) : [];
  };

export const stateCommands: readonly Command[] = [
  {
    name: "walk",
    parameters: "ADDRESS",
    what: "How a linear address is translated: every entry on the way, guest and host, and the memory references it takes.",
    run: (context, argument) => walkText(context.machine.walk(addressIn(context, argument, "walk"))),
  },
  {
    name: "why",
    parameters: "",
    what: "What becomes of the instruction about to run, and by which rule; at a VM exit, why it exited.",
    run: why,
  },
  {
    name: "when",
    parameters: "",
    what: "The present moment: steps, instructions, cycles, events, and where the guest is.",
    run: when,
  },
  {
    name: "tlb",
    parameters: "[ADDRESS]",
    what: "The pages that the TLB holds now, or the one of an address.",
    run: tlb,
  },
  ...(["VMCS", "VMCB"] as const).map((kind) => ({
    name: kind.toLowerCase(),
    parameters: "[FIELD]",
    what: `The ${kind} now, or the fields whose names contain a text, with their bits; of ${kind === "VMCS" ? "AMD-V the VMCB under VT-x" : "VT-x the VMCS under AMD-V"}'s names.`,
    words: fieldNames(kind),
    run: (context: Context, argument: string) => controlBlock(context, kind, argument),
  })),
];
