// The cost of a client that joins at the end of a run of 100,000 deltas, with a fold and without. Prints; asserts nothing.
// Needs `npm run build`.
//   node bench/join-figures.mjs
import { get } from 'node:http';
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Runs, Sse, SseModule, concat, event, latest, memoryLog, uiMessage } from '../dist/esm/index.js';

const DELTAS = Number(process.env.DELTAS ?? 100_000);
const JOINS = 9;
const now = () => performance.now();

const word = (i) => ` ${(i * 7919).toString(36).slice(-3)}`;
const cell = (i) => event({ type: 'cell', data: { cell: (i * 31) % 500, value: i, by: `player ${i % 7}` } });
const chunk = (i) => ({
  id: 'chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG',
  object: 'chat.completion.chunk',
  created: 1_796_000_000,
  model: 'gpt-5-2026-08-07',
  service_tier: 'default',
  system_fingerprint: 'fp_50cad350e4',
  choices: [{ index: 0, delta: { content: word(i) }, logprobs: null, finish_reason: null }],
});

/** Each kind of delta, and its fold. */
const KINDS = {
  'cells of a table, latest()': [latest({ key: ({ data }) => data.cell }), cell],
  'plain text, concat()': [concat(), word],
  'chunks as of OpenAI, concat()': [
    concat({ text: ({ data }) => data.choices[0].delta.content }),
    (i) => event({ data: chunk(i) }),
  ],
  'parts of the AI SDK, uiMessage()': [
    uiMessage(),
    (i) =>
      event({
        data: i === 0 ? { type: 'text-start', id: '0' } : { type: 'text-delta', id: '0', delta: word(i) },
      }),
  ],
};

const runs = {};

class Viewers {
  constructor(service) {
    runs.service = service;
  }
  view() {
    return runs.service.attach('r', { fold: runs.fold });
  }
}
// The output of a compiler for the decorators.
const descriptor = Object.getOwnPropertyDescriptor(Viewers.prototype, 'view');
Object.defineProperty(
  Viewers.prototype,
  'view',
  Sse('view')(Viewers.prototype, 'view', descriptor) ?? descriptor,
);
Reflect.defineMetadata('design:paramtypes', [Runs], Viewers);
Controller()(Viewers);

/** Joins once: the bytes that arrive within the state, and the milliseconds until the last of them. */
function join(url, until) {
  return new Promise((resolve) => {
    const begun = now();
    let bytes = 0;
    let tail = '';
    get(`${url}/view`, (response) => {
      if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
      let found = false;
      response.setEncoding('utf8');
      response.on('data', (data) => {
        bytes += Buffer.byteLength(data);
        found ||= (tail + data).includes(until);
        tail = data.slice(-until.length);
        if (!found || !tail.endsWith('\n\n')) return;
        response.destroy();
        resolve({ bytes, ms: now() - begun });
      });
      response.on('error', () => undefined);
    });
  });
}

for (const [name, [fold, delta]] of Object.entries(KINDS)) {
  const figures = [];
  for (const with_ of [fold, undefined]) {
    const retention = with_ ? {} : { maxEvents: false, maxBytes: false, maxTotalBytes: false };
    const log = memoryLog({ ...retention, maxEventBytes: with_ ? 1_048_576 : 262_144 });
    class App {}
    Module({ imports: [SseModule.forRoot({ log })], controllers: [Viewers] })(App);
    const app = await NestFactory.create(App, { logger: false });
    await app.listen(0, '127.0.0.1');
    runs.fold = with_;
    let last;
    const begun = now();
    await new Promise((resolve) => {
      void runs.service.start(
        'r',
        async function* (signal) {
          for (let i = 0; i < DELTAS; i++) {
            if (i % 100 === 0) await new Promise(setImmediate);
            yield delta(i);
          }
          resolve();
          // The run is still running when the clients join.
          await new Promise((done) => signal.addEventListener('abort', done));
        },
        { fold: with_ },
      );
    });
    const runMs = now() - begun;
    // The id of the last event: what a client has when it is up to date.
    const first = await runs.service.attach('r', { fold: with_ });
    for (let idle = 0; idle < 3; idle++) {
      for (let batch = first.take(); batch; batch = first.take()) idle = 0;
      await new Promise(setImmediate);
    }
    last = first.cursor;
    first.close();
    const joins = [];
    for (let i = 0; i < JOINS; i++) joins.push(await join(await app.getUrl(), `id: ${last}\n`));
    joins.sort((a, b) => a.ms - b.ms);
    figures.push({ bytes: joins[0].bytes, ms: joins[JOINS >> 1].ms, runMs });
    await runs.service.stop('r');
    await app.close();
  }
  const [state, all] = figures;
  const share = ((state.bytes / all.bytes) * 100).toFixed(2);
  console.log(
    `${name}: ${state.bytes} bytes in ${state.ms.toFixed(1)} ms with the fold, ${all.bytes} bytes in ` +
      `${all.ms.toFixed(1)} ms without: ${share} %. The run took ${(state.runMs / 1000).toFixed(2)} s and ` +
      `${(all.runMs / 1000).toFixed(2)} s.`,
  );
}
process.exit(0);
