import './demo-speed.js';
import type { INestApplication } from '@nestjs/common';
import { Runs, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { createDemo } from '../../demo/create-app.js';
import { ownRuns } from '../fixtures/own-runs.js';
import { ChatTab } from '../fixtures/ai-chat.js';
import { eachAdapter, until } from './adapters.js';
import { ask } from './ask.js';

interface Saved {
  messages: { id: string; role: string; parts: { type: string; text: string }[] }[];
}

let chats = 0;

eachAdapter((adapter) => {
  let app: INestApplication;
  let url: string;
  let id: string;
  beforeAll(async () => {
    app = await createDemo(adapter, { logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  beforeEach(() => {
    id = `chat-${++chats}`;
  });
  afterEach(async () => {
    await until(() => app.get(SseConnections).count() === 0, 'the end of all streams');
    await until(() => ownRuns(app.get(Runs)).length === 0, 'the end of all answers');
  });
  afterAll(() => app.close());

  const saved = async () => (await ask<Saved>(app, 'GET', `/api/chat/${id}`)).body.messages;
  const stop = () => ask<{ stopped: boolean }>(app, 'DELETE', `/api/chat/${id}/stream`);

  describe('the token chat', () => {
    it('answers a client of the AI SDK token by token, and saves both messages', async () => {
      const tab = new ChatTab(url, id);
      await tab.sendMessage({ text: 'What about the ferry?' });
      expect([tab.status, tab.textParts]).toEqual(['ready', 1]);
      const stream = await openStream(app, `/api/chat/${id}/stream`);
      const events = await stream.rest();
      expect(events.slice(-3).map(({ data }) => data)).toEqual([
        '{"type":"text-end","id":"text-1"}',
        '{"type":"finish","finishReason":"stop"}',
        '[DONE]',
      ]);
      expect(tab.text.split(' ').length).toBeGreaterThan(100);
      const messages = await saved();
      expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
      expect(messages[1]).toMatchObject({
        id: tab.lastMessage?.id,
        parts: [{ type: 'text', text: tab.text }],
      });
    });

    it('a reload and a second tab in the middle get the whole answer, each word once', async () => {
      const first = new ChatTab(url, id);
      const sent = first.sendMessage({ text: 'Hi' });
      await first.reads(1);
      const second = new ChatTab(url, id, (await saved()) as never);
      const resumed = second.resumeStream();
      const reloaded = first.reloaded(url);
      await Promise.all([sent, resumed, reloaded.resumeStream()]);
      const whole = (await saved())[1];
      for (const tab of [second, reloaded]) {
        expect([tab.text, tab.textParts, tab.messages.length]).toEqual([whole?.parts[0]?.text, 1, 2]);
        expect(tab.lastMessage?.id).toBe(whole?.id);
      }
    });

    it('a page that loads its messages too early gets an answer that has ended, in the same message', async () => {
      const first = new ChatTab(url, id);
      await first.sendMessage({ text: 'Hi' });
      for (const messages of [[], await saved()]) {
        const late = new ChatTab(url, id, messages as never);
        await late.resumeStream();
        expect([late.text, late.messages.filter(({ role }) => role === 'assistant').length]).toEqual([
          first.text,
          1,
        ]);
      }
    });

    it('a stop from another tab ends it in all tabs, and what was written is saved', async () => {
      const tab = new ChatTab(url, id);
      const sent = tab.sendMessage({ text: 'Hi' });
      await tab.reads(1);
      expect(await stop()).toMatchObject({ status: 200, body: { stopped: true } });
      await sent;
      await until(() => tab.status === 'ready');
      expect(tab.text.split(' ').length).toBeLessThan(400);
      expect((await saved())[1]?.parts[0]?.text).toContain(tab.text);
      expect(await stop()).toMatchObject({ body: { stopped: false } });
    });

    it('has nothing to resume in a chat that nobody has used', async () => {
      expect((await fetch(`${url}/api/chat/${id}/stream`)).status).toBe(204);
      expect(await saved()).toEqual([]);
    });

    it.each([
      undefined,
      null,
      'text',
      {},
      { id: 'x', messages: {} },
      { id: 'x', messages: [] },
      { id: 'x', messages: [null] },
      { id: 'x', messages: [{ id: '1', role: 'assistant', parts: [{ type: 'text', text: 'x' }] }] },
      { id: 'x', messages: [{ id: '1', role: 'user', parts: [null, { type: 'text', text: 5 }] }] },
      { id: 'x', messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'x'.repeat(2001) }] }] },
      { id: 'x/y', messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'x' }] }] },
      { id: 'x', messages: [{ role: 'user', parts: [{ type: 'text', text: 'x' }] }] },
    ])('refuses the body %j', async (body) => {
      const answer = await ask(app, 'POST', '/api/chat', JSON.stringify(body));
      expect(answer).toMatchObject({ status: 400, body: { statusCode: 400, message: expect.any(String) } });
    });

    it('refuses an id that cannot be one on each route', async () => {
      for (const [method, path] of [
        ['GET', '/api/chat/a%20b'],
        ['GET', '/api/chat/a%20b/stream'],
        ['DELETE', `/api/chat/${'x'.repeat(65)}/stream`],
      ] as const)
        expect(await ask(app, method, path)).toMatchObject({ status: 400 });
    });
  });
});
