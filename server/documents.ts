import { TextDocument } from "vscode-languageserver-textdocument";
import {
  type AssembleOptions,
  type Assembly,
  assembleFetching,
  FetchingAssembler,
  type FileBytes,
  type FileText,
} from "../assembler/index.ts";
import { baseName, fileKey, resolve } from "../assembler/location.ts";
import type { MeasuredRun } from "../isa/measurement.ts";
import { type Technique, techniqueById } from "../isa/technique.ts";
import type { LineOf } from "./diagnostics/suppression.ts";
import type { Host } from "./host.ts";
import type { MachineTechnique } from "./machine-files.ts";
import { Measurement } from "./measurement.ts";
import type { Work } from "./progress.ts";
import { defaultSettings, type Settings } from "./settings.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const lineText = (document: TextDocument, line: number): string =>
  document.getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } });

/** A document as assembled, with the technique its diagnostics assume and where that comes from. */
export interface Analysis {
  readonly assembly: Assembly;
  readonly technique: Technique | undefined;
  readonly from: string;
  readonly lineOf: LineOf;
  /** Where the pages of docs/ can be opened, a URI that ends with a slash; undefined if the client has not said. */
  readonly documentation: string | undefined;
  /** What the last run of the program measured; undefined if there was none. */
  readonly measurement: Measurement | undefined;
}

/** The open documents and what they assemble to, each worked out once per version. */
export class Documents {
  readonly #open: (uri: string) => TextDocument | undefined;
  readonly #readBytes: Host["readBytes"];
  /** Files that are included but not open; `null` where there is none. */
  readonly #fetched = new Map<string, Exclude<FileBytes, undefined> | null>();
  readonly #analyses = new Map<string, { version: number; analysis: Promise<Analysis> }>();
  /** The files that a document includes or would include if they were there, by its URI. */
  readonly #included = new Map<string, Set<string>>();
  /** Each follows the edits of one document, as long as no file that it includes changes. */
  readonly #assemblers = new Map<string, FetchingAssembler>();
  readonly #work: Work | undefined;
  readonly #choices = new Map<string, string>();
  /** By the program's `fileKey`. */
  readonly #runs = new Map<string, MeasuredRun>();
  settings: Settings = defaultSettings;
  documentation: string | undefined;
  /** What machine files say of their programs, by `fileKey`. */
  machines: ReadonlyMap<string, MachineTechnique> = new Map();
  /** Of the folders that have their own, by URI. */
  folderSettings: ReadonlyMap<string, Settings> = new Map();

  constructor(open: (uri: string) => TextDocument | undefined, readBytes: Host["readBytes"], work?: Work) {
    this.#work = work;
    this.#open = open;
    this.#readBytes = readBytes;
  }

  /** A technique picked for one document; undefined takes it back. */
  choose(uri: string, technique: string | undefined): void {
    if (technique === undefined) this.#choices.delete(uri);
    else this.#choices.set(uri, technique);
    this.#analyses.delete(uri);
  }

  /** A program has run; it is shown from now on. Gives the open documents that it is about. */
  ran(run: MeasuredRun): string[] {
    this.#runs.set(fileKey(run.program), run);
    const uris = [...this.#analyses.keys()].filter((uri) => fileKey(uri) === fileKey(run.program));
    for (const uri of uris) this.#analyses.delete(uri);
    return uris;
  }

  /** The settings for a file: those of the innermost folder around it. */
  settingsOf(uri: string): Settings {
    const [folder] = [...this.folderSettings.keys()]
      .filter((one) => uri.startsWith(one.endsWith("/") ? one : `${one}/`))
      .sort((a, b) => b.length - a.length);
    return (folder !== undefined && this.folderSettings.get(folder)) || this.settings;
  }

  /** The settings changed: everything is worked out anew. */
  invalidate(): void {
    this.#analyses.clear();
    this.#assemblers.clear();
  }

  /** A file changed: what includes it is worked out anew. Gives those documents. */
  changed(file: string): string[] {
    this.#fetched.delete(file);
    this.#analyses.delete(file);
    const stale = this.includers(file);
    for (const uri of stale) {
      this.#analyses.delete(uri);
      this.#assemblers.delete(uri);
    }
    return stale;
  }

  /** Any file may have changed: those that are not open are read again. Gives the documents that include one. */
  refetch(): string[] {
    return [...new Set([...this.#fetched.keys()].flatMap((file) => this.changed(file)))];
  }

  /** From here on the file on disk counts. Gives the documents that include it. */
  close(uri: string): string[] {
    this.#analyses.delete(uri);
    this.#assemblers.delete(uri);
    this.#included.delete(uri);
    return this.changed(uri);
  }

  /** What is kept for following edits of a program is not needed; what it includes stays known. */
  release(uri: string): void {
    this.#analyses.delete(uri);
    this.#assemblers.delete(uri);
  }

  analysis(document: TextDocument): Promise<Analysis> {
    const known = this.#analyses.get(document.uri);
    if (known?.version === document.version) return known.analysis;
    const analysis = this.#analyse(document);
    this.#analyses.set(document.uri, { version: document.version, analysis });
    return analysis;
  }

  async #analyse(document: TextDocument): Promise<Analysis> {
    const assembly = await this.#assemble(document);
    const lineOf: LineOf = (file, line) =>
      file === document.uri ? lineText(document, line) : this.#lineOf(file, line);
    const run = this.#runs.get(fileKey(document.uri));
    return {
      ...{ assembly, lineOf, documentation: this.documentation },
      ...this.#technique(document.uri, assembly),
      measurement: run && new Measurement(run, lineOf),
    };
  }

  /** Of an included file. */
  #lineOf(file: string, line: number): string | undefined {
    return this.textOf(file)?.split(/\r\n|\n|\r/)[line];
  }

  #technique(uri: string, assembly: Assembly): Pick<Analysis, "technique" | "from"> {
    const machine = this.machines.get(fileKey(uri));
    const said: readonly (readonly [string | null | undefined, string])[] = [
      [this.#choices.get(uri), "Chosen for this file"],
      [assembly.settings.technique, "From %pragma ringside technique in the source"],
      [machine?.technique, machine?.from ?? ""],
      [this.settingsOf(uri).technique, "From the setting ringside.technique"],
    ];
    for (const [id, from] of said) {
      const technique = techniqueById(id ?? "");
      if (technique) return { technique, from };
    }
    return { technique: undefined, from: "The default; instructions are flagged for every technique they break under" };
  }

  async #assemble(document: TextDocument): Promise<Assembly> {
    const { uri } = document;
    const assembler = this.#assemblers.get(uri) ?? this.#assembler(uri);
    const assembly = await assembler.assemble(document.getText());
    this.#work?.end(uri);
    const how = assembler.followed ? "the edit was followed" : "assembled from the beginning";
    this.#work?.trace(`${baseName(uri)}, version ${document.version}: ${how}.`);
    return assembly;
  }

  #assembler(uri: string): FetchingAssembler {
    const included = new Set<string>();
    this.#included.set(uri, included);
    const { includePaths } = this.settingsOf(uri);
    const assembler = new FetchingAssembler(
      { file: uri, includePaths },
      {
        atHand: (file) => {
          included.add(file);
          return this.#atHand(file);
        },
        bytesAtHand: (file) => {
          included.add(file);
          return this.#fetched.get(file);
        },
        fetch: (file) => this.#fetch(file),
        pause: async () => this.#work?.pause(uri),
      },
    );
    this.#assemblers.set(uri, assembler);
    return assembler;
  }

  #atHand(file: string): Exclude<FileText, undefined> | null | undefined {
    const known = this.#fetched.get(file);
    return this.#open(file)?.getText() ?? (known instanceof Uint8Array ? decoder.decode(known) : known);
  }

  async #fetch(file: string): Promise<void> {
    this.#fetched.set(file, (await this.#readBytes(file)) ?? null);
  }

  /** The text of a file of a program that was analysed. */
  textOf(file: string): string | undefined {
    const text = this.#atHand(file);
    return typeof text === "string" ? text : undefined;
  }

  /** Whether a file was found when a program was analysed. */
  isThere(file: string): boolean {
    return this.#open(file) !== undefined || this.#fetched.get(file) instanceof Uint8Array;
  }

  /** A document that is open, or a file as it is on disk; undefined if there is none. */
  async document(uri: string): Promise<TextDocument | undefined> {
    const open = this.#open(uri);
    if (open) return open;
    if (!this.#fetched.has(uri)) await this.#fetch(uri);
    const text = this.textOf(uri);
    return text === undefined ? undefined : TextDocument.create(uri, "ringside", 0, text);
  }

  /** What the program is assembled from, as long as its files are at hand. */
  optionsOf(uri: string): AssembleOptions {
    return {
      file: uri,
      text: this.textOf(uri) ?? "",
      includePaths: this.settingsOf(uri).includePaths.map((folder) => resolve(`${folder}/`, uri)),
      read: (name, from) => {
        const file = resolve(name, from);
        const text = this.textOf(file);
        return text === undefined ? undefined : { file, text };
      },
      readBytes: (name, from) => {
        const file = resolve(name, from);
        const bytes = this.#fetched.get(file);
        return bytes instanceof Uint8Array ? { file, bytes } : (bytes ?? undefined);
      },
    };
  }

  /** What a program would be if some of its files had other texts. */
  assembled(uri: string, texts: ReadonlyMap<string, string>): Promise<Assembly> {
    const { includePaths } = this.settingsOf(uri);
    return assembleFetching(
      { file: uri, text: texts.get(uri) ?? this.textOf(uri) ?? "", includePaths },
      {
        atHand: (file) => texts.get(file) ?? this.#atHand(file),
        bytesAtHand: (file) => this.#fetched.get(file),
        fetch: (file) => this.#fetch(file),
      },
    );
  }

  /** The open documents that include a file, or look for it. */
  includers(file: string): string[] {
    return [...this.#included].filter(([, files]) => files.has(file)).map(([uri]) => uri);
  }
}
