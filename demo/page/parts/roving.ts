/** Makes the items of a container one tab stop, with the arrow keys between them. */
export function roving(container: HTMLElement, selector: string, keys: 'horizontal' | 'vertical' = 'horizontal'): void {
  const [back, forth] = keys === 'horizontal' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
  const items = () => [...container.querySelectorAll<HTMLElement>(selector)];
  const stop = (current: HTMLElement | undefined) => {
    for (const item of items()) item.tabIndex = item === current ? 0 : -1;
  };
  container.addEventListener('focusin', ({ target }) => {
    const item = (target as Element).closest<HTMLElement>(selector);
    if (item !== null) stop(item);
  });
  container.addEventListener('keydown', (event) => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { [back!]: at - 1, [forth!]: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  });
  const ensure = () => {
    const all = items();
    if (all.length > 0 && !all.some(({ tabIndex }) => tabIndex === 0)) stop(all[0]);
    else if (all.filter(({ tabIndex }) => tabIndex === 0).length > 1) stop(all.find(({ tabIndex }) => tabIndex === 0));
  };
  new MutationObserver(ensure).observe(container, { childList: true, subtree: true });
  ensure();
}
