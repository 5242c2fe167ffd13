import { runStates } from "../../../emulator/schedule/vcpu.ts";
import { percent } from "../shared/format.ts";
import { vmColour } from "../shared/vm-colours.ts";
import type { State } from "./model.ts";
import { shares, type VcpuShare, type VmShare } from "./shares.ts";
import { timeText, type Window } from "./window.ts";

/** How far the bar reaches, of all physical CPUs. */
function Bar({ vm, colour, pcpus }: { vm: VmShare; colour: string; pcpus: number }) {
  const of = (part: number): string => `${Math.min(100, (100 * part) / Math.max(1, pcpus))}%`;
  return (
    <span class="share-bar" aria-hidden="true">
      <span class={`fill ${colour}`} style={{ width: of(vm.share) }} />
      {vm.due !== undefined && <span class="due" style={{ left: of(vm.due) }} />}
    </span>
  );
}

/** Run state and number in the scheduler's order, at the end of what is in sight. */
const Now = ({ vcpu }: { vcpu: VcpuShare | undefined }) => (
  <td class="now">{vcpu && `${runStates[vcpu.state] ?? ""} ${vcpu.standing}`}</td>
);

function VmRow({ vm, colour, pcpus }: { vm: VmShare; colour: string; pcpus: number }) {
  const alone = vm.vcpus.length === 1;
  return (
    <tr class="vm">
      <th scope="row">
        <span class={`dot ${colour}`} />
        {vm.vm}
      </th>
      <Now vcpu={alone ? vm.vcpus[0] : undefined} />
      <td class="bar">
        <Bar vm={vm} colour={colour} pcpus={pcpus} />
      </td>
      <td class="number">{percent(vm.share, 1)}</td>
      <td class="number">{vm.due === undefined ? "?" : percent(vm.due, 1)}</td>
      <td class="number">{vm.weight ?? "?"}</td>
      <td class="number">{vm.cap === 0 ? "–" : `${vm.cap} %`}</td>
      <td class="number">{alone ? "–" : percent(vm.hazard, 1)}</td>
    </tr>
  );
}

function VcpuRow({ vcpu }: { vcpu: VcpuShare }) {
  return (
    <tr class="vcpu">
      <th scope="row">{vcpu.id}</th>
      <Now vcpu={vcpu} />
      <td />
      <td class="number">{percent(vcpu.share, 1)}</td>
      <td colSpan={4} />
    </tr>
  );
}

/** Who had how much of the time in sight, beside what was due. */
export function SharesTable({ state, window }: { state: State; window: Window }) {
  const { trace } = state;
  return (
    <div class="shares">
      <table aria-label={`Shares from ${timeText(window.from)} to ${timeText(window.to)}, of one physical CPU`}>
        <thead>
          <tr>
            <th title="What each VM had of the time in sight">VM</th>
            <th title="At the end of the time in sight: the run state, and the number that the scheduler orders by">
              state
            </th>
            <th>
              <span class="unseen">bar</span>
            </th>
            <th class="number" title="Of one physical CPU">
              share
            </th>
            <th class="number" title="What weight, cap and its own demand give it">
              due
            </th>
            <th class="number" title="Its weight for the scheduler">
              weight
            </th>
            <th class="number" title="The most that it may have, of one physical CPU">
              cap
            </th>
            <th class="number" title="Some of its vCPUs ran while others waited">
              hazard
            </th>
          </tr>
        </thead>
        {shares(trace, window).map((vm, n) => (
          <tbody key={vm.vm}>
            <VmRow vm={vm} colour={vmColour(n)} pcpus={trace.pcpus.length} />
            {vm.vcpus.length > 1 && vm.vcpus.map((vcpu) => <VcpuRow key={vcpu.id} vcpu={vcpu} />)}
          </tbody>
        ))}
      </table>
    </div>
  );
}
