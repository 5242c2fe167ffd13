import { limits } from "./limits.ts";

/** An open context of `%push`. */
interface Context {
  name: string | undefined;
  /** Makes its `%$` symbols differ from those of any other context. */
  readonly unique: number;
}

/** The stack of `%push`, `%pop` and `%repl`. */
export class ContextStack {
  private readonly open: Context[] = [];

  get top(): Context | undefined {
    return this.open.at(-1);
  }

  /** What is wrong, or undefined. */
  push(name: string | undefined, unique: number): string | undefined {
    if (this.open.length >= limits.contexts) return `More than ${limits.contexts} contexts are open here.`;
    this.open.push({ name, unique });
    return undefined;
  }

  pop(name: string | undefined): string | undefined {
    const { top } = this;
    if (!top) return "There is no context to close: %push opens one.";
    if (name !== undefined && top.name !== name) return `The innermost context is “${top.name ?? ""}”, not “${name}”.`;
    this.open.pop();
    return undefined;
  }

  replace(name: string | undefined): string | undefined {
    if (!this.top) return "There is no context to rename: %push opens one.";
    this.top.name = name;
    return undefined;
  }

  /** The full name of `%$name`, or with levels more dollars that of a context further out. */
  fullName(name: string, level: number): string | undefined {
    const context = this.open.at(-1 - level);
    return context && `..@${context.unique}.${name}`;
  }
}
