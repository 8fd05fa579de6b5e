import { parameterInvalid } from '../errors.js';

/**
 * Refuses fields that the emulator knows and does nothing with, rather than let a client believe that they took effect.
 * Empty and false ones ask for nothing.
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
