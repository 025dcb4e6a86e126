import { nowMicros } from '../machinery/clock.mjs';
import { SMALL_PAD, problemOf } from '../machinery/payload.mjs';
import { StreamSocket } from './stream-socket.mjs';

/**
 * Closed connections keep their port for a minute. Each address has about 14,000 ports, and the search for a free one
 * is slow.
 */
const ADDRESSES = 200;

/** Clients that connect, take the first event, and leave, `atOnce` of them at any time, for `ms`. */
export async function visit({ port, path, ms, atOnce }) {
  const startedAt = nowMicros();
  const end = startedAt + ms * 1000;
  const latencies = [];
  let problem;
  let started = 0;
  const visitor = async () => {
    while (nowMicros() < end) {
      const localAddress = `127.0.0.${1 + (started++ % ADDRESSES)}`;
      const before = nowMicros();
      const failed = await visitOnce({ port, path, localAddress });
      if (failed) problem ??= failed;
      else latencies.push(nowMicros() - before);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, visitor));
  latencies.sort((a, b) => a - b);
  const p99 = latencies[Math.floor((latencies.length - 1) * 0.99)] ?? null;
  return { visits: latencies.length, micros: nowMicros() - startedAt, p99, problem };
}

function visitOnce(request) {
  return new Promise((resolve) => {
    let body = '';
    let result = 'the connection was closed without an event';
    const stream = new StreamSocket(request, {
      onBody(buffer, start, end) {
        body += buffer.latin1Slice(start, end);
        if (!/^data:.*\n(?:.+\n)*\n/m.test(body)) return;
        result = stream.problem ?? problemOf(Buffer.from(body, 'latin1'), { count: 1, pad: SMALL_PAD });
        stream.close();
      },
      onClosed: () => resolve(result),
    });
  });
}
