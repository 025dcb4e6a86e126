import { Controller, Inject, Param } from '@nestjs/common';
import { get, type IncomingMessage } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { interval, map } from 'rxjs';
import { Channels, event, Runs, Sse } from 'nestjs-event-stream';
import { SseInspectorModule } from 'nestjs-event-stream/inspector';
import { makeApp, type AdapterName } from '../e2e/adapters.js';
import { INSPECTOR } from '../fixtures/inspected.js';

@Controller()
class Shop {
  constructor(
    @Inject(Channels) private readonly channels: Channels,
    @Inject(Runs) private readonly runs: Runs,
  ) {}

  @Sse('orders/:order', { limit: { key: 'ip', max: 40 } })
  order(@Param('order') order: string) {
    return this.channels.channel(`order:${order}`).subscribe();
  }
  @Sse('exports/:id', { exclusive: { key: 'route', status: 'replace' } })
  export(@Param('id') id: string) {
    return this.runs.attach(id);
  }
  @Sse('prices')
  prices() {
    return interval(50);
  }
  /** A client that does not read falls behind, and is cut off. */
  @Sse('firehose', { overflow: { maxBytes: 400_000 } })
  firehose() {
    return interval(50).pipe(map(() => 'x'.repeat(20_000)));
  }
}

const USERS = ['ann@example.com', 'bob@example.com', 'chris@example.com'];

/** An application whose inspector has something to show on every tab. */
export class Scene {
  private readonly clients = new Set<IncomingMessage>();
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    readonly app: INestApplication,
    readonly url: string,
  ) {}

  static async start(adapter: AdapterName, intervalMs = 200): Promise<Scene> {
    const app = await makeApp(adapter, {
      imports: [SseInspectorModule.forRoot({ ...INSPECTOR, intervalMs, node: 'web-1' })],
      controllers: [Shop],
      sse: { limit: { key: 'process', max: 60 } },
    });
    const scene = new Scene(app, await app.getUrl());
    await scene.fill();
    return scene;
  }

  /** The cookie that the guard of the inspector asks for. */
  get cookie(): { name: string; value: string; url: string } {
    return { name: 'admin', value: 'yes', url: this.url };
  }

  get page(): string {
    return `${this.url}/admin/streams`;
  }

  /** Opens a stream, and reads it unless `reads` is false. */
  async enter(path: string, user: string, reads = true): Promise<IncomingMessage> {
    const headers = { Cookie: `user=${encodeURIComponent(user)}` };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${this.url}/${path}`, { headers, agent: false }, resolve).on('error', reject);
    });
    response.on('error', () => undefined);
    if (reads) response.resume();
    this.clients.add(response);
    return response;
  }

  stop(): void {
    clearInterval(this.timer);
    for (const client of this.clients) client.destroy();
  }

  private async fill(): Promise<void> {
    const runs = this.app.get(Runs);
    for (const id of ['export-2026-11', 'import-4711']) {
      await runs.start(id, async function* (signal: AbortSignal) {
        for (let row = 0; !signal.aborted; row++) {
          yield event({ type: 'row', data: { row } });
          await new Promise((resolve) => setTimeout(resolve, 40));
        }
      });
    }
    for (const [i, user] of USERS.entries()) {
      await this.enter(`orders/${4711 + i}`, user);
      await this.enter('prices', user);
    }
    await this.enter('exports/export-2026-11', 'ann@example.com');
    await this.enter('orders/4711', 'bob@example.com');
    const left = await this.enter('prices', 'bob@example.com');
    left.destroy();
    await this.enter('firehose', 'chris@example.com', false);
    const channels = this.app.get(Channels);
    let number = 0;
    this.timer = setInterval(() => {
      number += 1;
      void channels.channel(`order:${4711 + (number % 3)}`).publish({ state: 'packed', number });
    }, 60);
  }
}
