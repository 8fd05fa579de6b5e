/** One line under the counter: what just happened, or what to try. While the server is dead, a banner in its place. */
import { h, setText, show } from '../dom.js';
import { icon } from '../icons.js';
import type { App } from '../model/app.js';
import type { Faults } from '../model/faults.js';
import type { Line } from '../model/narrator.js';
import { standingLine } from '../model/standing-line.js';
import { plural } from '../words.js';

const HINTS = [
  ['1', 'Ann'],
  ['2', 'Bob'],
  ['I', 'Inspector'],
  ['?', 'Keys'],
] as const;

/** A screen reader hears at most one sentence in this time. */
const SPEAKS_EVERY_MS = 2000;

export class NarratorView {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #line = h('p', { class: 'line' });
  readonly #banner: HTMLElement;
  readonly #bannerStrong = h('strong', {});
  readonly #bannerText = h('span', {});
  readonly #spoken = h('p', { class: 'visually-hidden', role: 'status' });
  readonly #alert = h('p', { class: 'visually-hidden', role: 'alert' });
  #shown: Line | undefined;
  #spokeAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(app: App, faults: Faults) {
    this.#app = app;
    const restart = h(
      'button',
      { type: 'button', onclick: () => void faults.toggleServer() },
      icon('restart'),
      'Restart server',
    );
    const words = h('p', { class: 'line' }, this.#bannerStrong, this.#bannerText);
    this.#banner = h('div', { class: 'banner', hidden: true }, icon('warning'), words, restart);
    const hints = h(
      'div',
      { class: 'hints', 'aria-hidden': 'true' },
      ...HINTS.map(([key, name]) => h('span', {}, h('kbd', {}, key), name)),
    );
    this.element = h(
      'section',
      { class: 'narrator', 'aria-label': 'What happens' },
      this.#line,
      hints,
      this.#banner,
      this.#spoken,
      this.#alert,
    );
    setInterval(() => !this.#banner.hidden && this.#drawBanner(), 1000);
  }

  update(): void {
    const { supervisor } = this.#app;
    const isDown = supervisor.status?.server === 'down' || supervisor.isGone;
    show(this.#banner, isDown);
    show(this.#line, !isDown);
    show(this.element.querySelector('.hints')!, !isDown);
    show(this.#banner.querySelector('button')!, !supervisor.isGone);
    if (isDown) {
      this.#drawBanner();
      return;
    }
    setText(this.#alert, '');
    const line = standingLine(this.#app);
    if (line.strong === this.#shown?.strong && line.rest === this.#shown.rest && line.also === this.#shown.also) return;
    this.#shown = line;
    const parts = [h('strong', {}, line.strong), line.rest ?? ''];
    if (line.also !== undefined) parts.push(h('strong', { class: 'also' }, line.also));
    this.#line.replaceChildren(...parts);
    this.#speak(`${line.strong} ${line.rest ?? ''} ${line.also ?? ''}`.trim());
  }

  #drawBanner(): void {
    const { supervisor, devices } = this.#app;
    if (supervisor.isGone) {
      setText(this.#bannerStrong, 'The demo has stopped.');
      setText(this.#bannerText, 'Start it again with npm run demo.');
      setText(this.#alert, 'The demo has stopped. Start it again with npm run demo.');
      return;
    }
    const { downSince = Date.now(), ended = '' } = supervisor.status ?? {};
    const held = devices.reduce((sum, device) => sum + device.toSend, 0);
    const seconds = Math.max(0, Math.round((Date.now() - downSince) / 1000));
    const how = ended === 'SIGKILL' ? 'Server killed with kill -9' : `Server ended (${ended})`;
    setText(this.#bannerStrong, `${how}, ${seconds} s ago.`);
    if (supervisor.status?.survivesKill === false) {
      setText(this.#bannerText, 'Its messages were in its memory: they are gone. A restart begins anew.');
      setText(this.#alert, `${how}. Its messages are gone.`);
      return;
    }
    const what = held === 0 ? 'the devices hold your messages' : `the devices hold ${plural(held, 'message')}`;
    setText(this.#bannerText, `Keep writing: ${what} and try again.`);
    setText(this.#alert, `${how}. Keep writing.`);
  }

  #speak(text: string): void {
    clearTimeout(this.#timer);
    const wait = Math.max(0, this.#spokeAt + SPEAKS_EVERY_MS - Date.now());
    this.#timer = setTimeout(() => {
      this.#spokeAt = Date.now();
      setText(this.#spoken, text);
    }, wait);
  }
}
