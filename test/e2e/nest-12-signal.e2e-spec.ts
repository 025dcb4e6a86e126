import { Controller, SseSignal as NestSseSignal } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { Observable } from 'rxjs';
import { Sse, SseConnections, SseSignal } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

const reasons: unknown[] = [];

@Controller()
class SignalController {
  @Sse('generator')
  async *generator(@NestSseSignal() signal: AbortSignal, @SseSignal() own: AbortSignal) {
    signal.addEventListener('abort', () => reasons.push((signal.reason as { code?: string }).code));
    yield { same: signal === own, aborted: signal.aborted };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }
  @Sse('observable')
  observable(@NestSseSignal() signal: AbortSignal) {
    signal.addEventListener('abort', () => reasons.push((signal.reason as { code?: string }).code));
    return new Observable(() => undefined);
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    beforeAll(async () => {
      app = await makeApp(adapter, { controllers: [SignalController], setUp });
    });
    beforeEach(() => {
      reasons.length = 0;
    });
    afterAll(closeApps);

    it("Nest's @SseSignal() gives the same signal as ours", async () => {
      const stream = await openStream(app, '/generator');
      expect((await stream.next()).json()).toEqual({ same: true, aborted: false });
      await stream.close();
      await until(() => reasons.length === 1);
      expect(reasons).toEqual(['SSE_CLIENT_GONE']);
    });

    it('it aborts, whichever side ends the stream', async () => {
      const stream = await openStream(app, '/observable');
      app.get(SseConnections).closeWhere(() => true);
      await stream.end();
      expect(reasons).toEqual(['SSE_CLOSED']);
    });
  }),
);
