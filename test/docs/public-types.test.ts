import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const entryPoints = ['src/index.ts', 'testing/index.ts', 'emulator/index.ts'];
const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  skipLibCheck: true,
  types: [],
};

/** Lists exported names, and their members as `Type.member`, with their doc comments. */
function documentation(): Map<string, string> {
  const program = ts.createProgram(
    entryPoints.map((path) => join(root, path)),
    options,
  );
  const checker = program.getTypeChecker();
  const comments = new Map<string, string>();
  const add = (name: string, symbol: ts.Symbol) =>
    comments.set(name, ts.displayPartsToString(symbol.getDocumentationComment(checker)));
  for (const path of entryPoints) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, path))!)!;
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      add(symbol.name, symbol);
      for (const member of symbol.members?.values() ?? []) {
        const isPublic = !member.name.startsWith('__') && !(member.flags & ts.SymbolFlags.TypeParameter);
        if (isPublic) add(`${symbol.name}.${member.name}`, member);
      }
    }
  }
  return comments;
}

it('every public name and member has a doc comment that begins with a verb or a noun', () => {
  const comments = documentation();
  expect(comments.size).toBeGreaterThan(300);
  const lacking = [...comments].filter(([, text]) => text === '' || /^(?:What|Who|Whether)\b/.test(text));
  expect(lacking.map(([name]) => name)).toEqual([]);
});
