import { make, setText } from './dom.js';

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly class?: string;
  /** Makes the content of a cell once, and returns the function that updates it. */
  cell(cell: HTMLTableCellElement): (row: Row) => void;
}

/** Rows under one heading. */
export interface Group<Row> {
  readonly name: string;
  /** The heading; none if the table is not grouped. */
  readonly title?: string;
  readonly detail?: string;
  readonly rows: readonly Row[];
}

/** A column of text. */
export function textColumn<Row>(title: string, of: (row: Row) => string, className?: string): Column<Row> {
  return {
    title,
    ...(className && { class: className }),
    cell: (cell) => (row) => {
      setText(cell, of(row));
    },
  };
}

interface Shown<Row> {
  readonly element: HTMLTableRowElement;
  readonly updates: ((row: Row) => void)[];
}

/** A table whose rows keep their elements, so that an update moves neither the focus nor a selection. */
export class Table<Row> {
  readonly element: HTMLElement;
  private readonly table = make('table');
  private readonly empty: HTMLElement;
  private rows = new Map<string, Shown<Row>>();
  private readonly bodies = new Map<string, HTMLTableSectionElement>();

  constructor(
    caption: string,
    private readonly columns: readonly Column<Row>[],
    private readonly keyOf: (row: Row) => string,
    empty: string,
    private readonly groupAction?: (name: string) => HTMLElement | undefined,
  ) {
    this.empty = make('p', { class: 'empty', text: empty });
    const heads = columns.map(({ title, class: className }) =>
      make('th', { scope: 'col', class: className, text: title }),
    );
    this.table.append(
      make('caption', { class: 'hidden-text', text: caption }),
      make('thead', {}, make('tr', {}, ...heads)),
    );
    this.element = make('div', { class: 'table' }, this.table, this.empty);
  }

  update(groups: readonly Group<Row>[]): void {
    const focus = this.focus();
    const kept = new Map<string, Shown<Row>>();
    const names = new Set(groups.map(({ name }) => name));
    const keys = new Set(groups.flatMap(({ rows }) => rows.map(this.keyOf)));
    // First, so that the other rows need not move. A row that moves loses the focus.
    for (const [key, { element }] of this.rows) if (!keys.has(key)) element.remove();
    for (const [name, body] of this.bodies) {
      if (names.has(name)) continue;
      body.remove();
      this.bodies.delete(name);
    }
    let last: Element | null = this.table.tHead;
    for (const group of groups) {
      const body = this.body(group);
      if (last?.nextElementSibling !== body) last?.after(body);
      last = body;
      let previous: Element | null = group.title === undefined ? null : body.firstElementChild;
      for (const row of group.rows) {
        const key = this.keyOf(row);
        const shown = this.rows.get(key) ?? this.show();
        kept.set(key, shown);
        for (const update of shown.updates) update(row);
        const next: Element | null = previous ? previous.nextElementSibling : body.firstElementChild;
        if (next !== shown.element) {
          if (previous) previous.after(shown.element);
          else body.prepend(shown.element);
        }
        previous = shown.element;
      }
    }
    this.rows = kept;
    this.table.hidden = kept.size === 0;
    this.empty.hidden = kept.size > 0;
    focus?.();
  }

  /**
   * If the focus is in a row now, returns what restores it after an update. If that row is gone, the row in its place gets
   * the focus. Its button does not, so that one more key press does not close something else.
   */
  private focus(): (() => void) | undefined {
    const { activeElement } = document;
    const row = activeElement?.closest('tr');
    if (!(activeElement instanceof HTMLElement) || !row || !this.table.contains(row)) return undefined;
    const { rowIndex } = row;
    return () => {
      if (document.activeElement === activeElement) return;
      if (!activeElement.isConnected || this.table.hidden)
        return focusOn(this.table.hidden ? this.empty : this.rowAt(rowIndex));
      activeElement.focus({ preventScroll: true });
    };
  }

  private rowAt(index: number): HTMLElement | undefined {
    return this.table.rows[Math.min(index, this.table.rows.length - 1)];
  }

  private body({ name, title, detail }: Group<Row>): HTMLTableSectionElement {
    let body = this.bodies.get(name);
    if (!body) {
      body = make('tbody');
      this.bodies.set(name, body);
      if (title !== undefined) body.append(this.heading(name, title));
    }
    const shown = body.querySelector('.group-detail');
    if (shown && detail !== undefined) setText(shown, detail);
    return body;
  }

  private heading(name: string, title: string): HTMLElement {
    const cell = make('th', { scope: 'rowgroup', colspan: String(this.columns.length) });
    const content = make(
      'span',
      { class: 'group' },
      make('span', { class: 'group-title', text: title }),
      make('span', { class: 'group-detail' }),
    );
    const action = this.groupAction?.(name);
    if (action) content.append(action);
    cell.append(content);
    return make('tr', { class: 'group-row' }, cell);
  }

  private show(): Shown<Row> {
    const element = make('tr');
    const updates = this.columns.map(({ title, class: className, cell: prepare }) => {
      const cell = make('td', { class: className, 'data-title': title });
      element.append(cell);
      return prepare(cell);
    });
    return { element, updates };
  }
}

/** Focuses an element that is not a control. */
function focusOn(element: HTMLElement | undefined): void {
  if (!element) return;
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
}
