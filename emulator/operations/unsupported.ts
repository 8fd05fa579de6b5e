import { parameterInvalid } from '../errors.js';

/**
 * Refuses known fields without effect, so that no client believes they took effect. Ignores empty and false ones.
 * @throws ServiceError that names the first such field
 */
export function refuseUnsupported<M extends object>(
  operation: string,
  message: M,
  fields: readonly (keyof M & string)[],
): void {
  for (const field of fields) if (asksForSomething(message[field])) throw unsupported(operation, field);
}

export const unsupported = (operation: string, part: string) =>
  parameterInvalid(`Unsupported part of ${operation}: ${part}.`);

function asksForSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(asksForSomething);
  if (value instanceof Uint8Array) return value.length > 0;
  return value !== undefined && value !== false && value !== '';
}
