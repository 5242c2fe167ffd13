import * as vscode from "vscode";
import { debugType, type Events } from "../debug-adapter/protocol.ts";
import { techniques } from "../isa/technique.ts";
import type { EventView } from "./event-tree.ts";
import { guestInEditor } from "./guest-in-editor.ts";
import type { Host } from "./host.ts";
import { lossTracker } from "./loss-tracker.ts";
import { tellLost } from "./lost-session.ts";
import type { Measurements } from "./measurements.ts";
import type { Panel } from "./panel.ts";
import { PresentItem } from "./present.ts";
import { programUri } from "./program-uri.ts";
import { StaleSources } from "./stale-sources.ts";
import type { Techniques } from "./technique.ts";

/** Fills what a launch configuration leaves open, so that F5 needs none. */
class Configurations implements vscode.DebugConfigurationProvider {
  readonly #techniques: Techniques;
  readonly #events: EventView;

  constructor(techniques: Techniques, events: EventView) {
    this.#techniques = techniques;
    this.#events = events;
  }

  resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration | undefined {
    if (configuration.type || configuration.request) return configuration;
    const uri = guestInEditor();
    if (!uri) {
      void vscode.window.showInformationMessage(
        "Open a guest (an .asm file) or a machine (a .ringside.json file) to debug it with Ringside.",
      );
      return undefined;
    }
    return { type: debugType, request: "launch", name: `Debug ${uri.path.split("/").pop()}`, program: uri.toString() };
  }

  resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration {
    if (typeof configuration["program"] !== "string") return configuration;
    const uri = programUri(configuration["program"], folder ?? vscode.workspace.workspaceFolders?.[0]);
    return {
      ...configuration,
      program: uri.scheme === "file" ? uri.fsPath : uri.toString(),
      technique: configuration["technique"] ?? this.#techniques.chosen(uri),
      fallbackTechnique: this.#techniques.fallback(uri),
      steppingOthers:
        configuration["steppingOthers"] ?? vscode.workspace.getConfiguration("ringside", uri).get("steppingOthers"),
      snapshotMemory:
        configuration["snapshotMemory"] ??
        vscode.workspace.getConfiguration("ringside", uri).get<number | null>("snapshotMemory") ??
        undefined,
      asksBeforeBranching: true,
      fallbackEventBreakpoints: this.#events.model.inForce,
      // The editor and the debugger find the same files.
      include: configuration["include"] ?? vscode.workspace.getConfiguration("ringside", uri).get("includePaths"),
    };
  }
}

/** What "Show all automatic debug configurations" lists: the guest in the editor, as it is meant to be run, and under each technique. */
const automatic: vscode.DebugConfigurationProvider = {
  provideDebugConfigurations: () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code replaces it, not we
    const plain = { type: debugType, request: "launch", name: "Debug the guest in the editor", program: "${file}" };
    return [
      plain,
      ...techniques.map(({ id, title }) => ({ ...plain, name: `${plain.name}: ${title}`, technique: id })),
    ];
  },
};

/** Registers the debugger, and tells the panel which session it shows. */
export function registerDebugging(
  context: vscode.ExtensionContext,
  host: Host,
  choice: Techniques,
  panel: Panel,
  events: EventView,
  measurements: Measurements,
): vscode.Disposable[] {
  const configurations = new Configurations(choice, events);
  const present = new PresentItem();
  const ours = (session: vscode.DebugSession | undefined) => (session?.type === debugType ? session : undefined);
  const stale = new StaleSources();
  const ended = (session: vscode.DebugSession) => {
    panel.ended(session);
    present.ended(session);
    stale.ended(session);
  };
  const lost = (session: vscode.DebugSession) => {
    ended(session);
    void tellLost(session);
  };
  return [
    present,
    stale,
    vscode.debug.registerDebugConfigurationProvider(debugType, configurations),
    vscode.debug.registerDebugConfigurationProvider(
      debugType,
      automatic,
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.debug.registerDebugAdapterDescriptorFactory(debugType, {
      createDebugAdapterDescriptor: (session) => host.debugAdapter(context, () => lost(session)),
    }),
    vscode.debug.registerDebugAdapterTrackerFactory(debugType, {
      createDebugAdapterTracker: (session) => lossTracker(() => lost(session)),
    }),
    vscode.debug.onDidStartDebugSession((session) => ours(session) && panel.show(session)),
    vscode.debug.onDidChangeActiveDebugSession((session) => ours(session) && panel.show(session!)),
    vscode.debug.onDidTerminateDebugSession(ended),
    vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
      if (!ours(session)) return;
      if (event === ("ringside/eventCounts" satisfies keyof Events)) events.counted(session, body);
      if (event === ("ringside/branching" satisfies keyof Events)) void present.branching(session, body);
      if (event !== ("ringside/advanced" satisfies keyof Events)) return;
      panel.advanced(session, body);
      present.advanced(session, body);
      void stale.advanced(session, body);
      void events.advanced(session, body);
      void measurements.advanced(session, body);
    }),
  ];
}
