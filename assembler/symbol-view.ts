import type { SymbolDefinition } from "./interface.ts";

type Definitions = ReadonlyMap<string, SymbolDefinition>;

/** A map that finds single symbols at once, and makes the list of all when someone asks for it. */
export class SymbolView implements Definitions {
  private readonly find: (name: string) => SymbolDefinition | undefined;
  private readonly list: () => Definitions;
  private made: Definitions | undefined;

  constructor(find: (name: string) => SymbolDefinition | undefined, list: () => Definitions) {
    this.find = find;
    this.list = list;
  }

  private get all(): Definitions {
    this.made ??= this.list();
    return this.made;
  }

  get(name: string): SymbolDefinition | undefined {
    return this.made ? this.made.get(name) : this.find(name);
  }
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }
  get size(): number {
    return this.all.size;
  }
  forEach(visit: (value: SymbolDefinition, key: string, map: Definitions) => void): void {
    this.all.forEach((value, key) => {
      visit(value, key, this);
    });
  }
  entries(): MapIterator<[string, SymbolDefinition]> {
    return this.all.entries();
  }
  keys(): MapIterator<string> {
    return this.all.keys();
  }
  values(): MapIterator<SymbolDefinition> {
    return this.all.values();
  }
  [Symbol.iterator](): MapIterator<[string, SymbolDefinition]> {
    return this.all.entries();
  }
}
