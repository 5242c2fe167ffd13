/** Text of students in messages: on one line, without anything that a terminal or a reader's eye could take for something else. */

const most = 160;

const escaped = (character: string): string => {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
};

/** Control characters, marks of direction and the like, and lone surrogates, as escapes. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, escaped);

/** In quotation marks, shortened at its end, or at both ends around the place `at`. */
export function quoted(text: string, at = 0): string {
  const from = at < most / 2 ? 0 : at - most / 4;
  const part = text.slice(from, from + most);
  return `“${from > 0 ? "…" : ""}${plain(part)}${from + most < text.length ? "…" : ""}”`;
}

/** The first few of a list. */
export const listed = (names: readonly string[], few = 12): string =>
  names.length <= few ? names.join(", ") : `${names.slice(0, few).join(", ")} and ${names.length - few} more`;
