import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Gap } from "./gap.tsx";
import { rowByKey } from "./keys.ts";
import { useRowsInSight } from "./rows.ts";

export interface Column {
  readonly title: string;
  /** Of numbers, which stand at the right. */
  readonly numeric?: true;
  /** What it means, where the title says too little. */
  readonly hint?: string;
}

export const headCells = (columns: readonly Column[]) =>
  columns.map(({ title, numeric, hint }) => (
    <th key={title} class={numeric && "number"} title={hint}>
      {title}
    </th>
  ));

interface EventRowsProps<E> {
  readonly events: readonly E[];
  /** What they are called. */
  readonly name: string;
  /** What Enter does, as in "goes to the moment". */
  readonly enter: string;
  readonly columns: readonly Column[];
  /** Index of the selected one; -1: none. */
  readonly selected: number;
  /** The newest stays in sight. */
  readonly live: boolean;
  /** The time cursor of all views, where it is not at the present: when it moves, what is selected comes into sight. */
  readonly cursor?: number | undefined;
  readonly select: (event: E) => void;
  readonly go: (event: E) => void;
  readonly row: (event: E, selected: boolean) => ComponentChildren;
  /** A row behind all others. */
  readonly last?: ComponentChildren;
  /** Below the table. */
  readonly children?: ComponentChildren;
}

/** A table of events, of which there may be many thousands: the rows in sight only. Arrow keys select, Enter goes there. */
export function EventRows<E>(props: EventRowsProps<E>) {
  const { events, name, enter, columns, selected, live, cursor, select, go, row, last, children } = props;
  const { scroller, first, end, onScroll, show } = useRowsInSight(events.length, live);
  const shown = events.slice(first, end);
  useEffect(() => {
    if (cursor !== undefined && selected >= 0) show(selected);
  }, [cursor]);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = rowByKey(event.key, selected, events.length);
    const target = events[to ?? selected];
    if (to !== undefined && target) {
      event.preventDefault();
      select(target);
      show(to);
    } else if (event.key === "Enter" && target) go(target);
  };
  return (
    <div
      class="rows"
      role="application"
      aria-label={`${name}: arrow keys select, Enter ${enter}`}
      ref={scroller}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onScroll={(event) => onScroll(event.currentTarget)}
    >
      <table aria-label={name} aria-rowcount={events.length + (last ? 1 : 0)}>
        <thead>
          <tr>{headCells(columns)}</tr>
        </thead>
        <tbody>
          <Gap rows={first} />
          {shown.map((event, n) => row(event, first + n === selected))}
          <Gap rows={events.length - first - shown.length} />
          {last}
        </tbody>
      </table>
      {children}
    </div>
  );
}
