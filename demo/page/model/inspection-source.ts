/** Timelines as they are stored, read again after changes while the inspector is open. */
import type { Inspection } from '../../shared/inspection.js';
import type { App } from './app.js';

/** Least milliseconds between two reads. */
const EVERY_MS = 300;
const ENTRIES = 80;

export class InspectionSource {
  inspection: Inspection | undefined;
  readonly #app: App;
  #isReading = false;
  #readAt = 0;

  constructor(app: App) {
    this.#app = app;
    setInterval(() => void this.#read(), EVERY_MS);
  }

  async #read(): Promise<void> {
    const { isInspectorOpen, conversation, devices, supervisor } = this.#app;
    if (!isInspectorOpen || conversation === undefined || this.#isReading || document.hidden) return;
    if (performance.now() - this.#readAt < EVERY_MS) return;
    this.#isReading = true;
    const inspection = await supervisor.get<Inspection>('inspect', [
      ['conversation', conversation],
      ['limit', String(ENTRIES)],
      ...devices.map(({ id }) => ['device', id] as const),
    ]);
    this.#isReading = false;
    this.#readAt = performance.now();
    if (inspection === undefined || JSON.stringify(inspection) === JSON.stringify(this.inspection)) return;
    this.inspection = inspection;
    this.#app.changed();
  }
}
