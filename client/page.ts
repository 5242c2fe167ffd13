import * as vscode from "vscode";

interface Page {
  /** Of the bundle. */
  readonly name: string;
  /** Of a view in the panel, for who hears the page and does not see the panel's tab; undefined: an editor, which has a title itself. */
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
<body style="--surface: var(${title === undefined ? "--vscode-editor-background" : "--vscode-panel-background"}, var(--vscode-editor-background))"><main data-view="${name}">${title === undefined ? "" : `<h1 class="unseen">${title}</h1>`}<div id="view"></div></main><script src="${script}"></script></body>
</html>`;
}
