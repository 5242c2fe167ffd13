import { type TechniqueId, techniqueById } from "../isa/technique.ts";
import { Branch, pastText } from "./branch.ts";
import { breakpointAnswers } from "./breakpoint-answers.ts";
import { BreakpointList } from "./breakpoint-list.ts";
import { breakpointBody, breakpointLocations } from "./breakpoint-requests.ts";
import { capabilitiesFor } from "./capabilities.ts";
import { CodeListings } from "./code-listings.ts";
import { type ComparedRun, compareLoaded } from "./compare.ts";
import { ControlTally } from "./control-tally.ts";
import { Conversation } from "./conversation.ts";
import { dataBreakpointInfo } from "./data-breakpoints.ts";
import { Debugger } from "./debugger.ts";
import { EventBreakpointList } from "./event-breakpoint-list.ts";
import { EventFeed } from "./events.ts";
import { GotoPlaces } from "./goto-places.ts";
import { announce, cannotGoOn } from "./halts.ts";
import * as inspection from "./inspection.ts";
import { inspectionAnswers } from "./inspection-answers.ts";
import { checkArguments, type Loaded, load, type ReadFile } from "./launch.ts";
import { Locations } from "./locations.ts";
import { looks } from "./looks.ts";
import { ExitTally } from "./measured.ts";
import { MemoryViews } from "./memory-views.ts";
import { Motion } from "./motion.ts";
import { itemAt } from "./program.ts";
import { programsIn } from "./programs.ts";
import type { Events, LaunchArguments } from "./protocol.ts";
import { type Answers, Declined, type Deeds, Refusal } from "./requests.ts";
import type { Halt, LoggedPlace } from "./run.ts";
import { loadedSources, modules, sourceChanges, sourceText } from "./sources.ts";
import { stepInTargets, stepsBy, stepTo } from "./step-in-targets.ts";
import { attend, numberIn, presentThread, type Wanted } from "./threads.ts";
import { timeDeeds } from "./time-requests.ts";
import { enterTrace, traceAnswers } from "./trace-requests.ts";

/** What the session needs of the process or worker it lives in. */
export interface Home {
  readonly readFile: ReadFile;
  /** Lets waiting messages come in. */
  readonly breathe: () => Promise<void>;
  /** The same for some milliseconds, in which there is nothing to do. */
  readonly rest: () => Promise<void>;
}

const nothingLaunched = "No guest has been launched.";

/** What exists from a successful launch on. */
interface Debuggee extends Pick<Loaded, "typeInto" | "origin" | "programs" | "trace"> {
  readonly debugger: Debugger;
  readonly feed: EventFeed;
  readonly tally: ExitTally;
  readonly controls: ControlTally;
  readonly branch: Branch;
}

/** Debug Adapter Protocol in, Debug Adapter Protocol out. What a guest does is the debugger's business. */
export class Session extends Conversation {
  readonly #home: Home;
  readonly #breakpoints = new BreakpointList();
  readonly #memoryViews = new MemoryViews();
  readonly #locations = new Locations();
  readonly #listings = new CodeListings();
  readonly #gotoPlaces = new GotoPlaces();
  #arguments: LaunchArguments | undefined;
  #debuggee: Debuggee | undefined;
  readonly #events = new EventBreakpointList();
  #halt: Halt = { kind: "entry" };
  /** Until the client has configured everything, while the guest may move, and after the client was told that it is all over. */
  #phase: "configuring" | "debugging" | "over" = "configuring";
  #loading = false;
  /** How often the client has ended all. */
  #endings = 0;
  readonly #motion = new Motion(
    () => this.#debuggee?.debugger.pause(),
    (halt) => {
      this.endProgress();
      if (halt && this.#phase !== "over") this.#stoppedAt(halt);
      else this.print("stdout", this.#debuggee?.feed.newOutput() ?? "");
    },
  );

  constructor(home: Home) {
    super();
    this.#home = home;
  }

  /** @throws Refusal before a successful launch. */
  get #present(): Debuggee {
    if (!this.#debuggee) throw new Refusal(nothingLaunched);
    return this.#debuggee;
  }

  get #subject(): inspection.Subject {
    return {
      debugger: this.#present.debugger,
      coordinates: this.coordinates,
      locations: this.#locations,
      listings: this.#listings,
    };
  }

  /** The subject while the guest stands still. @throws Refusal while it runs. */
  get #still(): inspection.Subject {
    this.#motion.requireRest();
    return this.#subject;
  }

  async #compare(technique: TechniqueId): Promise<ComparedRun> {
    this.#motion.requireRest();
    if (!techniqueById(technique)) throw new Refusal(`There is no technique "${technique}".`);
    const { debugger: subject, typeInto } = this.#present;
    const { machine, program } = subject;
    return this.reporting(`Comparing with ${technique}`, async () => {
      await this.#home.breathe();
      return compareLoaded({ machine, program, typeInto }, technique, this.#home.readFile);
    });
  }

  /** @throws Declined if the client has ended all since it asked for this */
  async #load(args: LaunchArguments, endings: number): Promise<Loaded> {
    if (this.#loading) throw new Refusal("A program is being loaded already.");
    this.#loading = true;
    try {
      const loaded = await load(args, this.#home.readFile);
      if (this.#endings !== endings) throw new Declined("The session was ended while the program was loaded.");
      return loaded;
    } finally {
      this.#loading = false;
    }
  }

  /** All comes to rest, for good: also what is being loaded, and who waits for an answer of the client. */
  async #end(): Promise<void> {
    this.#endings++;
    this.#debuggee?.branch.permit(false);
    await this.#motion.quiet();
    this.#phase = "over";
  }

  async #launch(args: LaunchArguments, endings: number): Promise<Debuggee> {
    const { machine, program: _, programs, warnings, ...rest } = await this.#load(args, endings);
    const feed = new EventFeed(machine, programsIn(machine, programs));
    const surroundings = {
      breathe: () => {
        this.tick(() => `step ${machine.now.toLocaleString("en")}`);
        return this.#home.breathe();
      },
      awaitReaders: (isOver: () => boolean) =>
        feed.readers.wait({
          isOver,
          rest: this.#home.rest,
          // They know of no more than they were told.
          begin: () => this.#tellNews(feed.latest(true)),
        }),
      advanced: (running: boolean) => this.#report(running),
      log: (text: string, { vm, linear }: LoggedPlace) => {
        this.print("stdout", feed.newOutput());
        this.print("console", this.styled("warning", feed.newFailures()));
        const range = itemAt(programs.get(vm)!, linear)?.range;
        const place = range && inspection.placeBody(range, this.coordinates);
        this.print("console", this.styled("note", `${text}\n`), place);
      },
    };
    this.print("console", this.styled("warning", warnings));
    // Nobody will answer what was asked of the run before.
    this.#debuggee?.branch.permit(false);
    const beginning = this.#eventsFor(args);
    this.#arguments = args;
    this.print("console", this.styled("warning", this.#events.begin(beginning, machine.configuration)));
    this.#debuggee = {
      programs,
      debugger: new Debugger(machine, programs, surroundings),
      feed,
      tally: new ExitTally(machine, programsIn(machine, programs)),
      controls: new ControlTally(machine),
      branch: new Branch(machine),
      ...rest,
    };
    this.#apply();
    return this.#debuggee;
  }

  /** The breakpoints on events that a run begins with, instead of those that are set: a restart changes none if its arguments do not. */
  #eventsFor({ eventBreakpoints, fallbackEventBreakpoints }: LaunchArguments): LaunchArguments["eventBreakpoints"] {
    if (!this.#arguments) return eventBreakpoints ?? fallbackEventBreakpoints;
    const before = JSON.stringify(this.#arguments.eventBreakpoints);
    return JSON.stringify(eventBreakpoints) === before ? undefined : eventBreakpoints;
  }

  /** Hands breakpoints and filters to the debugger; without debugging there are none. */
  #apply(): void {
    const { debugger: target } = this.#present;
    const debugging = !this.#arguments?.noDebug;
    target.breakpoints = debugging ? this.#breakpoints.all : [];
    target.events.armed = debugging ? this.#events.armed : [];
  }

  /** Console text and news for the views. */
  #report(running: boolean): void {
    const { feed, tally, controls } = this.#present;
    const failures = feed.newFailures();
    // Nothing else may come before what the guest has printed.
    this.print("stdout", running && failures === "" ? feed.newOutputOfSlice() : feed.newOutput());
    this.print("console", this.styled("warning", failures));
    if (!running) this.print("console", feed.newScreen());
    if (running) for (const { reader } of [tally, controls]) reader.keepUp();
    const news = feed.news(running);
    if (news) this.#tellNews(news);
  }

  #tellNews(news: Events["ringside/advanced"]): void {
    const { past } = this.#present.branch;
    this.tell("ringside/advanced", { ...news, ...(past > 0 ? { past } : {}) });
    this.#tellCounts();
  }

  #tellCounts(): void {
    const counts = this.#events.newCounts(this.#present.debugger.machine);
    if (counts) this.tell("ringside/eventCounts", counts);
  }

  #stoppedAt(halt: Halt): void {
    this.#halt = halt;
    this.#refreshMemory();
    this.#report(false);
    const ends = halt.kind === "end" && !halt.by && (this.#arguments?.noDebug || !this.#events.filters.atEnd);
    if (ends) {
      this.print("console", `${halt.text}\n`);
      this.#phase = "over";
      this.tell("terminated");
    } else {
      const past = this.#present.branch.past;
      const description = past > 0 ? { description: pastText(past) } : {};
      this.tell("stopped", {
        ...description,
        ...announce(halt),
        threadId: presentThread(this.#present.debugger.machine),
        allThreadsStopped: true,
      });
    }
  }

  /** The debugger of a guest that may move. @throws Refusal if it may not */
  get #movable(): Debugger {
    const { debugger: target } = this.#still;
    if (this.#loading) throw new Refusal("The program is being loaded again.");
    if (this.#phase === "over") throw new Refusal("The session has ended. Restart the guest, or launch it anew.");
    if (this.#phase === "configuring")
      throw new Refusal("The guest has not been started yet: the client is still setting breakpoints.");
    return target;
  }

  /** A request that lets the guest go on: of `wanted`, one of several vCPUs, if it names a thread. */
  #forward(operation: (target: Debugger) => Halt | Promise<Halt>, wanted: Wanted = {}): () => Promise<void> {
    const target = this.#movable;
    if (this.#halt.kind === "end" && target.machine.stopped) throw new Refusal(cannotGoOn(this.#halt));
    this.#attend(target, wanted);
    return () => this.#motion.start(() => operation(target));
  }

  #attend(target: Debugger, wanted: Wanted): void {
    attend(target, wanted, this.#arguments?.steppingOthers);
  }

  /** Clients show the reason of the first stop since the guest last went on, and know only their own requests to go on. */
  #departs(): void {
    this.tell("continued", {
      threadId: presentThread(this.#present.debugger.machine),
      allThreadsContinued: true,
    });
  }

  /** Announces a moment that a custom request has gone to. */
  #travel(halt: Halt): () => Promise<void> {
    this.#departs();
    return () => this.#motion.start(() => halt);
  }

  #anywhere(title: string, operation: (target: Debugger) => Halt | Promise<Halt>): () => Promise<void> {
    const target = this.#movable;
    // Ways back step the vCPU that a person looks at.
    const { machine } = target;
    if (machine.vcpus().length > 1) target.attend({ vm: machine.vm, vcpu: machine.vcpu }, false);
    return () => {
      this.beginProgress(title);
      return this.#motion.start(() => operation(target));
    };
  }

  /** A person is about to change the guest's state. @throws Refusal if that is in the past, and not wanted there */
  async #mayChange(): Promise<void> {
    if (this.#motion.isUnderWay || !this.#arguments?.asksBeforeBranching) return;
    await this.#present.branch.permission((steps) => this.tell("ringside/branching", { steps }));
  }

  /** A person has changed the guest's state. */
  #changed<T>(body: T): T {
    const forgotten = this.#present.branch.start();
    this.print("console", this.styled("warning", forgotten));
    this.#present.feed.changed();
    this.#present.tally.reader.changed();
    this.#present.controls.reader.changed();
    // Views show the present, and nobody else says that it is another one now.
    if (!this.#motion.isUnderWay) this.#report(false);
    this.#refreshMemory();
    if (this.client.supportsInvalidatedEvent) this.tell("invalidated", { areas: ["all"] });
    return body;
  }

  /** What a client shows of memory may be different now. */
  #refreshMemory(): void {
    for (const piece of this.#memoryViews.take()) if (this.client.supportsMemoryEvent) this.tell("memory", piece);
  }

  #rebind(): void {
    for (const breakpoint of this.#breakpoints.rebind(this.#present.debugger))
      this.tell("breakpoint", { reason: "changed", breakpoint: breakpointBody(breakpoint, this.coordinates) });
    this.#apply();
  }

  #start(target: Debugger): Promise<void> {
    this.#phase = "debugging";
    const { trace } = this.#present;
    const { noDebug = false, stopOnEntry = true, event } = this.#arguments ?? {};
    if (!trace || noDebug)
      return this.#motion.start(() => (stopOnEntry && !noDebug ? { kind: "entry" } : target.start()));
    this.beginProgress("Replaying the trace");
    return this.#motion.start(async () => {
      const { halt, warning } = await enterTrace(target, trace, event);
      this.print("important", warning);
      return halt;
    });
  }

  protected override readonly answers: Answers = {
    initialize: (args) => {
      this.meet(args);
      return capabilitiesFor(args.clientID);
    },
    launch: async (args) => {
      if (this.#debuggee) throw new Refusal("A guest has been launched already.");
      await this.#launch(checkArguments(args), this.#endings);
      this.tell("initialized");
      return undefined;
    },
    ...breakpointAnswers({
      list: this.#breakpoints,
      events: this.#events,
      subject: () => this.#subject,
      readFile: (file) => this.#home.readFile(file),
      applied: (body) => {
        this.#apply();
        this.#tellCounts();
        return body;
      },
    }),
    dataBreakpointInfo: (args) => dataBreakpointInfo(this.#still, args),
    breakpointLocations: (args) => breakpointLocations(this.#subject, args),
    gotoTargets: (args) => this.#gotoPlaces.targets(this.#subject, args),
    ...inspectionAnswers({
      subject: () => this.#subject,
      still: () => this.#still,
      halt: () => this.#halt,
      memoryViews: this.#memoryViews,
      compare: (technique) => this.#compare(technique),
      // Views show the vCPU that a person looks at.
      turned: () => this.#report(false),
      mayChange: () => this.#mayChange(),
      changed: (body) => this.#changed(body),
    }),
    stepInTargets: ({ frameId }) => {
      inspection.lookFrom(this.#still, frameId);
      return stepInTargets(this.#still.debugger);
    },
    modules: (args) => modules(this.#subject, args),
    loadedSources: () => loadedSources(this.#subject),
    cancel: (args) => {
      if (this.isUnderWay(args)) this.#motion.pause();
      return undefined;
    },
    pause: () => {
      if (!this.#debuggee) throw new Refusal(nothingLaunched);
      this.#motion.pause();
      return undefined;
    },
    "ringside/events": (args) => this.#present.feed.after(args),
    "ringside/measured": () => this.#present.tally.measured(),
    "ringside/compare": ({ technique }) => this.#compare(technique),
    ...looks(
      () => this.#present.debugger,
      () => this.#present.controls,
    ),
    ...traceAnswers(
      () => this.#present,
      () => this.#still,
      (file) => this.#home.readFile(file),
    ),
    source: (args) => this.#listings.source(args) ?? sourceText(args, this.#present.origin.files),
    "ringside/branch": ({ begin }) => {
      this.#present.branch.permit(begin === true);
      return {};
    },
  };

  protected override readonly deeds: Deeds = {
    configurationDone: () => {
      if (this.#phase !== "configuring") throw new Refusal("The guest has been started already.");
      const { debugger: target } = this.#present;
      return () => this.#start(target);
    },
    continue: ({ threadId, singleThread }) =>
      this.#forward((target) => target.continue(), { threadId, singleThread: singleThread === true }),
    next: ({ granularity, ...thread }) =>
      this.#forward((target) => target.next(stepsBy(granularity)), { ...thread, steps: true }),
    stepIn: ({ granularity, targetId, ...thread }) =>
      this.#forward(
        (target) => (targetId === undefined ? target.stepIn(stepsBy(granularity)) : stepTo(target, targetId)),
        { ...thread, steps: true },
      ),
    stepOut: (thread) => {
      const target = this.#movable;
      this.#attend(target, { ...thread, steps: true });
      if (!target.canStepOut) throw new Refusal("No caller is known: the stack holds no return address.");
      return this.#forward((subject) => subject.stepOut(), { ...thread, steps: true });
    },
    stepBack: ({ granularity, ...thread }) => {
      inspection.lookFrom(this.#still, numberIn(thread.threadId, 1));
      return this.#anywhere("Stepping back", (target) => target.stepBack(granularity === "instruction"));
    },
    reverseContinue: () => this.#anywhere("Running back", (target) => target.reverseContinue()),
    goto: async ({ targetId, threadId }) => {
      const place = () => {
        inspection.lookFrom(this.#still, numberIn(threadId, 1));
        return this.#gotoPlaces.linear(this.#subject, targetId);
      };
      place();
      await this.#mayChange();
      const refused = this.#movable.moveTo(place());
      if (refused !== undefined) throw new Refusal(refused);
      return () => this.#motion.start(() => this.#changed({ kind: "jump" }));
    },
    restart: async (args) => {
      const given: unknown = args.arguments;
      const wanted = given === undefined ? this.#arguments : checkArguments(given);
      if (!wanted) throw new Refusal(nothingLaunched);
      const endings = this.#endings;
      return this.#motion.interrupting(async () => {
        const before = loadedSources(this.#subject).sources;
        const { debugger: target, feed } = await this.#launch(wanted, endings);
        this.#rebind();
        // Views forget the run before: of this one all is new.
        this.tell("ringside/advanced", feed.news(false));
        for (const change of sourceChanges(before, loadedSources(this.#subject).sources))
          this.tell("loadedSource", change);
        return () => this.#start(target);
      });
    },
    terminate: async () => {
      await this.#end();
      return async () => this.tell("terminated");
    },
    disconnect: async () => {
      await this.#end();
      return async () => this.shutdown();
    },
    ...timeDeeds(
      () => this.#still,
      () => this.#present.branch,
      (title, operation) => {
        const act = this.#anywhere(title, operation);
        this.#departs();
        return act;
      },
    ),
    // Also while the guest runs: a click on an event stops it.
    "ringside/goToEvent": ({ sequence }) =>
      this.#motion.interrupting(() => {
        const halt = this.#movable.goToEvent(sequence);
        if (!halt) throw new Refusal(`Event ${sequence} is not in the recorded past.`);
        return this.#travel(halt);
      }),
    "ringside/toExit": ({ direction }) => {
      if (direction === "next") {
        const act = this.#forward((target) => target.toNextExit());
        this.#departs();
        return act;
      }
      const halt = this.#movable.toPreviousExit();
      if (!halt) throw new Refusal("There is no VM exit before this moment.");
      return this.#travel(halt);
    },
  };
}
