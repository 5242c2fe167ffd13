import * as vscode from "vscode";

/** Makes a webview one of the bundled pages, with nothing but that allowed. */
export function showPage(webview: vscode.Webview, extension: vscode.Uri, name: string): void {
  const dist = vscode.Uri.joinPath(extension, "dist");
  webview.options = { enableScripts: true, localResourceRoots: [dist] };
  const script = webview.asWebviewUri(vscode.Uri.joinPath(dist, `${name}.js`));
  webview.html = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src ${webview.cspSource};">
<title>Ringside</title>
</head>
<body><main id="view"></main><script src="${script}"></script></body>
</html>`;
}
