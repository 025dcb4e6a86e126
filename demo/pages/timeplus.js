import { Pane } from './pane.js';
import { postStream } from './post-stream.js';

const PATH = '/tenant/api/v1beta2/queries';

/** A query, its rows as they arrive, and the metrics that the engine reports. */
export function startTimeplus() {
  const pane = new Pane('timeplus');
  const sql = document.getElementById('timeplus-sql');
  const metrics = document.getElementById('timeplus-metrics');
  const example = document.getElementById('timeplus-example');
  let running = new AbortController();

  const offer = () => (sql.value = example.value);
  example.addEventListener('change', offer);
  offer();
  pane.buttons(
    async () => {
      running.abort();
      running = new AbortController();
      const { signal } = running;
      pane.clear();
      metrics.textContent = '';
      pane.status('waiting', 'Sending the query');
      try {
        for await (const event of postStream(PATH, { sql: sql.value }, signal)) {
          pane.status('open', 'Reading rows');
          if (event.type === 'metrics') showMetrics(metrics, JSON.parse(event.data));
          else pane.event(event);
        }
        pane.status('ended', 'The query has finished');
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    () => {
      running.abort();
      pane.status('idle', 'Cancelled');
    },
  );
}

function showMetrics(line, { count, eps, processing_time, scanned_rows, scanned_bytes }) {
  const figures = { count, eps, processing_time, scanned_rows, scanned_bytes };
  line.textContent = Object.entries(figures)
    .map(([name, figure]) => `${name} ${figure.toLocaleString('en')}`)
    .join(' · ');
}
