import { fileKey } from "../assembler/location.ts";
import { type Breakpoint, bind, type Wish } from "./breakpoints.ts";
import type { Program } from "./program.ts";

type Programs = ReadonlyMap<string, Program>;

/** All breakpoints of a session. A client always sends a whole list: of one file, of all labels, of all addresses. */
export class BreakpointList {
  readonly #lists = new Map<string, readonly Breakpoint[]>();
  #nextId = 1;

  get all(): readonly Breakpoint[] {
    return [...this.#lists.values()].flat();
  }

  /** Replaces the list that `key` names. A wish that was in it before keeps its number and its hits. */
  #replace(key: string, programs: Programs, wishes: readonly Wish[]): readonly Breakpoint[] {
    const old = new Map((this.#lists.get(key) ?? []).map((breakpoint) => [identity(breakpoint.wish), breakpoint]));
    const list = wishes.map((wish) => old.get(identity(wish)) ?? bind(programs, wish, this.#nextId++));
    this.#lists.set(key, list);
    return list;
  }

  setLines(programs: Programs, file: string, wishes: readonly Wish[]): readonly Breakpoint[] {
    return this.#replace(`file ${fileKey(file)}`, programs, wishes);
  }

  setLabels(programs: Programs, wishes: readonly Wish[]): readonly Breakpoint[] {
    return this.#replace("labels", programs, wishes);
  }

  setAddresses(programs: Programs, wishes: readonly Wish[]): readonly Breakpoint[] {
    return this.#replace("addresses", programs, wishes);
  }

  setData(programs: Programs, wishes: readonly Wish[]): readonly Breakpoint[] {
    return this.#replace("data", programs, wishes);
  }

  /** Binds all anew, to programs that were assembled again. */
  rebind(programs: Programs): readonly Breakpoint[] {
    for (const [key, list] of this.#lists)
      this.#lists.set(
        key,
        list.map(({ wish, id }) => bind(programs, wish, id)),
      );
    return this.all;
  }
}

const identity = (wish: Wish): string =>
  JSON.stringify(wish, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
