import { describeValue, invalidArgument } from '../src/toolkit/index.js';
import { GatewayError } from './problems.js';
import { conversationRoutes } from './routes/conversation-routes.js';
import { deviceRoutes } from './routes/device-routes.js';
import { memberRoutes } from './routes/member-routes.js';
import { messageRoutes } from './routes/message-routes.js';
import type { Route } from './routes/route.js';

/** A route, and the parameters in the path of the request. */
export interface Match<M> {
  readonly route: Route<M>;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the route of a request. */
export class Router<M> {
  readonly #basePath: string;
  readonly #routes: readonly { readonly route: Route<M>; readonly segments: readonly string[] }[];

  constructor(basePath: string) {
    this.#basePath = basePath;
    const routes = [...messageRoutes<M>(), ...memberRoutes<M>(), ...conversationRoutes<M>(), ...deviceRoutes<M>()];
    this.#routes = routes.map((route) => ({ route, segments: route.path.split('/') }));
  }

  find(method: string, { pathname }: URL): Match<M> {
    const path = pathname.startsWith(`${this.#basePath}/`) ? pathname.slice(this.#basePath.length) : '';
    const parts = path.split('/');
    const fitting = this.#routes.filter(({ segments }) => fits(segments, parts));
    const found = fitting.find(({ route }) => route.method === method);
    if (found) return { route: found.route, params: parameters(found.segments, parts) };
    if (fitting.length === 0) throw new GatewayError('GATEWAY_NO_ROUTE', `there is no ${describeValue(pathname)}`);
    const allow = fitting.map(({ route }) => route.method).join(', ');
    throw new GatewayError('GATEWAY_METHOD_NOT_ALLOWED', `${describeValue(pathname)} takes ${allow}`, { allow });
  }
}

function fits(segments: readonly string[], parts: readonly string[]): boolean {
  return (
    segments.length === parts.length &&
    segments.every((segment, i) => (segment.startsWith(':') ? parts[i] !== '' : segment === parts[i]))
  );
}

function parameters(segments: readonly string[], parts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    segments.flatMap((segment, i) => (segment.startsWith(':') ? [[segment.slice(1), decoded(parts[i] ?? '')]] : [])),
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidArgument('path', `must be encoded by encodeURIComponent, unlike ${describeValue(part)}`);
  }
}
