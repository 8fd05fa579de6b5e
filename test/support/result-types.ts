import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(import.meta.dirname, '../..');
const entryPoints = ['src/index.ts', 'sync/index.ts'].map((path) => join(root, path));
const program = ts.createProgram(entryPoints, {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  types: ['node'],
});
const checker = program.getTypeChecker();

/** Objects with calls; what their calls return are the results. */
export const HANDLES = ['TimelineStore', 'Timeline', 'Checkpoint', 'MessageSync', 'Device'] as const;

/** The type of each result, by call or property: `Timeline.read`. Calls that return nothing are left out. */
export function resultTypes(): Map<string, ts.Type> {
  const found = new Map<string, ts.Type>();
  const exported = entryPoints.flatMap((path) =>
    checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(path)!)!),
  );
  const named = (name: string) => exported.find((symbol) => symbol.name === name)!;
  const typeOf = (symbol: ts.Symbol) =>
    checker.getDeclaredTypeOfSymbol(symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  for (const handle of HANDLES) {
    for (const member of checker.getPropertiesOfType(typeOf(named(handle)))) {
      if (member.name.startsWith('__')) continue;
      const type = checker.getTypeOfSymbol(member);
      const result = unwrapped(type.getCallSignatures()[0]?.getReturnType() ?? type);
      const isNothing = (result.flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined | ts.TypeFlags.Never)) !== 0;
      if (!isNothing && result.getCallSignatures().length === 0 && !isHandle(result))
        found.set(`${handle}.${member.name}`, result);
    }
  }
  found.set('TimelineError', typeOf(named('TimelineError')));
  found.set('Sent.delivered', unwrapped(checker.getTypeOfSymbol(typeOf(named('Sent')).getProperty('delivered')!)));
  return found;
}

/** The properties of a result and of all within it, as `Type.name`. */
export function propertiesOf(type: ts.Type, path: string, found = new Set<string>()): Set<string> {
  for (const part of partsOf(type)) {
    for (const { key, type: inner } of fieldsOf(part, path)) {
      if (found.has(key)) continue;
      found.add(key);
      propertiesOf(inner, key, found);
    }
  }
  return found;
}

/** Compares a value with its JSON, and reports the properties that it has. Throws where the JSON is not as promised. */
export function checkJson(type: ts.Type, path: string, value: unknown, json: unknown, seen: Set<string>): void {
  if (typeof value === 'bigint') {
    if (json !== String(value)) throw new Error(`${path} is ${JSON.stringify(json)} in JSON, not "${value}"`);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) checkJson(type, path, item, (json as unknown[])[i], seen);
    return;
  }
  for (const part of partsOf(type)) {
    if (!isOf(part, value)) continue;
    for (const { name, key, type: inner } of fieldsOf(part, path)) {
      const field = (value as Record<string, unknown>)[name];
      if (field === undefined) continue;
      seen.add(key);
      if (!(field instanceof Promise)) checkJson(inner, key, field, (json as Record<string, unknown>)[name], seen);
    }
  }
}

/** `false` for a type of a union whose `kind` or `ok` is another one. */
function isOf(type: ts.Type, value: object): boolean {
  return ['kind', 'ok'].every((name) => {
    const property = type.getProperty(name);
    if (!property) return true;
    const declared = checker.getTypeOfSymbol(property);
    const texts = (declared.isUnion() ? declared.types : [declared]).map((each) => checker.typeToString(each));
    return texts.includes(JSON.stringify((value as Record<string, unknown>)[name]));
  });
}

function fieldsOf(type: ts.Type, path: string): { name: string; key: string; type: ts.Type }[] {
  return checker.getPropertiesOfType(type).flatMap((property) => {
    const declared = checker.getTypeOfSymbol(property);
    const isCall = checker.getNonNullableType(declared).getCallSignatures().length > 0;
    const isNever = (checker.getNonNullableType(declared).flags & ts.TypeFlags.Never) !== 0;
    if (isCall || isNever || property.name.startsWith('__') || !isOwn(property)) return [];
    const { parent } = property.declarations![0]!;
    const isNamed = ts.isInterfaceDeclaration(parent) || ts.isClassDeclaration(parent);
    const owner = isNamed ? parent.name?.text : path;
    return [{ name: property.name, key: `${owner}.${property.name}`, type: unwrapped(declared) }];
  });
}

/** The object types of the package that a type consists of. */
function partsOf(type: ts.Type): ts.Type[] {
  const item = unwrapped(type);
  if (item.isUnion()) return item.types.flatMap(partsOf);
  const isObject = (item.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0;
  if (!isObject || !item.symbol || isHandle(item)) return [];
  return item.symbol.declarations?.some((each) => isOurs(each)) ? [item] : [];
}

/** The items of a promise, a list or a stream. */
function unwrapped(type: ts.Type): ts.Type {
  const some = checker.getNonNullableType(type);
  const isWrapper = /^(?:Promise|Array|ReadonlyArray|AsyncIterable|Iterable)$/.test(some.symbol?.name ?? '');
  const [item] = isWrapper ? checker.getTypeArguments(some as ts.TypeReference) : [];
  return item ? unwrapped(item) : some;
}

const isHandle = (type: ts.Type) => HANDLES.some((name) => name === type.symbol?.name);
const isOurs = (node: ts.Node) => !node.getSourceFile().fileName.includes('/node_modules/');
const isOwn = ({ declarations = [] }: ts.Symbol) => declarations.some(isOurs);
