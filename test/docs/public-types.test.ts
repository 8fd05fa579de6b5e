import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const entryPoints = [...read('tsup.config.ts').matchAll(/'([\w/-]+\/index\.ts)'/g)].map((match) => match[1] as string);
const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  skipLibCheck: true,
  types: [],
};

const program = ts.createProgram(
  entryPoints.map((path) => join(root, path)),
  options,
);
const checker = program.getTypeChecker();

/** A public name, or a member as `Type.member`. A union has a member for each of its types. */
interface Documented {
  readonly name: string;
  readonly comment: string;
}

function documentation(path: string): Documented[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, path))!)!;
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const members = membersOf(symbol).filter(isPublic);
    return [
      documented(symbol.name, symbol),
      ...members.map((member) => documented(`${symbol.name}.${member.name}`, member)),
    ];
  });
}

function documented(name: string, symbol: ts.Symbol): Documented {
  return { name, comment: ts.displayPartsToString(symbol.getDocumentationComment(checker)) };
}

/** Inherited members are included, as a user sees them. */
function membersOf(symbol: ts.Symbol): ts.Symbol[] {
  if (!(symbol.flags & ts.SymbolFlags.Type)) return [];
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  const shapes = ts.TypeFlags.Object | ts.TypeFlags.Intersection;
  return (type.isUnion() ? type.types : [type])
    .filter(({ flags }) => flags & shapes)
    .flatMap((part) => checker.getPropertiesOfType(part));
}

/** Members that no caller can name, and those of TypeScript's and Node's own types, need no comment here. */
function isPublic({ name, declarations = [] }: ts.Symbol): boolean {
  if (/^(?:__|#)/.test(name)) return false;
  return declarations.some((declaration) => !declaration.getSourceFile().fileName.includes('/node_modules/'));
}

it('every entry point of the package is looked at', () => {
  const { exports }: { exports: Record<string, unknown> } = JSON.parse(read('package.json'));
  const published = Object.keys(exports).filter((path) => path !== './package.json');
  expect(entryPoints).toHaveLength(published.length);
});

it.each(entryPoints)('%s: every public name and member has a doc comment that begins with a verb or a noun', (path) => {
  const names = documentation(path);
  expect(names.length).toBeGreaterThan(1);
  const lacking = names.filter(({ comment }) => comment === '' || /^(?:What|Who|Whether)\b/.test(comment));
  expect(lacking.map(({ name }) => name)).toEqual([]);
});
