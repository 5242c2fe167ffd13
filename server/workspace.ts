import { baseName, resolve } from "../assembler/location.ts";
import { type Host, isMachineFile } from "./host.ts";

const included = /^[ \t]*%[ \t]*(?:include|require)[ \t]+(["'`])(.*?)\1/gim;
const decoder = new TextDecoder();

/** The sources in the folders that are open in the editor, and which of them include which. */
export class Workspace {
  readonly #host: Host;
  readonly #openText: (uri: string) => string | undefined;
  #folders: readonly string[] = [];
  #sources: Promise<readonly string[]> | undefined;
  readonly #includes = new Map<string, { readonly text: string; readonly names: ReadonlySet<string> }>();
  readonly #texts = new Map<string, Promise<string>>();

  constructor(host: Host, openText: (uri: string) => string | undefined) {
    this.#host = host;
    this.#openText = openText;
  }

  get folders(): readonly string[] {
    return this.#folders;
  }

  set folders(folders: readonly string[]) {
    this.#folders = folders;
    this.#sources = undefined;
  }

  /** A file was made, changed or deleted. */
  changed(uri: string): void {
    this.#texts.delete(uri);
    this.#sources = undefined;
  }

  /** Any file may have been made, changed or deleted. */
  forget(): void {
    this.#texts.clear();
    this.#sources = undefined;
  }

  #listed(): Promise<readonly string[]> {
    this.#sources ??= this.#folders.length > 0 ? this.#host.listSources(this.#folders) : Promise.resolve([]);
    return this.#sources;
  }

  async sources(): Promise<readonly string[]> {
    return (await this.#listed()).filter((uri) => !isMachineFile(uri));
  }

  async machineFiles(): Promise<readonly string[]> {
    return (await this.#listed()).filter(isMachineFile);
  }

  /** The text of a source; empty if it cannot be read. */
  async text(uri: string): Promise<string> {
    const open = this.#openText(uri);
    if (open !== undefined) return open;
    const known = this.#texts.get(uri) ?? this.#read(uri);
    this.#texts.set(uri, known);
    return known;
  }

  async #read(uri: string): Promise<string> {
    const bytes = await this.#host.readBytes(uri);
    return bytes instanceof Uint8Array ? decoder.decode(bytes) : "";
  }

  /** The names of the files that a source includes, without their folders; looked for once in each text. */
  async #includesOf(uri: string): Promise<ReadonlySet<string>> {
    const text = await this.text(uri);
    const known = this.#includes.get(uri);
    if (known?.text === text) return known.names;
    const names = new Set([...text.matchAll(included)].map((match) => baseName(resolve(match[2]!, uri))));
    this.#includes.set(uri, { text, names });
    return names;
  }

  /** The sources that no other source includes: each is a program. */
  async programs(): Promise<string[]> {
    const sources = await this.sources();
    const wanted = new Set<string>();
    for (const uri of sources) for (const name of await this.#includesOf(uri)) wanted.add(name);
    return sources.filter((uri) => !wanted.has(baseName(uri)) && !/\.inc$/i.test(uri));
  }

  /** The sources that may include a file, directly or by others: they include one of its name. */
  async includers(file: string): Promise<string[]> {
    const includes = new Map<string, ReadonlySet<string>>();
    for (const uri of await this.sources()) includes.set(uri, await this.#includesOf(uri));
    const found = new Set<string>();
    const wanted = [file];
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop())
      for (const [uri, names] of includes)
        if (names.has(baseName(next)) && uri !== file && !found.has(uri)) {
          found.add(uri);
          wanted.push(uri);
        }
    return [...found];
  }
}
