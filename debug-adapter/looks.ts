/** Requests that only look at the machine, and are answered also while it runs. */
import { controlBlockNow } from "./control-block.ts";
import type { ControlTally } from "./control-tally.ts";
import type { Debugger } from "./debugger.ts";
import { devicesNow } from "./devices.ts";
import { domainsNow } from "./domains.ts";
import { eventLimits } from "./event-limits.ts";
import type { Answers } from "./requests.ts";
import { ringsNow } from "./rings.ts";
import { translationNow } from "./translation.ts";
import { translationsNow } from "./translations.ts";

type Look =
  | "ringside/translations"
  | "ringside/controlBlock"
  | "ringside/rings"
  | "ringside/translation"
  | "ringside/domains"
  | "ringside/devices"
  | "ringside/eventLimits";

export const looks = (present: () => Debugger, controls: () => ControlTally): Pick<Answers, Look> => ({
  "ringside/translations": () => {
    const { machine, program } = present();
    return translationsNow(machine, program);
  },
  "ringside/controlBlock": () => controlBlockNow(present().machine, controls()),
  "ringside/eventLimits": () => eventLimits(present().machine.configuration),
  "ringside/rings": () => ringsNow(present().machine),
  "ringside/domains": () => domainsNow(present().machine),
  "ringside/devices": ({ vm }) => devicesNow(present().machine, vm),
  "ringside/translation": ({ address }) => translationNow(present(), address),
});
