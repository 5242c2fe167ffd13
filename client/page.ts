import * as vscode from "vscode";

interface Page {
  /** Of the bundle. */
  readonly name: string;
  /** For who hears the page, and does not see what VS Code writes above it; undefined if the page has one itself. */
  readonly title: string | undefined;
}

/** Makes a webview one of the bundled pages, with nothing but that allowed. */
export function showPage(webview: vscode.Webview, extension: vscode.Uri, { name, title }: Page): void {
  const dist = vscode.Uri.joinPath(extension, "dist");
  webview.options = { enableScripts: true, localResourceRoots: [dist] };
  const script = webview.asWebviewUri(vscode.Uri.joinPath(dist, `${name}.js`));
  webview.html = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src ${webview.cspSource};">
<title>${title ?? "Ringside"}</title>
</head>
<body><main data-view="${name}">${title === undefined ? "" : `<h1 class="unseen">${title}</h1>`}<div id="view"></div></main><script src="${script}"></script></body>
</html>`;
}
