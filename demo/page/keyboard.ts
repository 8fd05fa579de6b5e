/** Keys that work anywhere on the page. */
export interface PageKeys {
  readonly byKey: Readonly<Record<string, () => void>>;
  /** Areas in their order, for F6. */
  areas(): readonly HTMLElement[];
  /** Closes the nearest thing. */
  escape(): void;
  areLettersOn(): boolean;
}

export function listenToKeys(keys: PageKeys): void {
  addEventListener('keydown', (event) => {
    if (event.key === 'F6') {
      event.preventDefault();
      return step(keys.areas(), event.shiftKey ? -1 : 1);
    }
    if (event.key === 'Escape' && !event.defaultPrevented) return keys.escape();
    if (event.ctrlKey || event.metaKey || event.altKey || !keys.areLettersOn() || isField(event.target)) return;
    const act = keys.byKey[event.key.toLowerCase()];
    if (act === undefined || event.defaultPrevented) return;
    event.preventDefault();
    act();
  });
}

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, dialog[open]') !== null;

function step(areas: readonly HTMLElement[], by: number): void {
  const visible = areas.filter((area) => area.offsetParent !== null || area.getClientRects().length > 0);
  const at = visible.findIndex((area) => area.contains(document.activeElement));
  const next = visible[(at + by + visible.length) % visible.length];
  const stop = next?.querySelector<HTMLElement>('[tabindex="0"], button:not([tabindex="-1"]), textarea');
  (stop ?? next)?.focus();
}
