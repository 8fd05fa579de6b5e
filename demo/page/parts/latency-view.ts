/** The strip of times from a send to the screen of another device, a bar for each message. */
import type { Latency } from '../counting/latency.js';
import { h, setText } from '../dom.js';
import { durationText } from '../words.js';

const BAR = 3;
const STEP = 5;
const HEIGHT = 26;

export class LatencyView {
  readonly element: HTMLElement;
  readonly #canvas = h('canvas', { 'aria-hidden': 'true' });
  readonly #quantiles = h('span', { class: 'quantiles' });

  constructor() {
    const heading = h('p', { class: 'heading' }, h('span', {}, 'Send to screen'), this.#quantiles);
    this.element = h('div', { class: 'latency' }, heading, this.#canvas);
  }

  update(latency: Latency, hasServer: boolean): void {
    const quantiles = latency.quantiles();
    const known = quantiles && `p50 ${durationText(quantiles.p50)} · p99 ${durationText(quantiles.p99)}`;
    setText(this.#quantiles, hasServer ? (known ?? '–') : 'no server');
    this.#draw(latency, hasServer);
  }

  #draw(latency: Latency, hasServer: boolean): void {
    const width = this.#canvas.clientWidth;
    const context = this.#canvas.getContext('2d');
    if (width === 0 || context === null) return;
    const scale = devicePixelRatio;
    if (this.#canvas.width !== Math.round(width * scale)) this.#canvas.width = Math.round(width * scale);
    if (this.#canvas.height !== HEIGHT * scale) this.#canvas.height = HEIGHT * scale;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    const colours = getComputedStyle(document.documentElement);
    const room = hasServer ? width : width * 0.85;
    const samples = latency.newest(Math.floor(room / STEP));
    const highest = Math.max(20, ...samples.map(({ ms }) => ms));
    samples.forEach(({ sender, ms }, i) => {
      const height = Math.max(2, Math.sqrt(ms / highest) * (HEIGHT - 2));
      context.fillStyle = colours.getPropertyValue(sender === 'ann' || sender === 'bob' ? `--${sender}` : '--ink-3');
      context.fillRect(room - (samples.length - i) * STEP, HEIGHT - height, BAR, height);
    });
    if (hasServer) return;
    context.fillStyle = colours.getPropertyValue('--line-2');
    for (let x = room; x < width; x += STEP) context.fillRect(x, HEIGHT - 1.5, BAR, 1.5);
  }
}
