/** The colours of VS Code's theme as a canvas needs them. */
export interface Theme {
  readonly text: string;
  readonly quiet: string;
  readonly background: string;
  readonly focus: string;
  readonly grid: string;
  readonly red: string;
  readonly vm: Readonly<Record<"blue" | "orange" | "green" | "purple" | "yellow", string>>;
  readonly font: string;
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const colour = (name: string, otherwise = "gray"): string =>
    style.getPropertyValue(`--vscode-${name}`).trim() || otherwise;
  const chart = (name: string): string => colour(`charts-${name}`);
  return {
    text: colour("foreground"),
    quiet: colour("descriptionForeground"),
    background: colour("panel-background", colour("editor-background", "Canvas")),
    focus: colour("focusBorder"),
    grid: colour("charts-lines", colour("descriptionForeground")),
    red: chart("red"),
    vm: {
      blue: chart("blue"),
      orange: chart("orange"),
      green: chart("green"),
      purple: chart("purple"),
      yellow: chart("yellow"),
    },
    font: colour("font-family", "sans-serif"),
  };
}
