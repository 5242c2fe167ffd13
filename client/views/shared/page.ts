import base from "./base.css";

/** Where "/" is a character like others; at other controls, such as the time's, it leads to the filter. */
const texts = "input:not([type]), input[type=text], input[type=search], input[type=number], textarea";

/** Gives the page its styles, lets "/" go to its filter, and finds where the view goes. */
export function openPage(css: string): HTMLElement {
  const style = document.createElement("style");
  style.textContent = base + css;
  document.head.append(style);
  window.addEventListener("keydown", (event) => {
    const filter = document.getElementById("filter");
    if (event.key !== "/" || !filter || document.activeElement?.matches(texts)) return;
    event.preventDefault();
    filter.focus();
  });
  return document.getElementById("view") as HTMLElement;
}
