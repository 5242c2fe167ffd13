/** Escape sequences of ECMA-48 (SGR) for output of ours; what a guest prints is left as it is. */
const styles = { error: "31", warning: "33", note: "36" } as const;

/** A text in a style, line by line, for a client that shows styles; for others the text itself. */
export const styled = (shown: boolean | undefined, style: keyof typeof styles, text: string): string =>
  shown ? text.replaceAll(/^.+$/gm, (line) => `\u001b[${styles[style]}m${line}\u001b[0m`) : text;
