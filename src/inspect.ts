/** The method that `util.inspect` and `console.log` call. */
export const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * Returns an object that `util.inspect` shows as `Name { field: value }`.
 *
 * @example
 * inspected('Timeline', { id: 'group:42' }); // Timeline { id: 'group:42' }
 */
export function inspected(name: string, fields: object): object {
  const Shown = { [name]: class {} }[name] as new () => object;
  return Object.assign(new Shown(), fields);
}
