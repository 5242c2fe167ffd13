import base from "./base.css";

/** Gives the page its styles, lets "/" go to its filter, and finds where the view goes. */
export function openPage(css: string): HTMLElement {
  const style = document.createElement("style");
  style.textContent = base + css;
  document.head.append(style);
  window.addEventListener("keydown", (event) => {
    const filter = document.getElementById("filter");
    if (event.key !== "/" || !filter || document.activeElement instanceof HTMLInputElement) return;
    event.preventDefault();
    filter.focus();
  });
  return document.getElementById("view") as HTMLElement;
}
