import { pathToFileURL } from 'node:url';

// CommonJS has no import.meta. tsup's own shim joins `file:` and the path, which breaks in folders with # or % in their
// name. A call marked as pure, because esbuild keeps any other initialiser in files that do not use it.
const urlOfThisFile = () => pathToFileURL(__filename).href;

export const importMetaUrl = /* @__PURE__ */ urlOfThisFile();
