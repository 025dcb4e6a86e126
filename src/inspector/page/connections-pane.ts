import type { Actions } from './actions.js';
import { button, make, setText, Sparkline } from './dom.js';
import { POINTS, type ConnectionRow, type State } from './state.js';
import { Table, textColumn, type Column, type Group } from './table.js';
import { bytes, count, counted, duration, rate } from './words.js';

type Grouping = 'none' | 'route' | 'user' | 'node';

/** The heading of connections without a user. A user can have this name as well. */
const NOBODY = '(no user)';

/** The live connections, filtered and grouped. */
export class ConnectionsPane {
  readonly element: HTMLElement;
  private readonly filter = make('input', {
    type: 'search',
    placeholder: 'Filter by route, key, user, address or node',
    'aria-label': 'Filter the connections',
    spellcheck: 'false',
  });
  private readonly grouping = make('select', { id: 'grouping' });
  private readonly shown = make('p', { class: 'shown' });
  private readonly table: Table<ConnectionRow>;

  constructor(
    private readonly state: State,
    actions: Actions,
    private readonly changed: () => void,
  ) {
    for (const [value, label] of [
      ['none', 'Nothing'],
      ['route', 'Route'],
      ['user', 'User'],
      ['node', 'Node'],
    ] as const) {
      this.grouping.append(make('option', { value, text: label }));
    }
    this.filter.addEventListener('input', () => this.changed());
    this.grouping.addEventListener('change', () => this.changed());
    this.table = new Table(
      'Live connections',
      columns(actions),
      ({ unique }) => unique,
      'No connection is open, or none matches the filter.',
      (name) => {
        // No user has an empty name.
        if (!name.startsWith('user:') || name === 'user:') return undefined;
        return button('Close all', 'danger small', () => actions.closeUser(name.slice('user:'.length)));
      },
    );
    this.element = make(
      'div',
      {},
      make(
        'div',
        { class: 'tools' },
        this.filter,
        make('label', { for: 'grouping', text: 'Group by' }),
        this.grouping,
        this.shown,
      ),
      this.table.element,
    );
  }

  update(): void {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = this.state.connections();
    const rows = all
      .filter(({ route, key, user, ip, node, id }) => {
        const text = `${route} ${key} ${user ?? ''} ${ip} ${node} ${id}`.toLowerCase();
        return words.every((word) => text.includes(word));
      })
      .sort((a, b) => a.openedAt - b.openedAt || (a.unique < b.unique ? -1 : 1));
    const open = this.state.sum(({ totals }) => totals.connections);
    setText(
      this.shown,
      rows.length === open ? counted(open, 'connection') : `${count(rows.length)} of ${count(open)}`,
    );
    this.table.update(this.groups(rows));
  }

  private groups(rows: ConnectionRow[]): Group<ConnectionRow>[] {
    const by = this.grouping.value as Grouping;
    if (by === 'none') return [{ name: 'all', rows }];
    const groups = new Map<string, ConnectionRow[]>();
    for (const row of rows) {
      const name = row[by] ?? '';
      const group = groups.get(name);
      if (group) group.push(row);
      else groups.set(name, [row]);
    }
    return [...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, group]) => ({
        name: `${by}:${name}`,
        title: by === 'user' && name === '' ? NOBODY : name,
        detail: [
          counted(group.length, 'connection'),
          `${rate(group.reduce((sum, row) => sum + row.rate, 0))} events/s`,
          `${bytes(group.reduce((sum, row) => sum + row.queuedBytes, 0))} queued`,
        ].join(' · '),
        rows: group,
      }));
  }
}

function columns(actions: Actions): Column<ConnectionRow>[] {
  return [
    {
      title: 'Route',
      class: 'route',
      cell: (cell) => {
        const route = make('span', { class: 'code' });
        const key = make('span', { class: 'code quiet' });
        cell.append(make('span', { class: 'lines' }, route, key));
        return (row) => {
          setText(route, row.route);
          setText(key, row.key);
          key.hidden = row.key === '';
        };
      },
    },
    {
      title: 'Client',
      class: 'client',
      cell: (cell) => {
        const user = make('span');
        const ip = make('span', { class: 'code quiet' });
        cell.append(make('span', { class: 'lines' }, user, ip));
        return (row) => {
          setText(user, row.user ?? '');
          user.hidden = row.user === null;
          setText(ip, row.ip || '–');
        };
      },
    },
    textColumn('Node', ({ node }) => node, 'code whole'),
    textColumn('Age', ({ ageMs }) => duration(ageMs), 'number'),
    textColumn(
      'Events',
      ({ events, dropped }) => count(events) + (dropped ? ` (${count(dropped)} dropped)` : ''),
      'number',
    ),
    {
      title: 'Events/s',
      class: 'number rate',
      cell: (cell) => {
        const number = make('span');
        const spark = new Sparkline(POINTS);
        cell.append(spark.element, number);
        return (row) => {
          setText(number, rate(row.rate));
          spark.draw(row.rates);
        };
      },
    },
    textColumn('Sent', (row) => bytes(row.bytes), 'number'),
    {
      title: 'Queued',
      class: 'number',
      cell: (cell) => (row) => {
        setText(cell, bytes(row.queuedBytes));
        cell.classList.toggle('warn', row.queuedBytes > 0);
      },
    },
    {
      title: 'Actions',
      class: 'actions',
      cell: (cell) => {
        let shown: ConnectionRow | undefined;
        const close = button('Close', 'small', () => shown && actions.closeConnection(shown.node, shown.id));
        const all = button('Close all', 'small', () => shown?.user != null && actions.closeUser(shown.user));
        cell.append(close, all);
        return (row) => {
          shown = row;
          all.hidden = row.user === null;
          close.setAttribute('aria-label', `Close connection ${row.id} of ${row.route}`);
          if (row.user === null) return;
          all.setAttribute('aria-label', `Close all connections of ${row.user}`);
          all.title = `Close all connections of ${row.user}`;
        };
      },
    },
  ];
}
