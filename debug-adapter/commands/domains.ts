/** Commands about paravirtual guests: `channels`, `grants`. */
import { type Column, channelColumns, grantColumns, upcallText } from "../domain-text.ts";
import { absence, type ChannelView, type DomainView, type GrantView } from "../domains.ts";
import type { Subject } from "../evaluate.ts";
import { Refusal } from "../requests.ts";
import type { Command, Context } from "./command.ts";
import { columnsText, plural } from "./table-text.ts";

/** The one that a number names, or all. @throws Refusal if none has it */
function wanted<T>(all: readonly T[], numberOf: (one: T) => number, argument: string, what: string): readonly T[] {
  const found = argument === "" ? all : all.filter((one) => `${numberOf(one)}` === argument);
  if (argument !== "" && found.length === 0) throw new Refusal(`There is no ${what} ${argument}.`);
  return found;
}

const portOf = ({ port }: ChannelView): number => port;
const referenceOf = ({ reference }: GrantView): number => reference;

function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const numbers = columns.flatMap(({ numeric }, n) => (numeric ? [n] : []));
  return columnsText([columns.map(({ title }) => title), ...cells], numbers);
}

const heading = ({ vm, id }: DomainView, what: string): string => `${vm}, domain ${id}: ${what}`;

/** A part of the answer for each domain. */
function ofEach({ machine }: Context, part: (domain: DomainView) => string): string {
  const domains = machine.domains();
  if (domains.length === 0) throw new Refusal(absence(machine));
  return domains.map(part).join("\n\n");
}

const channels = (context: Context, argument: string): string =>
  ofEach(context, (domain) => {
    const found = wanted(domain.channels, portOf, argument, "open port");
    return [
      heading(domain, `${plural(domain.channels.length, "open port")} of ${domain.ports.toLocaleString("en")}`),
      ...domain.upcalls.map(upcallText),
      ...(found.length === 0 ? [] : [table(channelColumns, found)]),
    ].join("\n");
  });

const grants = (context: Context, argument: string): string =>
  ofEach(context, (domain) => {
    const found = wanted(domain.grants, referenceOf, argument, "grant");
    const { grantFrames, entriesPerFrame } = domain;
    const room = `${(grantFrames.length * entriesPerFrame).toLocaleString("en")} entries`;
    const where = grantFrames.map((frame) => `${frame.toString(16).toUpperCase()}h`).join(", ");
    const place = grantFrames.length === 0 ? "no table yet (grant_table_op setup_table)" : `${room} in frame ${where}`;
    return [
      heading(domain, `${plural(domain.grants.length, "grant")}, ${place}`),
      ...(found.length === 0 ? [] : [table(grantColumns, found)]),
    ].join("\n");
  });

const numbersOf =
  (list: (domain: DomainView) => readonly number[]) =>
  ({ machine }: Subject): readonly string[] =>
    [...new Set(machine.domains().flatMap(list))].map(String);

export const domainCommands: readonly Command[] = [
  {
    name: "channels",
    parameters: "[PORT]",
    what: "Under Xen's interface: the guest's event channels, and how each vCPU hears of events; or the one of a port.",
    words: numbersOf((domain) => domain.channels.map(portOf)),
    run: channels,
  },
  {
    name: "grants",
    parameters: "[REFERENCE]",
    what: "Under Xen's interface: the pages that the guest has granted, to whom, and where they are mapped; or the one of a reference.",
    words: numbersOf((domain) => domain.grants.map(referenceOf)),
    run: grants,
  },
];
