import { TcpProxy } from '../../test/support/tcp-proxy.js';

/**
 * A network for each client. Each works for `cutMs`, then is cut for `cutMs`, and so on, at other times than others. Of
 * its cuts, every other one ends the connections; the rest let them stand without a byte, until they end with the cut.
 * New connections meanwhile end the same way.
 */
export class FailingNetwork {
  readonly #proxies: readonly TcpProxy[];
  readonly #timers = new Map<TcpProxy, ReturnType<typeof setTimeout>>();
  cuts = 0;

  private constructor(proxies: readonly TcpProxy[]) {
    this.#proxies = proxies;
  }

  static async start(clients: number, port: number): Promise<FailingNetwork> {
    return new FailingNetwork(await Promise.all(Array.from({ length: clients }, () => TcpProxy.start(port))));
  }

  urlOf(client: number): string {
    return `http://127.0.0.1:${this.#proxies[client]?.port}`;
  }

  /** New connections go to these ports, as a load balancer would lead them. */
  leadTo(ports: readonly number[]): void {
    if (ports.length === 0) return;
    for (const [i, proxy] of this.#proxies.entries()) proxy.leadTo(ports[i % ports.length] as number);
  }

  startCutting(cutMs: number): void {
    for (const [i, proxy] of this.#proxies.entries()) {
      let turn = i;
      const cut = () => {
        this.cuts++;
        if (turn++ % 2 === 0) proxy.refuse();
        else proxy.silence();
        this.#timers.set(proxy, setTimeout(restore, cutMs));
      };
      const restore = () => {
        restored(proxy);
        this.#timers.set(proxy, setTimeout(cut, cutMs));
      };
      this.#timers.set(proxy, setTimeout(cut, cutMs + (2 * cutMs * i) / this.#proxies.length));
    }
  }

  /** From here on it works. */
  stopCutting(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const proxy of this.#proxies) restored(proxy);
  }

  async close(): Promise<void> {
    this.stopCutting();
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
  }
}

function restored(proxy: TcpProxy): void {
  proxy.heal();
  proxy.closeSilent();
}
