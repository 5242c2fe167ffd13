import { upcallText } from "../../../debug-adapter/domain-text.ts";
import { headCells } from "../shared/event-rows.tsx";
import { Gap } from "../shared/gap.tsx";
import { useRowsInSight } from "../shared/rows.ts";
import { type Changes, changesIn, columns, type ListName, type ListRow, type Lists } from "./domains.ts";

const number = (value: number): string => value.toLocaleString("en");

const titles: Readonly<Record<ListName, string>> = { channels: "Event channels", grants: "Grants" };

function RowOf({ row, list, several, changed }: RowProps) {
  const all = changed?.size === row.cells.length;
  return (
    <tr class={changed ? "changed" : ""} data-key={row.key}>
      {several && <td>{row.vm}</td>}
      {row.cells.map((text, n) => {
        const { title, numeric } = columns[list][n]!;
        return (
          <td key={title} class={`${numeric ? "number" : ""} ${changed?.has(n) ? "new" : ""}`} title={text}>
            {n === 0 && row.lit && <span class="dot yellow" />}
            {text === "" && changed?.has(n) ? "–" : text}
            {n === 0 && changed && <span class="unseen">{all ? " (new)" : " (changed)"}</span>}
          </td>
        );
      })}
    </tr>
  );
}

interface RowProps {
  readonly row: ListRow;
  readonly list: ListName;
  /** There is more than one VM. */
  readonly several: boolean;
  readonly changed: ReadonlySet<number> | undefined;
}

/** The rows in sight only: there are up to 4096 ports, and 2048 grants, in each domain. */
function Table({ lists, list, changes }: { lists: Lists; list: ListName; changes: Changes }) {
  const rows = lists.rows[list];
  const several = (lists.now?.domains.length ?? 0) > 1;
  const { scroller, first, end, onScroll } = useRowsInSight<HTMLElement>(rows.length, false);
  const shown = rows.slice(first, end);
  return (
    <section
      class="list-rows"
      aria-label={`${titles[list]}: rows`}
      ref={scroller}
      tabIndex={0}
      onScroll={(event) => onScroll(event.currentTarget)}
    >
      <table aria-label={titles[list]} aria-rowcount={rows.length}>
        <thead>
          <tr>
            {several && <th>VM</th>}
            {headCells(columns[list])}
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} />
          {shown.map((row) => (
            <RowOf key={row.key} row={row} list={list} several={several} changed={changes.cells.get(row.key)} />
          ))}
          <Gap rows={rows.length - first - shown.length} />
        </tbody>
      </table>
    </section>
  );
}

/** Why a list is empty, and what fills it. */
const nothing: Readonly<Record<ListName, string>> = {
  channels:
    "No port is open. A guest opens one with event_channel_op: for a virtual interrupt (bind_virq), between vCPUs (bind_ipi), to a domain (alloc_unbound, bind_interdomain).",
  grants:
    "Nothing is granted. A guest gets its table with grant_table_op setup_table, and writes entries into it: who may map which frame, and how.",
};

/** How each vCPU hears of events; the frames of the grant table. */
function facts({ now }: Lists, list: ListName): readonly string[] {
  const domains = now?.domains ?? [];
  const of = (vm: string): string => (domains.length > 1 ? `${vm}, ` : "");
  if (list === "channels")
    return domains.flatMap(({ vm, upcalls }) => upcalls.map((upcall) => `${of(vm)}${upcallText(upcall)}`));
  return domains.map(({ vm, grantFrames, entriesPerFrame }) => {
    const where = grantFrames.map((frame) => `${frame.toString(16).toUpperCase()}h`).join(", ");
    const table =
      grantFrames.length === 0
        ? "no table yet"
        : `${number(grantFrames.length * entriesPerFrame)} entries in frame ${where}`;
    return `${of(vm)}${table}`;
  });
}

function List({ lists, list }: { lists: Lists; list: ListName }) {
  const changes = changesIn(lists, list);
  const count = lists.rows[list].length;
  const changed = changes.cells.size;
  return (
    <section class="domain-list" aria-label={titles[list]}>
      <h2>
        {titles[list]} <span class="source">{number(count)}</span>
        <span class="facts" title={facts(lists, list).join("\n")}>
          {facts(lists, list).join(" · ")}
        </span>
        {changed > 0 && <span class="since">{number(changed)} changed since the last stop</span>}
        {changes.gone.length > 0 && <span class="since">gone: {changes.gone.join(", ")}</span>}
      </h2>
      {count > 0 ? <Table lists={lists} list={list} changes={changes} /> : <p class="source">{nothing[list]}</p>}
    </section>
  );
}

interface Props {
  readonly lists: Lists;
  /** Where there is no room, the calls are shown and not these. */
  readonly aside: boolean;
  /** The time cursor is not at the present. */
  readonly elsewhere: boolean;
}

/** Event channels and grants at the moment at which the guest is; or, in a sentence, why there are none. */
export function DomainLists({ lists, aside, elsewhere }: Props) {
  const { now, failed } = lists;
  if (failed !== undefined) return <p class="absent">Event channels and grants are not known: {failed}</p>;
  if (!now) return null;
  if (now.absent !== undefined) return <p class="absent">{now.absent}</p>;
  return (
    <div class={`domain-lists ${aside ? "aside" : ""}`}>
      {elsewhere && <p class="absent">As of now, not of the time cursor: “Go there” takes the guest to it.</p>}
      <List lists={lists} list="channels" />
      <List lists={lists} list="grants" />
    </div>
  );
}
