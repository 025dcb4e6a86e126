import { connect } from 'nestjs-event-stream/client';
import { importEvents } from './import-events.js';

/** The front end: shows the progress, and returns the address of the file. It loads neither Nest nor the server. */
export async function watchImport(url: string, show: (text: string) => void) {
  for await (const event of connect(url, { events: importEvents })) {
    if (event.type === 'progress') show(`${event.data.percent} %`);
    if (event.type === 'done') return event.data.url;
  }
  return undefined;
}
