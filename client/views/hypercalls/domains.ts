/** What the Hypercalls view knows of event channels and grants, and what has changed in them since the last stop. */
import { type Column, channelColumns, grantColumns } from "../../../debug-adapter/domain-text.ts";
import type { ChannelView, DomainsNow, GrantView } from "../../../debug-adapter/protocol.ts";

/** A row of a list: the cells in the order of the list's columns. */
export interface ListRow {
  /** What is the same as long as it is the same channel or grant. */
  readonly key: string;
  readonly vm: string;
  readonly cells: readonly string[];
  /** An event is pending and not masked, or a grant is mapped. */
  readonly lit: boolean;
}

export type ListName = "channels" | "grants";

/** The columns of each list, after that of the VM. */
export const columns = { channels: channelColumns, grants: grantColumns } as const;

const cellsOf = <Row>(list: readonly Column<Row>[], row: Row): readonly string[] => list.map(({ cell }) => cell(row));

const channelRow = (vm: string, channel: ChannelView): ListRow => ({
  key: `${vm} ${channel.port}`,
  vm,
  cells: cellsOf(channelColumns, channel),
  lit: channel.pending && !channel.masked,
});

const grantRow = (vm: string, grant: GrantView): ListRow => ({
  key: `${vm} ${grant.reference}`,
  vm,
  cells: cellsOf(grantColumns, grant),
  lit: grant.mappings.length > 0,
});

/** Of each list, what its rows said by their keys. */
type Said = Readonly<Record<ListName, ReadonlyMap<string, readonly string[]>>>;

/** A stop at which the lists were looked at. */
interface Look {
  readonly step: number;
  readonly said: Said;
}

export interface Lists {
  readonly now: DomainsNow | undefined;
  readonly rows: Readonly<Record<ListName, readonly ListRow[]>>;
  /** In the order of time, of the present run of it; the last one may be of the present. */
  readonly looks: readonly Look[];
  readonly failed: string | undefined;
}

export const noLists: Lists = { now: undefined, rows: { channels: [], grants: [] }, looks: [], failed: undefined };

/** Looks that are kept. */
const mostLooks = 100;

const saidBy = (rows: readonly ListRow[]) => new Map(rows.map(({ key, cells }) => [key, cells]));

/** @param stopped the guest stands still at this moment: what comes later is compared with it */
export function learnLists({ looks }: Lists, now: DomainsNow, stopped: boolean): Lists {
  const rows = {
    channels: now.domains.flatMap(({ vm, channels }) => channels.map((channel) => channelRow(vm, channel))),
    grants: now.domains.flatMap(({ vm, grants }) => grants.map((grant) => grantRow(vm, grant))),
  };
  // What lies after the present has not happened.
  const before = looks.filter(({ step }) => step < now.step);
  const look = { step: now.step, said: { channels: saidBy(rows.channels), grants: saidBy(rows.grants) } };
  return { now, rows, looks: stopped ? [...before, look].slice(-mostLooks) : before, failed: undefined };
}

/** What has changed in a list since the last stop before the present. */
export interface Changes {
  /** By key of the row: which cells, by number; all of a row that is new. */
  readonly cells: ReadonlyMap<string, ReadonlySet<number>>;
  /** First cells of the rows that are gone. */
  readonly gone: readonly string[];
}

const unchanged: Changes = { cells: new Map(), gone: [] };

export function changesIn({ now, rows, looks }: Lists, list: ListName): Changes {
  const before = looks.findLast(({ step }) => step < (now?.step ?? 0))?.said[list];
  if (!before) return unchanged;
  const cells = new Map<string, ReadonlySet<number>>();
  for (const { key, cells: said } of rows[list]) {
    const was = before.get(key);
    const different = said.flatMap((text, n) => (was?.[n] === text ? [] : [n]));
    if (different.length > 0) cells.set(key, new Set(different));
  }
  const present = new Set(rows[list].map(({ key }) => key));
  const gone = [...before].filter(([key]) => !present.has(key)).map(([, [first = ""]]) => first);
  return { cells, gone };
}
