/**
 * Measures views with many events: `npm run bench:views [view …]`. A guest runs until the view knows a million events, piece by piece as the
 * debug adapter sends them. Prints what the adapter takes for a thousand of them and how much it sends, what the view takes to learn them all and
 * then for a thousand more, everything worked out that is to be drawn; and what it keeps. CPU time; what the
 * browser takes to draw is not in it. Figures are of this machine at this moment.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as exits from "../client/views/exits/model.ts";
import * as hypercalls from "../client/views/hypercalls/model.ts";
import * as rings from "../client/views/rings/model.ts";
import { layout } from "../client/views/schedule/layout.ts";
import * as schedule from "../client/views/schedule/model.ts";
import { segments } from "../client/views/schedule/segments.ts";
import { shares } from "../client/views/schedule/shares.ts";
import { EventFeed } from "../debug-adapter/events.ts";
import { type Loaded, load } from "../debug-adapter/launch.ts";
import { programsIn } from "../debug-adapter/programs.ts";
import type { LocatedEvent, Requests } from "../debug-adapter/protocol.ts";

type News = Requests["ringside/events"]["result"];

const million = 1_000_000;
/** Events that a view asks for at once, and steps that the guest runs meanwhile. */
const limit = 5000;
const steps = 3000;
/** Updates that are measured at a million. */
const updates = 50;
const width = 1400;

const xen = (body: string): string => `%pragma ringside mode xen
%pragma ringside technique paravirtualization
        org 100000h
        bits 32
again:
${body}
        jmp again
arg:    times 4 dd 0
`;
const guests = {
  "/exits.asm": `%pragma ringside mode protected
%pragma ringside technique vtx-ept
        org 100000h
        bits 32
start:  mov ecx, 100
again:  mov al, cl
        out 80h, al
        in al, 61h
        dec ecx
        jnz again
        xor eax, eax
        cpuid
        jmp start
`,
  "/hypercalls.asm": xen(`        mov eax, 17                     ; xen_version
        xor ebx, ebx
        int 82h
        mov eax, 32                     ; event_channel_op send, on a port that is closed
        mov ebx, 4
        mov ecx, arg
        int 82h`),
  "/yields.asm": xen(`        mov eax, 29                     ; sched_op yield
        xor ebx, ebx
        int 82h`),
  "/eight.ringside.json": JSON.stringify({
    host: { pcpus: 2 },
    technique: "paravirtualization",
    scheduler: { name: "credit" },
    vms: Array.from({ length: 8 }, (_, n) => ({ name: `vm${n}`, program: "yields.asm", memory: 4 })),
  }),
} as const;

/** A view as the bench sees it: what it learns, and what is worked out for each frame. */
interface Subject {
  readonly name: string;
  readonly guest: keyof typeof guests;
  readonly kinds: readonly LocatedEvent["kind"][];
  readonly learn: (news: News) => void;
  readonly frame: () => void;
  /** Another filter, or undefined where there is none. */
  readonly filter?: (text: string) => void;
}

function exitsView(): Subject {
  let state = exits.initial();
  const act = (action: exits.Action) => {
    state = exits.reduce(state, action);
  };
  return {
    ...{ name: "VM Exits", guest: "/exits.asm", kinds: ["exit", "entry"] },
    learn: ({ events, last, dropped, now }) => {
      act({ kind: "present", last, now, running: true });
      act({ kind: "events", events, last, dropped });
    },
    frame: () => {
      void state.log.bars;
      state.log.marks(state.now.cycle);
    },
    filter: (text) => act({ kind: "filter", text }),
  };
}

function hypercallsView(): Subject {
  let state = hypercalls.initial();
  const act = (action: hypercalls.Action) => {
    state = hypercalls.reduce(state, action);
  };
  return {
    ...{ name: "Hypercalls", guest: "/hypercalls.asm", kinds: ["hypercall"] },
    learn: ({ events, last, dropped, now }) => {
      act({ kind: "present", last, now, running: true });
      act({ kind: "events", events, last, dropped });
    },
    frame: () => {
      state.log.lanes(state.now.cycle);
      hypercalls.callInDetail(state);
    },
    filter: (text) => act({ kind: "filter", text }),
  };
}

function scheduleView(): Subject {
  let state = schedule.initial();
  const act = (action: schedule.Action) => {
    state = schedule.reduce(state, action);
  };
  return {
    ...{ name: "Schedule", guest: "/eight.ringside.json", kinds: ["schedule"] },
    learn: ({ events, last, dropped, now }) => {
      act({ kind: "present", last, now, running: true });
      act({ kind: "events", events, last, dropped });
    },
    frame: () => {
      const sight = schedule.inSight(state);
      const { trace } = state;
      layout(state, 400);
      for (const lane of [...trace.pcpus, ...trace.vcpus.map((track) => track.lane), ...trace.vms.map((vm) => vm.lane)])
        segments(lane, sight, width);
      shares(trace, sight);
    },
    filter: (text) => act({ kind: "filter", text }),
  };
}

function ringsView(): Subject {
  let state = rings.reduce(rings.initial, { kind: "present", last: 0, running: true });
  return {
    ...{ name: "Rings and Modes", guest: "/exits.asm", kinds: rings.crossingKinds },
    learn: ({ events, last }) => {
      state = rings.reduce(state, { kind: "events", events, last });
    },
    frame: () => void rings.crossed(state),
  };
}

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
};

/** Milliseconds of CPU time, all threads: that of one thread comes in ticks of some milliseconds. */
function timed<T>(work: () => T): readonly [number, T] {
  const begun = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(begun);
  return [(user + system) / 1000, result];
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** What the adapter sends of a running guest, piece by piece, as text. */
class Source {
  readonly #machine: Loaded["machine"];
  readonly #feed: EventFeed;
  readonly #kinds: Subject["kinds"];
  #last = 0;
  /** Milliseconds that the adapter took, and characters that it sent. */
  took = 0;
  sent = 0;

  constructor({ machine, programs }: Loaded, kinds: Subject["kinds"]) {
    this.#machine = machine;
    this.#feed = new EventFeed(machine, programsIn(machine, programs));
    this.#kinds = kinds;
  }

  /** The next events, at most as many as are asked for at once. */
  next(most = limit): string {
    if (this.#machine.lastSequence <= this.#last) this.#machine.run({ steps });
    const [took, text] = timed(() => {
      const news = this.#feed.after({ after: this.#last, limit: most, kinds: this.#kinds });
      this.#last = news.events.length < most ? news.last : news.events.at(-1)!.sequence;
      return JSON.stringify({ ...news, last: this.#last });
    });
    this.took += took;
    this.sent += text.length;
    return text;
  }
}

const readGuest = async (file: string): Promise<Uint8Array | undefined> => {
  const text = (guests as Readonly<Record<string, string>>)[file];
  return text === undefined ? undefined : new TextEncoder().encode(text);
};

/** Lets a view learn a million events. */
function fill({ learn, frame }: Subject, source: Source) {
  let known = 0;
  let filled = 0;
  const before = heap();
  while (known < million) {
    const news = JSON.parse(source.next()) as News;
    filled += timed(() => learn(news))[0];
    known += news.events.length;
  }
  const [first] = timed(frame);
  return { known, filled: filled + first, kept: Math.max(0, heap() - before) };
}

async function measure(subject: Subject): Promise<void> {
  const { name, guest, kinds, learn, frame, filter } = subject;
  const source = new Source(await load({ program: guest }, readGuest), kinds);
  const { known, filled, kept } = fill(subject, source);
  const { took, sent } = source;
  const frames = Array.from({ length: updates }, () => {
    const news = JSON.parse(source.next(1000)) as News;
    return timed(() => {
      learn(news);
      frame();
    })[0];
  });
  const [sought] = timed(() => {
    filter?.("cpuid 61h");
    frame();
  });
  const cells = [
    name,
    `${(took / (known / 1000)).toFixed(1)} ms`,
    `${(sent / known).toFixed(0)} B`,
    `${filled.toFixed(0)} ms`,
    `${median(frames).toFixed(1)} ms`,
    `${Math.max(...frames).toFixed(1)} ms`,
    filter ? `${sought.toFixed(0)} ms` : "none",
    `${(kept / 2 ** 20).toFixed(0)} MiB`,
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

const asked = process.argv.slice(2);
console.log(
  "| View | adapter, a thousand | sent, each | learn a million | a thousand more | slowest | another filter | kept |",
);
console.log("|---|---|---|---|---|---|---|---|");
for (const make of [exitsView, hypercallsView, scheduleView, ringsView]) {
  const subject = make();
  const wanted = (word: string): boolean => subject.name.toLowerCase().includes(word.toLowerCase());
  if (asked.length === 0 || asked.some(wanted)) await measure(subject);
}
