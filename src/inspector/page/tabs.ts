import { make } from './dom.js';
import type { Pane } from './panes.js';

/** Tabs by the pattern of the ARIA practices: arrows, Home and End move between them. The fragment of the URL keeps the choice. */
export class Tabs {
  readonly element = make('div', { class: 'tabs' });
  private readonly tabs: HTMLButtonElement[];
  private readonly panels: HTMLElement[];
  private chosen = 0;

  constructor(
    private readonly entries: readonly (readonly [name: string, title: string, pane: Pane])[],
    label: string,
  ) {
    const list = make('div', { role: 'tablist', 'aria-label': label });
    this.tabs = entries.map(([name, title]) =>
      make('button', { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': name, text: title }),
    );
    this.panels = entries.map(([name, , { element }]) =>
      make('div', { role: 'tabpanel', id: name, 'aria-labelledby': `tab-${name}`, tabindex: '0' }, element),
    );
    for (const [i, tab] of this.tabs.entries()) {
      tab.addEventListener('click', () => this.choose(i));
      tab.addEventListener('keydown', (event) => this.onKey(event, i));
    }
    list.append(...this.tabs);
    this.element.append(list, ...this.panels);
    this.choose(
      Math.max(
        0,
        entries.findIndex(([name]) => `#${name}` === location.hash),
      ),
      true,
    );
  }

  /** Updates the pane that is seen. */
  update(): void {
    this.entries[this.chosen]?.[2].update();
  }

  private choose(chosen: number, first = false): void {
    this.chosen = chosen;
    for (const [i, tab] of this.tabs.entries()) {
      tab.setAttribute('aria-selected', String(i === chosen));
      tab.tabIndex = i === chosen ? 0 : -1;
      const panel = this.panels[i];
      if (panel) panel.hidden = i !== chosen;
    }
    if (!first) history.replaceState(null, '', `#${this.entries[chosen]?.[0]}`);
    this.update();
  }

  private onKey(event: KeyboardEvent, i: number): void {
    const { length } = this.tabs;
    const to = {
      ArrowRight: (i + 1) % length,
      ArrowLeft: (i + length - 1) % length,
      Home: 0,
      End: length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.choose(to);
    this.tabs[to]?.focus();
  }
}
