import { Writable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { SharedTimers } from '../time/shared-timers.js';
import { PartedBody, bodyOf } from './body.js';
import type { RawResponse } from './response.js';

/** A stream that finishes a write when the test calls `take()`. */
class SlowStream extends Writable {
  readonly chunks: Buffer[] = [];
  private taken: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    this.taken = done;
  }

  async take(): Promise<void> {
    const { taken } = this;
    this.taken = undefined;
    taken?.();
    await new Promise(setImmediate);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

const LARGE = 'é'.repeat(25_000);

describe('the body of a response over HTTP/2', () => {
  it('is written in parts if it is large, so that each part that the client reads can be seen', async () => {
    const stream = new SlowStream({ highWaterMark: 16_384 });
    const body = new PartedBody(stream);
    let drained = 0;
    expect(body.write(LARGE, 50_000)).toBe(false);
    body.onceDrained(() => drained++);
    const held = [body.heldBytes];
    for (let i = 0; i < 3; i++) {
      await stream.take();
      held.push(body.heldBytes);
    }
    expect(held).toEqual([33_616, 17_232, 848, 0]);
    expect(drained).toBe(0);
    await stream.take();
    expect(drained).toBe(1);
    expect(stream.text).toBe(LARGE);
  });

  it('is written in one piece if it is small', () => {
    const stream = new SlowStream({ highWaterMark: 16_384 });
    const body = new PartedBody(stream);
    expect(body.write('data: 1\n\n', 9)).toBe(true);
    expect(body.heldBytes).toBe(0);
    expect(stream.text).toBe('data: 1\n\n');
  });

  it('ends after all parts if end() is called between two of them', async () => {
    const stream = new SlowStream({ highWaterMark: 16_384 });
    const body = new PartedBody(stream);
    body.write(LARGE, 50_000);
    await stream.take();
    body.end('last');
    for (let i = 0; i < 10; i++) await stream.take();
    expect(stream.text).toBe(`${LARGE}last`);
    expect(stream.writableFinished).toBe(true);
  });

  it('writes a large last text in parts', async () => {
    const stream = new SlowStream({ highWaterMark: 16_384 });
    const body = new PartedBody(stream);
    body.end(LARGE);
    expect(stream.chunks.map(({ length }) => length)).toEqual([16_384]);
    for (let i = 0; i < 10; i++) await stream.take();
    expect(stream.text).toBe(LARGE);
    expect(stream.writableFinished).toBe(true);
  });

  it('writes nothing more once its stream is destroyed', async () => {
    const stream = new SlowStream({ highWaterMark: 16_384 });
    const body = new PartedBody(stream);
    let drained = 0;
    body.write(LARGE, 50_000);
    body.onceDrained(() => drained++);
    stream.destroy();
    await stream.take();
    body.end('last');
    expect([stream.chunks.length, drained]).toEqual([1, 0]);
  });
});

it('a compressing body sends each write immediately', async () => {
  const [gzip, plain] = [createGzip(), createGunzip()];
  let text = '';
  gzip.pipe(plain).on('data', (part: Buffer) => (text += part.toString()));
  const body = bodyOf(
    { req: { httpVersionMajor: 1 } } as RawResponse,
    gzip,
    new SharedTimers(new ManualClock()),
  );
  for (const block of ['data: 1\n\n', 'data: 2\n\n']) {
    const arrived = new Promise((resolve) => plain.once('data', resolve));
    body.write(block, block.length);
    await arrived;
    expect(text.endsWith(block)).toBe(true);
  }
  body.end('data: 3\n\n');
  await new Promise((resolve) => plain.once('end', resolve));
  expect(text).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
});
