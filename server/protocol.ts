/** What Ringside adds to the Language Server Protocol, as types and names. */
import type { FileBytes } from "../assembler/index.ts";
import type { MeasuredRun } from "../isa/measurement.ts";
import type { TechniqueId } from "../isa/technique.ts";

/** Client to server: the technique chosen for a document; `null` takes the choice back. */
export const chooseTechnique = "ringside/chooseTechnique";
export interface TechniqueChoice {
  readonly uri: string;
  readonly technique: TechniqueId | null;
}

/** Server to client: the technique that now applies to a document, and where it comes from in a sentence. */
export const techniqueInForce = "ringside/techniqueInForce";
export interface TechniqueInForce {
  readonly uri: string;
  readonly technique: TechniqueId;
  readonly from: string;
}

/** Client to server: what a run of a program measured; it takes the place of the run before. */
export const measured = "ringside/measured";
export type Measured = MeasuredRun;

/** Server to client, where the server cannot read files itself: asks for the bytes of a file. */
export const readFile = "ringside/readFile";
export interface FileWanted {
  readonly uri: string;
}
/** Messages have no undefined: null is a file that does not exist. Between workers, bytes stay bytes. */
export type FileAnswer = Exclude<FileBytes, undefined> | null;

/** Documents that are made of a program: schemes of `workspace/textDocumentContent`. The program's URI is the query. */
export const virtualKinds = ["ringside-listing", "ringside-preprocessed", "ringside-disassembly"] as const;
export type VirtualKind = (typeof virtualKinds)[number];

/** Server to client, where the server cannot read folders itself: asks for the sources in the workspace. */
export const listSources = "ringside/listSources";
/** Their URIs, at most as many as asked for. */
export interface SourcesWanted {
  readonly most: number;
}

/** Client to server, when it starts. */
export interface InitializationOptions {
  /** Where the pages of docs/ can be opened: a URI that ends with a slash. Problems then link to their explanation. */
  readonly documentation?: string;
}
