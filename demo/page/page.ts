/** Puts the page together. */

import { CHANNEL } from '../shared/people.js';
import { h, setAttribute } from './dom.js';
import { listenToKeys } from './keyboard.js';
import { App } from './model/app.js';
import { Companion } from './model/companion.js';
import { Faults } from './model/faults.js';
import { InspectionSource } from './model/inspection-source.js';
import { Readers } from './model/readers.js';
import { CounterView } from './parts/counter-view.js';
import { Header, toolsOf } from './parts/header.js';
import { InspectorView } from './parts/inspector-view.js';
import { KeysDialog } from './parts/keys-dialog.js';
import { LinkView } from './parts/link-view.js';
import { NarratorView } from './parts/narrator-view.js';
import { NarrowView } from './parts/narrow-view.js';
import { PaneView } from './parts/pane-view.js';
import { TimelineView } from './parts/timeline-view.js';
import { Theme } from './theme.js';

const root = document.querySelector<HTMLElement>('#app')!;
const app = new App(() => draw());
const theme = new Theme(() => app.changed());
const companion = new Companion(app, new URLSearchParams(location.search).has('quiet'));
const faults = new Faults(app, companion);
const readers = new Readers(app, () => app.conversation === CHANNEL);
const inspectionSource = new InspectionSource(app);

let openedFrom: Element | null = null;

function toggleInspector(): void {
  app.isInspectorOpen = !app.isInspectorOpen;
  if (app.isInspectorOpen) openedFrom = document.activeElement;
  else if (openedFrom instanceof HTMLElement) openedFrom.focus();
  app.changed();
}

const tools = toolsOf(app, faults);
const header = new Header(app, tools, theme, toggleInspector);
const inspector = new InspectorView(app, inspectionSource, toggleInspector);
const counter = new CounterView(app, readers, ({ conversation, seqId }) => {
  if (!app.isInspectorOpen) toggleInspector();
  app.choose(app.activeSide, conversation);
  inspector.select({ timeline: conversation, seqId: String(seqId) });
});
const narrator = new NarratorView(app, faults);
const panes = {
  left: new PaneView({ app, pane: app.panes.left, faults, readers }),
  right: new PaneView({ app, pane: app.panes.right, faults, readers }),
};
const timeline = new TimelineView(app, readers);
const narrow = new NarrowView(app, tools, toggleInspector);
const keys = new KeysDialog();
const stage = h('main', { class: 'stage', id: 'stage' }, panes.left.element, timeline.element, panes.right.element);
const link = new LinkView(app, stage, timeline);
stage.append(link.element);
header.breakIt.addEventListener('click', () => narrow.openSheet());

root.append(
  header.element,
  counter.element,
  narrator.element,
  narrow.tabs,
  narrow.strip,
  stage,
  inspector.element,
  keys.element,
  narrow.sheet,
);
root.before(h('a', { class: 'skip-link', href: '#stage' }, 'Skip to the conversations'));
// The rows of the layout are those of a wide page; tabs and strip only take part on a narrow one.
setAttribute(stage, 'tabindex', -1);

const composer = (side: 'left' | 'right') => {
  app.tab = side;
  app.activeSide = side;
  app.changed();
  panes[side].thread.composer.field.focus();
};

listenToKeys({
  byKey: {
    1: () => composer(app.sideOf('ann')),
    2: () => composer(app.sideOf('bob')),
    t: () => timeline.spine.focus(),
    i: toggleInspector,
    d: () => theme.toggle(),
    '?': () => keys.open(),
    a: () => void faults.toggleNetwork(app.sideOf('ann')),
    b: () => void faults.toggleNetwork(app.sideOf('bob')),
    k: () => void faults.toggleServer(),
    m: () => void faults.sendBurst(),
    n: () => faults.addDevice(),
    x: () => void faults.skipPastTtl(),
  },
  areas: () => [...document.querySelectorAll<HTMLElement>('[data-area]')],
  escape: () => app.isInspectorOpen && toggleInspector(),
  areLettersOn: () => keys.areLettersOn,
});

function draw(): void {
  setAttribute(root, 'data-tab', app.tab);
  header.update();
  counter.update();
  narrator.update();
  panes.left.update();
  panes.right.update();
  timeline.update();
  narrow.update();
  inspector.update();
  link.update();
}

// A dropped log is played as `--import` does.
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  const file = event.dataTransfer?.files[0];
  if (file !== undefined) void faults.play(file.name, file);
});

declare global {
  var timelineDemo: { readonly app: App; readonly faults: Faults };
}

// For tests and curious people at the console.
globalThis.timelineDemo = { app, faults };
app.changed();
