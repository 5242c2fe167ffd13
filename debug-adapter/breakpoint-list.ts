import { fileKey } from "../assembler/location.ts";
import { type Breakpoint, bind, type Realm, type Wish } from "./breakpoints.ts";

/** All breakpoints of a session. A client always sends a whole list: of one file, of all labels, of all addresses. */
export class BreakpointList {
  readonly #lists = new Map<string, readonly Breakpoint[]>();
  #nextId = 1;

  get all(): readonly Breakpoint[] {
    return [...this.#lists.values()].flat();
  }

  /** Replaces the list that `key` names. A wish that was in it before keeps its number and its hits. */
  #replace(key: string, realm: Realm, wishes: readonly Wish[]): readonly Breakpoint[] {
    const old = new Map((this.#lists.get(key) ?? []).map((breakpoint) => [identity(breakpoint.wish), breakpoint]));
    const list = wishes.map((wish) => old.get(identity(wish)) ?? bind(realm, wish, this.#nextId++));
    this.#lists.set(key, list);
    return list;
  }

  setLines(realm: Realm, file: string, wishes: readonly Wish[]): readonly Breakpoint[] {
    return this.#replace(`file ${fileKey(file)}`, realm, wishes);
  }

  setLabels(realm: Realm, wishes: readonly Wish[]): readonly Breakpoint[] {
    return this.#replace("labels", realm, wishes);
  }

  setAddresses(realm: Realm, wishes: readonly Wish[]): readonly Breakpoint[] {
    return this.#replace("addresses", realm, wishes);
  }

  setData(realm: Realm, wishes: readonly Wish[]): readonly Breakpoint[] {
    return this.#replace("data", realm, wishes);
  }

  /** Binds all anew, to programs that were assembled again. */
  rebind(realm: Realm): readonly Breakpoint[] {
    for (const [key, list] of this.#lists)
      this.#lists.set(
        key,
        list.map(({ wish, id }) => bind(realm, wish, id)),
      );
    return this.all;
  }
}

const identity = (wish: Wish): string =>
  JSON.stringify(wish, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
