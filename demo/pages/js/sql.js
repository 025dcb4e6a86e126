import { Chart } from './chart.js';
import { make, part } from './dom.js';
import { Pane } from './pane.js';
import { setCurl } from './sources.js';

const PATH = '/tenant/api/v1beta2/queries';
const KEPT = 200;

/** A query, its rows in a chart and in a table, and the metrics of the engine. */
export function startSql() {
  const pane = new Pane('sql');
  const text = part('sql-text');
  const example = part('sql-example');
  const table = part('sql-table');
  const chart = new Chart(part('sql-chart'));
  let figure = -1;

  const describe = ({ result: { header } }) => {
    if (table.tHead.rows.length > 0) return;
    table.tHead.append(make('tr', '', ...header.map(asHeading)));
    figure = header.findIndex(({ type }) => /^(?:float|decimal|int|double)/i.test(type));
    chart.begin(header[figure]?.name);
  };
  const addRows = (rows) => {
    if (figure !== -1) chart.add(rows.map((row) => Number(row[figure])));
    const [body] = table.tBodies;
    body.prepend(...rows.slice(-KEPT).map(asRow).toReversed());
    while (body.childElementCount > KEPT) body.lastElementChild.remove();
  };
  const offer = () => {
    text.value = example.value;
    showCurl(pane.section, text.value);
  };

  example.addEventListener('change', offer);
  text.addEventListener('input', () => showCurl(pane.section, text.value));
  offer();
  pane.on('sql-start', async () => {
    pane.restart();
    table.tHead.replaceChildren();
    table.tBodies[0].replaceChildren();
    chart.begin(undefined);
    for (const name of ['count', 'eps', 'scanned', 'time']) part(`sql-${name}`).textContent = '–';
    await pane.read(
      PATH,
      (event) => {
        if (event.type === 'query') describe(event.json());
        else if (event.type === 'metrics') showMetrics(event.json());
        else if (event.type === 'error') throw new Error(event.json().message);
        else addRows(event.json());
      },
      { body: { sql: text.value }, reading: 'Reading rows', ended: 'The query has finished' },
    );
  });
}

function asHeading({ name, type }) {
  const cell = make('th', '', name, ' ', make('small', '', type));
  cell.scope = 'col';
  return cell;
}

function asRow(row) {
  return make(
    'tr',
    '',
    ...row.map((value) => make('td', typeof value === 'number' ? 'figure' : '', String(value))),
  );
}

function showMetrics({ count, eps, processing_time, scanned_rows }) {
  part('sql-count').textContent = count.toLocaleString('en');
  part('sql-eps').textContent = eps.toLocaleString('en');
  part('sql-scanned').textContent = scanned_rows.toLocaleString('en');
  part('sql-time').textContent = `${(processing_time / 1000).toFixed(0)} s`;
}

function showCurl(section, sql) {
  const body = JSON.stringify({ sql }).replaceAll("'", `'\\''`);
  const lines = [`curl -N {origin}${PATH} \\`, `  -H 'Content-Type: application/json' \\`, `  -d '${body}'`];
  setCurl(section.querySelector('[data-behind]'), lines.join('\n'));
}
