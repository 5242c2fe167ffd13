/** What of a key press decides what is typed. */
export type KeyPress = Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "shiftKey" | "metaKey">;

/** Keys without a character, as `ringside/input` names them. */
const names: Readonly<Record<string, string>> = {
  Enter: "enter",
  Backspace: "backspace",
  Escape: "esc",
  Tab: "tab",
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
  Home: "home",
  End: "end",
  PageUp: "pageup",
  PageDown: "pagedown",
  Insert: "insert",
  Delete: "delete",
};

/**
 * What a key press types on the guest's keyboard. Undefined: it is not for the guest: function keys and the like belong to VS Code,
 * Shift with Tab leaves the screen.
 */
export function typed({ key, ctrlKey, altKey, shiftKey, metaKey }: KeyPress): string | undefined {
  if (metaKey || (ctrlKey && shiftKey) || (key === "Tab" && shiftKey)) return undefined;
  const name = names[key];
  const character = [...key].length === 1;
  if (!name && !character) return undefined;
  const held = [ctrlKey && "ctrl", altKey && "alt", shiftKey && name && "shift"].filter(Boolean);
  if (!name && held.length === 0) return key === "{" ? "{{" : key;
  const last = name ?? (key === " " ? "space" : key.toLowerCase());
  return `{${[...held, last].join("+")}}`;
}
