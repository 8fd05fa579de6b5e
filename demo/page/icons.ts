/** Icons as paths on a field of 24 by 24. */
const PATHS = {
  check: 'M5 12.5 10 17.5 19 7',
  clock: 'M12 7v5l3 2M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17',
  warning: 'M12 4 21 20H3L12 4ZM12 10v4M12 17h.01',
  minus: 'M7 12h10',
  cut: [
    'M4 4 20 20M8.5 15.5a5 5 0 0 1 4-1.5M5.5 12a9.5 9.5 0 0 1 4-2.2M3 8.5A14 14 0 0 1 6 6.6',
    'M12 19h.01M13 9.6a9.5 9.5 0 0 1 5.5 2.4M11 5.6A14 14 0 0 1 21 8.5',
  ].join(''),
  network: 'M3 9a14 14 0 0 1 18 0M6 12.5a9.5 9.5 0 0 1 12 0M9 15.8a5 5 0 0 1 6 0M12 19h.01',
  kill: 'M13 3 5.5 13.5H11L10 21l8-11h-6l1-7Z',
  restart: 'M20 12a8 8 0 1 1-2.5-5.8M20 4v4.5h-4.5',
  burst: 'M4 7h10M4 12h14M4 17h10M18 8l3.5 4L18 16',
  device: 'M8 3.5h8a1 1 0 0 1 1 1v15a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1v-15a1 1 0 0 1 1-1ZM12 9.5v5M9.5 12h5',
  skip: 'M7 3.5h10M7 20.5h10M8 3.5v3.5l4 5-4 5v3.5M16 3.5v3.5l-4 5 4 5v3.5',
  inspector: [
    'M4.5 5h15a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1h-15a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM3.5 14h17',
    'M8 16.5h.01M12 16.5h.01M16 16.5h.01',
  ].join(''),
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z',
  sun: [
    'M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8M12 2.5V5M12 19v2.5M2.5 12H5M19 12h2.5M5.3 5.3 7 7',
    'M17 17l1.7 1.7M5.3 18.7 7 17M17 7l1.7-1.7',
  ].join(''),
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  send: 'M12 19V5M6 11l6-6 6 6',
  back: 'M14.5 5.5 8 12l6.5 6.5',
  muted: 'M4 4 20 20M9.5 5A5.5 5.5 0 0 1 17.5 10v3l1 2M6.5 9v4L5 16.5h11.5M10.5 19.5a2 2 0 0 0 3 0',
  close: 'M6 6 18 18M18 6 6 18',
  flag: 'M6 20V4.5h11l-2.5 4 2.5 4H6',
} as const;

export type IconName = keyof typeof PATHS;

const SVG = 'http://www.w3.org/2000/svg';

export function svg(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: Node[]
): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

export function icon(name: IconName): SVGElement {
  const path = svg('path', { d: PATHS[name] });
  return svg('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, path);
}

/** Replaces the icon within an element, if it is another one. */
export function setIcon(holder: HTMLElement, name: IconName): void {
  if (holder.dataset.icon === name) return;
  holder.dataset.icon = name;
  const old = holder.querySelector(':scope > .icon');
  if (old === null) holder.prepend(icon(name));
  else old.replaceWith(icon(name));
}

export type TickName = 'waiting' | 'stored' | 'delivered' | 'read' | 'failed';

/** Stored ✓, delivered ✓✓, read ✓✓ in a filled pill: the shape tells, not the colour. */
export function tick(name: TickName): SVGElement {
  if (name === 'waiting') {
    const hands = svg('path', { d: 'M8 3.5V6l1.8 1.2M8 1.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 1 0 0-9.6' });
    return svg('svg', { class: 'tick', viewBox: '0 0 16 12', 'aria-hidden': 'true' }, hands);
  }
  const first = 'M2.5 6.5 5.5 9.5 11.5 2.5';
  const path = name === 'stored' ? 'M4 6.5 7 9.5 13 2.5' : `${first}M8 9.5 14.5 2.5`;
  const classes = name === 'read' ? 'tick tick-read' : 'tick';
  return svg('svg', { class: classes, viewBox: '0 0 16 12', 'aria-hidden': 'true' }, svg('path', { d: path }));
}
