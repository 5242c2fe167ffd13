import { exitName } from "../../../emulator/trace/exit-name.ts";
import { accent } from "../shared/format.ts";
import { Marks, markAt, tell, unitsOf } from "../shared/marks.tsx";
import { marksWidth } from "../shared/time-marks.ts";
import { TimeTicks } from "../shared/time-ticks.tsx";
import type { ExitLane } from "./exit-log.ts";
import type { State } from "./model.ts";
import type { Actions } from "./view.tsx";

/** Of one lane alone, and of one of several. */
const looks = {
  alone: { base: 38, least: 10, most: 36 },
  several: { base: 17, least: 7, most: 16 },
} as const;
/** A mark may begin at the end. */
const wide = marksWidth + 4;

interface Props {
  readonly state: State;
  readonly actions: Actions;
}

interface LaneProps extends Props {
  readonly lane: ExitLane;
  /** Virtual time at the right, in cycles. */
  readonly end: number;
  readonly tallest: number;
  readonly look: (typeof looks)[keyof typeof looks];
}

function Lane({ lane, end, tallest, look, state, actions }: LaneProps) {
  const { log, now, cursor } = state;
  const at = (cycle: number) => Math.round((cycle / end) * marksWidth);
  const all = lane.groups.flatMap(([, marks]) => marks);
  const selected = log.rowOf(state.selected) < 0 ? undefined : log.at(state.selected);
  const chosen = selected && `${selected.vm}/${selected.vcpu}` === lane.vcpu ? selected : undefined;
  const height = look.base + 2;
  return (
    <div class="marks" style={{ height: `${look === looks.alone ? 34 : 18}px` }}>
      <svg
        class="timeline"
        viewBox={`0 0 ${wide} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${lane.vcpu}: exits up to cycle ${end.toLocaleString("en")}`}
        onClick={(event) => {
          const mark = markAt(all, unitsOf(event, wide));
          if (mark) actions.select(mark.first.sequence);
          else actions.point(Math.round((end * unitsOf(event, wide)) / marksWidth));
        }}
        onPointerMove={(event) => {
          const { first, count = 0 } = markAt(all, unitsOf(event, wide)) ?? {};
          const more = count > 1 ? ` and ${count - 1} more` : "";
          tell(
            event.currentTarget,
            first ? `${exitName(first)}${more} of ${lane.vcpu} at cycle ${first.cycle.toLocaleString("en")}` : "",
          );
        }}
      >
        <line class="axis" x1="0" y1={look.base} x2={wide} y2={look.base} />
        {lane.groups.map(([colour, marks]) => (
          <Marks
            key={colour}
            {...{ marks, look, tallest }}
            colours={[colour, colour]}
            selected={chosen && accent(exitName(chosen)) === colour ? at(chosen.cycle) : undefined}
          />
        ))}
        {cursor !== undefined && <line class="cursor" x1={at(cursor)} y1="0" x2={at(cursor)} y2={height} />}
        <line class="now" x1={at(now.cycle)} y1="0" x2={at(now.cycle)} y2={height} />
      </svg>
    </div>
  );
}

/** A lane for each vCPU that has left, with a mark for each exit, or for each pixel that has some, along virtual time. */
export function Timeline({ state, actions }: Props) {
  const { log, now } = state;
  const end = Math.max(now.cycle, log.sought.at(-1)?.cycle ?? 0, 1);
  const lanes = log.lanes(end);
  const tallest = lanes
    .flatMap(({ groups }) => groups.flatMap(([, marks]) => marks))
    .reduce((most, { count }) => Math.max(most, count), 1);
  const look = lanes.length > 1 ? looks.several : looks.alone;
  return (
    <section class={lanes.length > 1 ? "lanes several" : "lanes"} aria-label="Exits over time">
      {lanes.map((lane) => (
        <div class="lane" key={lane.vcpu}>
          <span class="vcpu">{lane.vcpu}</span>
          <Lane {...{ lane, end, tallest, look, state, actions }} />
        </div>
      ))}
      <div class="lane">
        <span class="vcpu" />
        <TimeTicks end={end} wide={wide} />
      </div>
    </section>
  );
}
